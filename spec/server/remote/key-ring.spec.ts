import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { encodeBase64 } from '../../../server/core/base64.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { generateSigningKey, signJson } from '../../../server/core/signatures.ts'
import { createKeyRing } from '../../../server/remote/key-ring.ts'
import type { Peers, SignedRequest } from '../../../server/remote/signed-request.ts'
import { statement } from '../../../server/storage/database.ts'
import { forEachEngine, type Opened } from '../../support/storage.ts'

const day = 24 * 3_600_000
const key = (seed: number) => generateSigningKey(createHash('sha256').update(`${seed}`).digest(), `k${seed}`)
const [ours, theirs, newer, notarys] = [key(1), key(2), key(3), key(4)] as const
type Key = ReturnType<typeof key>
type World = Record<string, (uri: string, content?: JsonObject) => JsonObject | undefined | Promise<undefined>>

/** What a server says of its keys. */
function says(serverName: string, until: number, keys: readonly Key[], old: readonly (readonly [Key, number])[] = []): JsonObject {
  const entry = (one: Key) => ({ key: encodeBase64(one.publicKey) })
  const said = {
    server_name: serverName,
    valid_until_ts: until,
    verify_keys: Object.fromEntries(keys.map((one) => [one.keyId, entry(one)])),
    old_verify_keys: Object.fromEntries(old.map(([one, expired_ts]) => [one.keyId, { ...entry(one), expired_ts }])),
  }
  return keys.reduce<JsonObject>((object, one) => signJson(object, serverName, one), said)
}

