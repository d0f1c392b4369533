import { expect } from 'chai'
import { claimKeys } from '../../../server/keys/claim-keys.ts'
import { selectKeyCounts } from '../../../server/keys/keys.store.ts'
import { uploadKeys } from '../../../server/keys/upload-keys.ts'
import { deviceKeysOf, oneTimeKeysOf } from '../../support/device-keys.ts'
import { forEachEngine, type Opened } from '../../support/storage.ts'

const owner = { userId: '@alice:hs.test', deviceId: 'PHONE' } as const
const wanted = [{ ...owner, algorithm: 'signed_curve25519' }]
const ids = Array.from({ length: 50 }, (_, at) => `K${at}`)

forEachEngine('claimKeys', (open, engine) => {
  const claim = async ({ database }: Opened) => (await claimKeys({ database }, wanted))[0]?.keyId
  const fill = async (opened: Opened) => {
    const fallback_keys = oneTimeKeysOf(owner, ['FALLBACK'])
    await uploadKeys(opened, owner, { device_keys: deviceKeysOf(owner).json, one_time_keys: oneTimeKeysOf(owner, ids), fallback_keys })
  }

  it('gives each of 50 keys to one of 200 who ask at once, and the fallback key to the rest', async () => {
    const opened = await open()
    await fill(opened)
    // Two processes share PostgreSQL; a SQLite file has one.
    const processes = engine === 'postgres' ? [opened, await open()] : [opened]
    const claims = Array.from({ length: 200 }, (_, at) => claim(processes[at % processes.length]!))
    const given = await Promise.all(claims)
    const oneTime = given.filter((keyId) => keyId !== 'signed_curve25519:FALLBACK')
    expect(oneTime).to.have.length(50)
    expect(new Set(oneTime)).to.deep.equal(new Set(ids.map((id) => `signed_curve25519:${id}`)))
    expect(await opened.database.select(selectKeyCounts, owner.userId, owner.deviceId)).to.deep.equal([])
  })

  it('does not give a key again after the database was opened anew', async () => {
    const first = await open()
    await fill(first)
    expect(await claim(first)).to.equal('signed_curve25519:K0')
    await first.database.close()
    expect(await claim(await open())).to.equal('signed_curve25519:K1')
  })

  it('answers nothing for a device without keys', async () => {
    expect(await claim(await open())).to.equal(undefined)
  })
})

forEachEngine('uploadKeys', (open) => {
  it('keeps each key once when the same ones are uploaded many times at once', async () => {
    const opened = await open()
    const body = { device_keys: deviceKeysOf(owner).json, one_time_keys: oneTimeKeysOf(owner, ids) }
    await Promise.all(Array.from({ length: 20 }, () => uploadKeys(opened, owner, body)))
    expect(await opened.database.select(selectKeyCounts, owner.userId, owner.deviceId)).to.deep.equal([
      { algorithm: 'signed_curve25519', count: 50 },
    ])
  })

  it('keeps one of two different keys under one id, and refuses the other', async () => {
    const opened = await open()
    await uploadKeys(opened, owner, { device_keys: deviceKeysOf(owner).json })
    const uploads = ['one', 'other'].map((seed) => uploadKeys(opened, owner, { one_time_keys: oneTimeKeysOf(owner, ['A'], seed) }))
    const outcomes = await Promise.allSettled(uploads)
    expect(outcomes.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected'])
  })
})
