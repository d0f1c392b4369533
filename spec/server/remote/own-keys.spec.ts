import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { encodeBase64 } from '../../../server/core/base64.ts'
import { generateSigningKey } from '../../../server/core/signatures.ts'
import { openOwnKeys } from '../../../server/remote/own-keys.ts'
import { type Database, statement, write } from '../../../server/storage/database.ts'
import { forEachEngine } from '../../support/storage.ts'

const minute = 60_000
const from = 1_700_000_000_000
const key = (name: string, seed = name) => generateSigningKey(createHash('sha256').update(seed).digest(), name)
const [first, second, third] = [key('first'), key('second'), key('third')]
type Key = typeof first
const former = (one: Key) => ({ keyId: one.keyId, key: encodeBase64(one.publicKey) })

forEachEngine('the keys of this server', (openDatabase, engine) => {
  const clock = { time: from, now: () => clock.time }
  let database: Database
  beforeEach(async () => {
    clock.time = from
    database = (await openDatabase()).database
  })
  const open = async (signingKey: Key, of: { former?: Key[]; declared?: readonly (readonly [Key, number])[] } = {}) => {
    const warned: string[] = []
    const declared = (of.declared ?? []).map(([one, until]) => ({ ...former(one), until }))
    const log = { warn: (words: string) => void warned.push(words) }
    const keys = await openOwnKeys({ database, clock, log, signingKey, former: (of.former ?? []).map(former), declared })
    const told = async () => (await keys.list()).map(({ keyId, until }) => [keyId.slice('ed25519:'.length), until])
    return { ...keys, told, warned }
  }
  const refused = async (opening: Promise<unknown>) =>
    opening.then(
      () => 'it was opened',
      (error: Error) => error.message,
    )

  it('are the one it signs with, and those before with when they were used last', async () => {
    expect(await (await open(first)).told()).to.deep.equal([['first', undefined]])
    clock.time += minute
    const { told, warned } = await open(second)
    expect(warned).to.deep.equal(['a new key signs from now on; the one before is told to others as an old one'])
    const ended = from + minute + (engine === 'postgres' ? 10 * minute : 0)
    const both = [
      ['second', undefined],
      ['first', ended],
    ]
    expect(await told()).to.deep.equal(both)
    clock.time = ended
    expect(await told()).to.deep.equal(both)
    expect((await open(second)).warned).to.deep.equal([])
    clock.time += minute
    const last = await open(third)
    clock.time += 20 * minute
    expect((await last.told()).map(([name]) => name)).to.deep.equal(['third', 'second', 'first'])
  })

  it('before are good for what was signed before, and for no request', async () => {
    await open(first)
    const { find } = await open(second)
    clock.time += 20 * minute
    const { key, keyId } = former(first)
    expect(await find({ keyId, at: from })).to.equal(key)
    expect(await find({ keyId, at: undefined })).to.equal(key)
    expect(await find({ keyId, at: clock.time })).to.equal(undefined)
    expect(await find({ keyId, at: from, forRequest: true })).to.equal(undefined)
    expect(await find({ keyId: second.keyId, at: clock.time, forRequest: true })).to.equal(former(second).key)
    expect(await find({ keyId: third.keyId, at: undefined })).to.equal(undefined)
  })

  it('are also those that only the file knows, and of which the configuration has the last word', async () => {
    const before = await open(second, { former: [first] })
    clock.time += 20 * minute
    expect((await before.told()).map(([name]) => name)).to.deep.equal(['second', 'first'])
    const { told, find } = await open(second, {
      declared: [
        [first, 0],
        [third, from - minute],
      ],
    })
    expect(await told()).to.deep.equal([
      ['second', undefined],
      ['third', from - minute],
      ['first', 0],
    ])
    expect(await find({ keyId: first.keyId, at: from - minute })).to.equal(undefined)
  })

  it('are not signed with again once others were told that they are old, nor under the name of another one', async () => {
    await open(first)
    await open(second)
    clock.time += 20 * minute
    expect(await refused(open(first)))
      .to.contain('ed25519:first was given up for a newer one at 2023-11-14')
      .and.contain('npm run rotate-key')
    expect(await refused(open(key('second', 'another')))).to.contain('another key of the name ed25519:second')
    expect(await refused(open(third, { declared: [[third, 0]] }))).to.contain('old_signing_keys names ed25519:third')
    expect((await open(second)).warned).to.deep.equal([])
  })

  it('end not before what they signed last, though the clock was set back since, while the server ran or while it did not', async () => {
    const day = 24 * 3_600_000
    for (const whileItRuns of [true, false]) {
      const [one, next] = [key(`one${whileItRuns}`), key(`next${whileItRuns}`)]
      clock.time = from
      const { keepUp } = await open(one)
      await keepUp()
      clock.time += day
      await keepUp()
      clock.time += 9 * minute
      if (whileItRuns) await keepUp()
      clock.time = from + 30 * minute
      if (whileItRuns) await keepUp()
      const { find, told } = await open(next)
      const signedLast = from + day + 9 * minute
      expect(await find({ keyId: one.keyId, at: signedLast })).to.equal(former(one).key)
      expect((await told())[1]![1]).to.be.within(signedLast, signedLast + 11 * minute)
      await database.commit({ writes: [write(statement<[]>('DELETE FROM own_keys'))] })
    }
  })

  it('end soon, however far ahead the clock was', async () => {
    const day = 24 * 3_600_000
    const { keepUp } = await open(first)
    clock.time += 999 * day
    await keepUp()
    clock.time = from
    expect((await (await open(second)).told())[1]).to.deep.equal(['first', from + 7 * day])
  })

  it('cost the disk a note every ten minutes', async () => {
    const { keepUp } = await open(first)
    const commits: number[] = []
    const commit = database.commit
    Object.assign(database, { commit: (part: Parameters<typeof commit>[0]) => commits.push(clock.time - from) && commit(part) })
    for (let passed = 0; passed < 30; passed++) {
      await keepUp()
      clock.time += minute
    }
    expect(commits).to.deep.equal([0, 10 * minute, 20 * minute])
  })

  if (engine === 'sqlite') return
  it('of its processes all count as long as somebody signs with them', async () => {
    const slow = await open(first)
    const quick = await open(second)
    const mayRequest = () => quick.find({ keyId: first.keyId, at: clock.time, forRequest: true })
    for (let passed = 0; passed < 60; passed++) {
      clock.time += minute
      await slow.keepUp()
      await quick.keepUp()
      const [, [name, until]] = (await quick.told()) as [unknown, [string, number]]
      expect(name).to.equal('first')
      expect(until, `after ${passed} minutes`).to.be.above(clock.time + minute)
      expect(await mayRequest()).to.equal(former(first).key)
    }
    expect(await slow.told()).to.deep.equal([
      ['first', undefined],
      ['second', undefined],
    ])
    expect([slow.warned.length, quick.warned.length]).to.deep.equal([1, 1])
    await open(first)
    clock.time += 10 * minute
    const [, old] = await quick.told()
    expect(old?.[1]).to.be.within(clock.time - 10 * minute, clock.time)
    expect(await refused(open(first))).to.contain('was given up')
  })
})