forEachEngine('the keys of other servers', (open) => {
  let opened: Opened
  beforeEach(async () => {
    opened = await open()
  })

  function ring(world: World, notaries: string[] = []) {
    const asked: string[] = []
    const clock = { time: 100 * day, now: () => clock.time }
    const ask = async ({ destination, uri, content }: Pick<SignedRequest, 'destination' | 'uri' | 'content'>) => {
      asked.push(destination)
      const body = await world[destination]?.(uri, content as JsonObject)
      if (body === undefined) return { ok: false, reason: 'unreachable', words: 'no' } as const
      return { ok: true, status: 200, headers: {}, body } as const
    }
    const peers = { fetchJson: ask, fetchUnsigned: ask } as unknown as Peers
    const made = createKeyRing({ database: opened.database, peers, serverName: 'here.test', ownKeys, clock, notaries, soonMs: 20 })
    return { ...made, asked, clock }
  }
  const ownKeys = { find: async ({ keyId }: { keyId: string }) => (keyId === ours.keyId ? encodeBase64(ours.publicKey) : undefined) }
  const now = 100 * day
  const wanted = { serverName: 'peer.test', keyId: theirs.keyId, at: now, forRequest: true }
  const published = encodeBase64(theirs.publicKey)

  it('are asked of them once, by however many, and are there after a restart', async () => {
    const world = { 'peer.test': () => says('peer.test', now + day, [theirs]) }
    const { find, asked } = ring(world)
    expect(await Promise.all([find(wanted), find(wanted), find(wanted)])).to.deep.equal([published, published, published])
    expect(asked).to.deep.equal(['peer.test'])
    const again = ring({})
    expect(await again.find(wanted)).to.equal(published)
    expect(again.asked).to.deep.equal([])
  })

  it('are asked for again when they are no longer valid, and not used when nobody answers', async () => {
    let until = now + day
    const { find, asked, clock } = ring({ 'peer.test': () => (until > 0 ? says('peer.test', until, [theirs]) : undefined) })
    expect(await find(wanted)).to.equal(published)
    clock.time = now + 2 * day
    until = 0
    expect(await find({ ...wanted, at: clock.time })).to.equal(undefined)
    expect(await find(wanted)).to.equal(published)
    until = now + 9 * day
    clock.time += day
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
    expect(asked).to.have.length(3)
  })

  it('are valid no longer than a week after they were fetched, whatever they say', async () => {
    const { find, clock } = ring({ 'peer.test': () => says('peer.test', now + 9999 * day, [theirs]) })
    expect(await find(wanted)).to.equal(published)
    expect(await find({ ...wanted, at: now + 8 * day })).to.equal(undefined)
    clock.time = now + 8 * day
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
  })

  it('of a server whose clock is days behind are good for its requests for an hour after it said them, and for no event of now', async () => {
    let isThere = true
    const { find, asked, clock } = ring({
      'peer.test': () => (isThere ? says('peer.test', now - 2 * day, [theirs], [[newer, 1]]) : undefined),
    })
    expect(await find(wanted)).to.equal(published)
    expect(await find({ ...wanted, keyId: newer.keyId })).to.equal(undefined)
    expect(await find({ ...wanted, forRequest: false })).to.equal(undefined)
    clock.time = now + 3_500_000
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
    clock.time = now + 3_700_000
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
    expect(asked).to.have.length(2)
    isThere = false
    clock.time = now + 9_000_000
    expect(await find({ ...wanted, at: clock.time })).to.equal(undefined)
  })

  it('are asked for again where the clock was set back since', async () => {
    let isThere = false
    const { find, clock } = ring({ 'peer.test': () => (isThere ? says('peer.test', now + day, [theirs]) : undefined) })
    expect(await find(wanted)).to.equal(undefined)
    isThere = true
    expect(await find(wanted)).to.equal(undefined)
    clock.time = now - 3_600_000
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
  })

  it('that are old are good for events of their time, and for no request', async () => {
    const { find } = ring({ 'peer.test': () => says('peer.test', now + day, [newer], [[theirs, now - day]]) })
    const event = { serverName: 'peer.test', keyId: theirs.keyId }
    expect(await find({ ...event, at: now - 2 * day })).to.equal(published)
    expect(await find({ ...event, at: now })).to.equal(undefined)
    expect(await find({ ...event, at: undefined })).to.equal(published)
    expect(await find({ ...event, at: now - 2 * day, forRequest: true })).to.equal(undefined)
  })

  it('are kept when their server no longer names them', async () => {
    let keys = [theirs]
    const { find, clock } = ring({ 'peer.test': () => says('peer.test', clock.time + day, keys) })
    expect(await find(wanted)).to.equal(published)
    keys = [newer]
    clock.time += day / 2
    expect(await find({ ...wanted, keyId: newer.keyId, at: clock.time })).to.equal(encodeBase64(newer.publicKey))
    expect(await find({ ...wanted, forRequest: false })).to.equal(published)
  })

  it('cost a server one question a minute when somebody names keys that it has not, and fewer when it is away', async () => {
    const { find, asked, clock } = ring({ 'peer.test': () => says('peer.test', now + day, [theirs]) })
    for (let n = 0; n < 50; n++) await find({ ...wanted, keyId: `ed25519:made_up_${n}` })
    expect(asked).to.have.length(1)
    const away = ring({})
    for (let seconds = 0; seconds < 3600; seconds += 10) {
      await away.find({ ...wanted, serverName: 'away.test' })
      away.clock.time += 10_000
    }
    expect(away.asked.length).to.be.within(5, 12)
    expect(clock.time).to.equal(now)
  })

  it('cost a server that answers one question a minute too where we are asked on behalf of others', async () => {
    const { find, responsesOf, asked, clock } = ring({ 'peer.test': () => says('peer.test', now + day, [theirs]) })
    for (let n = 0; n < 50; n++) await responsesOf('peer.test', 0, [`ed25519:made_up_${n}`])
    await find({ ...wanted, keyId: 'ed25519:made_up', forRequest: false })
    expect(asked).to.have.length(1)
    clock.time += 60_000
    await find({ ...wanted, keyId: 'ed25519:made_up', forRequest: false })
    for (let n = 0; n < 50; n++) await responsesOf('peer.test', 0, [`ed25519:made_up_${n}`])
    expect(asked).to.have.length(2)
  })

  it('are not asked for without end of a server whose answer cannot be read', async () => {
    const odd = () => ({ ...says('peer.test', now + day, [theirs]), more: Number.POSITIVE_INFINITY })
    const { find, asked } = ring({ 'peer.test': odd })
    for (let n = 0; n < 5; n++) expect(await find(wanted)).to.equal(undefined)
    expect(asked).to.have.length(1)
  })

  it('are asked of fifty servers at a time, however many are named', async () => {
    const silence = Promise.withResolvers<undefined>()
    const names = Array.from({ length: 300 }, (_, n) => `server${n}.test`)
    const { find, asked } = ring(Object.fromEntries(names.map((name) => [name, () => silence.promise])))
    const finding = names.map((serverName) => find({ ...wanted, serverName }))
    await Promise.all(finding.slice(-100))
    expect(asked).to.have.length(50)
    silence.resolve(undefined)
    expect(new Set(await Promise.all(finding))).to.deep.equal(new Set([undefined]))
  })

  it('are had for events while strangers name servers that do not answer', async () => {
    const silence = Promise.withResolvers<undefined>()
    const names = Array.from({ length: 100 }, (_, n) => `server${n}.test`)
    const world: World = Object.fromEntries(names.map((name) => [name, () => silence.promise]))
    const { find, responsesOf } = ring({ ...world, 'peer.test': () => says('peer.test', now + day, [theirs]) })
    const finding = [
      ...names.slice(0, 60).map((serverName) => find({ ...wanted, serverName })),
      ...names.slice(60).map((name) => responsesOf(name, 0)),
    ]
    await Promise.all(finding.slice(-30))
    expect(await find({ ...wanted, forRequest: false })).to.equal(published)
    silence.resolve(undefined)
    await Promise.all(finding)
  })

  it('take no more room when a server names ever new ones', async () => {
    const { find, responsesOf, clock } = ring({
      'peer.test': () =>
        says(
          'peer.test',
          clock.time + 1,
          Array.from({ length: 30 }, (_, n) => key(clock.time + n)),
        ),
    })
    for (let n = 0; n < 10; n++) {
      await find({ ...wanted, keyId: `ed25519:k${clock.time}`, at: clock.time })
      clock.time += day
    }
    expect(await opened.database.select(statement<[], { key_id: string }>('SELECT key_id FROM server_keys'))).to.have.length(64)
    expect(await responsesOf('peer.test', 0)).to.have.length(1)
  })

  it('that were given up do not come back, neither by their server nor by an old answer that a notary tells', async () => {
    const old = signJson(says('peer.test', now + day, [theirs]), 'notary.test', notarys)
    let own: JsonObject | undefined = says('peer.test', now + 2 * day, [newer], [[theirs, now - day]])
    const world: World = {
      'peer.test': () => own,
      'notary.test': (uri) => (uri.endsWith('/server') ? says('notary.test', now + 9 * day, [notarys]) : { server_keys: [old] }),
    }
    const { find, clock } = ring(world, ['notary.test'])
    expect(await find(wanted)).to.equal(undefined)
    own = undefined
    clock.time += day / 2
    expect(await find({ ...wanted, at: clock.time })).to.equal(undefined)
    own = says('peer.test', now + 3 * day, [theirs])
    clock.time += day / 2
    expect(await find({ ...wanted, at: clock.time })).to.equal(undefined)
  })

  it('are asked of a notary where they cannot be had otherwise, and must be signed by both', async () => {
    const event = { ...wanted, forRequest: false }
    const said = says('peer.test', now + day, [theirs])
    const own = says('notary.test', now + day, [notarys])
    const notary = (response: JsonObject) => (uri: string) => (uri.endsWith('/server') ? own : { server_keys: [response] })
    const good = ring({ 'notary.test': notary(signJson(said, 'notary.test', notarys)) }, ['notary.test'])
    const refused = [said, signJson(said, 'notary.test', theirs), signJson({ ...said, valid_until_ts: 1 }, 'notary.test', notarys)]
    for (const response of refused) expect(await ring({ 'notary.test': notary(response) }, ['notary.test']).find(event)).to.equal(undefined)
    expect(await good.find(event)).to.equal(published)
  })

  const known = (world: (serverName: string, wanted: JsonObject) => readonly JsonObject[]): World => ({
    'notary.test': (uri, { server_keys: asked } = {}) => {
      if (uri.endsWith('/server')) return says('notary.test', now + 9 * day, [notarys])
      const [serverName, wanted] = Object.entries(asked as Record<string, JsonObject>)[0]!
      return { server_keys: world(serverName, wanted).map((response) => signJson(response, 'notary.test', notarys)) }
    },
  })

  it('that a server had one after the other a notary tells at once, each good for its time and none of before for requests', async () => {
    const [first, then] = [says('peer.test', now - 3 * day, [theirs]), says('peer.test', now + day, [newer])]
    for (const told of [
      [first, then],
      [then, first],
    ]) {
      const { find, asked } = ring(
        known((_, wanted) => (Object.keys(wanted).length === 0 ? told : [])),
        ['notary.test'],
      )
      expect(await find({ ...wanted, keyId: newer.keyId, forRequest: false })).to.equal(encodeBase64(newer.publicKey))
      expect(await find({ ...wanted, keyId: newer.keyId })).to.equal(encodeBase64(newer.publicKey))
      expect(await find({ ...wanted, at: now - 4 * day, forRequest: false })).to.equal(published)
      expect(await find({ ...wanted, forRequest: false })).to.equal(undefined)
      expect(await find(wanted)).to.equal(undefined)
      expect(asked.filter((name) => name === 'peer.test')).to.have.length(1)
    }
  })

  it('that a notary told of as former ones are in use where their server then says so itself', async () => {
    const [first, then] = [says('peer.test', now - 3 * day, [theirs]), says('peer.test', now + day, [newer])]
    let own: JsonObject | undefined
    const { find, clock } = ring({ ...known(() => [then, first]), 'peer.test': () => own }, ['notary.test'])
    expect(await find({ ...wanted, forRequest: false })).to.equal(undefined)
    expect(await find({ ...wanted, at: now - 4 * day, forRequest: false })).to.equal(published)
    own = says('peer.test', now + 2 * day, [theirs])
    clock.time += day / 2
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
  })

  it('are asked for by name of a notary that does not tell them otherwise', async () => {
    const { find } = ring(
      known((_, wanted) => (Object.hasOwn(wanted, theirs.keyId) ? [says('peer.test', now + day, [theirs])] : [])),
      ['notary.test'],
    )
    expect(await find({ ...wanted, forRequest: false })).to.equal(published)
  })

  it('are asked of a notary that does not answer once for all servers, and again half a minute later', async () => {
    let isThere = false
    const told = known((serverName) => [says(serverName, now + day, [theirs])])
    const { find, asked, clock } = ring({ 'notary.test': (...asked) => (isThere ? told['notary.test']!(...asked) : undefined) }, [
      'notary.test',
    ])
    const timesAsked = () => asked.filter((name) => name === 'notary.test').length
    const event = { ...wanted, forRequest: false }
    for (let n = 0; n < 5; n++) expect(await find({ ...event, serverName: `gone${n}.test` })).to.equal(undefined)
    expect(timesAsked()).to.equal(1)
    clock.time += 30_000
    await Promise.all([5, 6, 7].map((n) => find({ ...event, serverName: `gone${n}.test` })))
    clock.time += 30_000
    isThere = true
    expect(await find({ ...event, serverName: 'gone8.test' })).to.equal(published)
    expect(await find({ ...event, serverName: 'gone9.test' })).to.equal(published)
  })

  it('are believed of a notary that has a new key itself, which it is asked for once a minute', async () => {
    let signs = notarys
    const { find, asked, clock } = ring(
      {
        'notary.test': (uri, { server_keys: of } = {}) => {
          if (uri.endsWith('/server')) return says('notary.test', now + 9 * day, signs === newer ? [newer] : [notarys])
          const [serverName] = Object.keys(of as JsonObject) as [string]
          return { server_keys: [signJson(says(serverName, now + day, [theirs]), 'notary.test', signs)] }
        },
      },
      ['notary.test'],
    )
    const event = { ...wanted, forRequest: false }
    expect(await find({ ...event, serverName: 'gone1.test' })).to.equal(published)
    clock.time += 60_000
    signs = newer
    expect(await find({ ...event, serverName: 'gone2.test' })).to.equal(published)
    clock.time += 60_000
    signs = ours
    const before = asked.length
    for (let n = 3; n < 6; n++) expect(await find({ ...event, serverName: `gone${n}.test` })).to.equal(undefined)
    // Of each the server itself, and the notary for all and by name; and once the notary's own.
    expect(asked.length - before).to.equal(3 * 3 + 1)
  })

  it('are asked of no notary for strangers, who may name anybody, and keep no event from theirs', async () => {
    const told = known((_, wanted) => (Object.keys(wanted).length === 0 ? [says('peer.test', clock.time + day, [theirs])] : []))
    const { find, responsesOf, asked, clock } = ring(told, ['notary.test'])
    for (let n = 0; n < 5; n++) {
      expect(await find(wanted)).to.equal(undefined)
      expect(await responsesOf('peer.test', now)).to.deep.equal([])
    }
    expect(asked).to.deep.equal(['peer.test'])
    expect(await find({ ...wanted, forRequest: false })).to.equal(published)
    expect(await find(wanted)).to.equal(published)
    clock.time += 2 * day
    expect(await find({ ...wanted, at: clock.time })).to.equal(published)
    expect(await responsesOf('peer.test', now)).to.have.length(1)
  })

  it('are asked of a notary meanwhile where their server lets us wait, and of it alone where it answers', async () => {
    const told = known(() => [says('peer.test', now + day, [theirs])])
    const silent = new Promise<undefined>(() => {})
    const slow = ring({ ...told, 'peer.test': () => silent }, ['notary.test'])
    expect(await slow.find({ ...wanted, forRequest: false })).to.equal(published)
    const quick = ring({ ...told, 'other.test': () => says('other.test', now + day, [newer]) }, ['notary.test'])
    expect(await quick.find({ ...wanted, serverName: 'other.test', keyId: newer.keyId })).to.equal(encodeBase64(newer.publicKey))
    expect(quick.asked).to.deep.equal(['other.test'])
  })

  it('are asked for again, on behalf of others, where what is known does not name the one they want', async () => {
    let keys = [theirs]
    const { responsesOf, asked, clock } = ring({ 'peer.test': () => says('peer.test', now + 9 * day, keys) })
    await responsesOf('peer.test', now, [theirs.keyId])
    keys = [newer]
    clock.time += day / 24
    await responsesOf('peer.test', now, [theirs.keyId])
    expect(asked).to.have.length(1)
    expect(await responsesOf('peer.test', now, [newer.keyId])).to.deep.equal([says('peer.test', now + 9 * day, [newer])])
    expect(asked).to.have.length(2)
  })

  it('are told on as their server signed them, asked for again when they end too soon', async () => {
    const { responsesOf, asked, clock } = ring({ 'peer.test': () => says('peer.test', clock.time + day, [theirs]) })
    expect(await responsesOf('peer.test', now)).to.deep.equal([says('peer.test', now + day, [theirs])])
    await responsesOf('peer.test', now + day)
    expect(asked).to.have.length(1)
    clock.time += day / 2
    expect(await responsesOf('peer.test', now + 1.2 * day)).to.deep.equal([says('peer.test', now + 1.5 * day, [theirs])])
    expect(await responsesOf('nobody.test', now)).to.deep.equal([])
  })

  it('of this server are its own', async () => {
    const { find, asked } = ring({})
    expect(await find({ serverName: 'here.test', keyId: ours.keyId, at: now })).to.equal(encodeBase64(ours.publicKey))
    expect(await find({ serverName: 'here.test', keyId: 'ed25519:other', at: now })).to.equal(undefined)
    expect(asked).to.deep.equal([])
  })
})
