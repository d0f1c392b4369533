import { expect } from 'chai'
import type { UserId } from '../../server/core/ids.ts'
import { type Hopper, startCluster } from '../support/cluster.ts'
import { deviceKeysOf, oneTimeKeysOf } from '../support/device-keys.ts'
import { type Engine, engines } from '../support/server.ts'

const keyCount = 50

/** 200 claims at once for 50 keys. Every key goes to one claimer, and whoever gets none gets the fallback key. */
async function race(engine: Engine, size: number, withKill: boolean): Promise<boolean> {
  const cluster = await startCluster(engine, size)
  if (!cluster) return false
  try {
    const [owner, ...claimers] = (await Promise.all(Array.from({ length: 11 }, (_, place) => cluster.register(`person-${place}`)))) as [
      Hopper,
      ...Hopper[],
    ]
    const device = { userId: owner.userId as UserId, deviceId: owner.deviceId }
    const ids = Array.from({ length: keyCount }, (_, place) => `K${place}`)
    const [fallback] = Object.entries(oneTimeKeysOf(device, ['F'])) as [string, unknown][] as [[string, object]]
    const keys = {
      device_keys: deviceKeysOf(device).json,
      one_time_keys: oneTimeKeysOf(device, ids),
      fallback_keys: { [fallback[0]]: { ...fallback[1] } },
    }
    const uploaded = await owner.insist(0, 'POST', '/keys/upload', keys)
    expect(uploaded.status, JSON.stringify(uploaded.body)).to.equal(200)
    const body = { one_time_keys: { [owner.userId]: { [owner.deviceId]: 'signed_curve25519' } } }
    const claims = Array.from({ length: 200 }, (_, place) =>
      claimers[place % 10]!.ask(place, 'POST', '/keys/claim', body).catch(() => undefined),
    )
    if (withKill) {
      await Promise.race(claims)
      await cluster.members[size - 1]!.kill()
      await cluster.members[size - 1]!.start()
    }
    const answers = (await Promise.all(claims)).filter((told) => told?.status === 200)
    // Those whose answer was lost may have had a key; who asks again gets one of those that are left.
    for (let more = 0; withKill && more < keyCount; more++) answers.push(await claimers[0]!.insist(more, 'POST', '/keys/claim', body))
    const given = answers.flatMap((told) => Object.keys(told?.body.one_time_keys[owner.userId]?.[owner.deviceId] ?? {}))
    const oneTime = given.filter((id) => id !== fallback[0])
    expect(new Set(oneTime).size, 'a key was handed out twice').to.equal(oneTime.length)
    expect(given).to.have.length(answers.length)
    if (!withKill) expect(oneTime).to.have.length(keyCount)
    const { body: sync } = await owner.insist(0, 'GET', '/sync?timeout=0')
    expect(sync.device_one_time_keys_count.signed_curve25519 ?? 0).to.equal(0)
    expect(sync.device_unused_fallback_key_types).to.deep.equal([])
    return true
  } finally {
    await cluster.close()
  }
}

const houses = [...engines.map((engine) => ({ engine, size: 1 })), { engine: 'postgres' as const, size: 2 }]
for (const { engine, size } of houses) {
  describe(`200 claims at once for ${keyCount} one-time keys, over ${engine}, ${size === 1 ? 'one process' : 'two processes'}`, () => {
    it('give each key to one of them, and the fallback key to the rest', async function () {
      if (!(await race(engine, size, false))) this.skip()
    })

    it('give no key to two of them when a process is killed meanwhile', async function () {
      if (!(await race(engine, size, true))) this.skip()
    })
  })
}
