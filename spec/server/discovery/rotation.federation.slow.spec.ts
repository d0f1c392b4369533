import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { readSigningKey, rotateSigningKey } from '../../../config/signing-key.ts'
import { checkServerKeys } from '../../../server/core/servers/server-keys.ts'
import { startCluster } from '../../support/cluster.ts'
import { examine } from '../../support/doctor/patient.ts'
import { type Neighbours, startNeighbours, syncUntil } from '../../support/federation.ts'
import { startProcess } from '../../support/processes.ts'
import type { Body, Engine, TestServer, TestUser } from '../../support/server.ts'

const minute = 60_000

for (const engine of ['sqlite', 'postgres'] as Engine[]) {
  describe(`a server with a new signing key on ${engine}`, () => {
    let neighbours: Neighbours
    let here: TestServer
    let notary: TestServer
    let stranger: TestServer
    let alice: TestUser
    let bob: TestUser
    let keys: { before: string; now: string }
    const rooms: string[] = []
    const said: string[] = []
    let former: string
    let ahead = 0
    /** Where several processes may be, the old key counts as in use for so long. */
    const overlap = engine === 'postgres' ? 10 * minute : 0
    const clock = {
      now: () => Date.now() + ahead,
      sleep: (ms: number, signal?: AbortSignal) => sleep(ms, undefined, signal ? { signal } : {}).catch(() => {}),
    }
    const name = (server: TestServer) => server.config.server_name
    const say = async (room: string, body: string) =>
      (await alice.put(`/rooms/${room}/send/m.room.message/${body}`, { msgtype: 'm.text', body })).body.event_id as string
    const until = (user: TestUser, room: string, eventId: string) =>
      syncUntil(user, (body) => body.rooms?.join?.[room]?.timeline.events.find((event: Body) => event.event_id === eventId))

    before(async function () {
      const started = await startNeighbours(3, engine, undefined, clock)
      if (started === undefined) return this.skip()
      neighbours = started
      ;[here, notary, stranger] = neighbours.servers as [TestServer, TestServer, TestServer]
      alice = await here.register('alice')
      bob = await notary.register('bob')
      for (const room_version of ['6', '12']) {
        const { body } = await alice.post('/createRoom', { preset: 'public_chat', room_version })
        rooms.push(body.room_id)
        await bob.post(`/join/${body.room_id}?via=${name(here)}`)
        said.push(await say(body.room_id, 'before'))
        await until(bob, body.room_id, said.at(-1)!)
      }
      ahead += 2 * minute
      former = readFileSync(here.config.signing_key_path, 'utf8')
      const { now, before } = rotateSigningKey(here.config.signing_key_path)
      keys = { now: now.keyId, before: before.keyId }
      here = await here.restart()
      alice = { ...alice, ...here.as(alice.token) }
    })
    after(async () => {
      await here?.server.close()
      await neighbours?.close()
    })

    it('says which signs, which did and until when, under the new one', async () => {
      const { body } = await here.anonymous.get('/_matrix/key/v2/server')
      expect(Object.keys(body.verify_keys)).to.deep.equal([keys.now])
      expect(Object.keys(body.old_verify_keys)).to.deep.equal([keys.before])
      expect(body.old_verify_keys[keys.before].expired_ts).to.be.within(clock.now() + overlap - 3 * minute, clock.now() + overlap)
      expect(Object.keys(body.signatures[name(here)])).to.deep.equal([keys.now])
      expect(checkServerKeys(body, name(here))?.keys).to.have.length(2)
      expect(here.log()).to.include('the one before is told to others as an old one')
    })

    it('is believed by one that knew the old key, which tells a third of both', async () => {
      for (const room of rooms) await until(bob, room, await say(room, 'after'))
      const { body } = await notary.anonymous.post('/_matrix/key/v2/query', { server_keys: { [name(here)]: { [keys.now]: {} } } })
      const [told] = body.server_keys
      expect(Object.keys(told.verify_keys)).to.deep.equal([keys.now])
      expect(Object.keys(told.old_verify_keys)).to.deep.equal([keys.before])
      expect(told.signatures).to.have.all.keys(name(here), name(notary))
    })

    it('is entered by one that never knew the old key, with all that was signed under it', async () => {
      const carol = await stranger.register('carol')
      for (const [at, room] of rooms.entries()) {
        const joined = await carol.post(`/join/${room}?via=${name(here)}`)
        expect(joined.status, joined.text).to.equal(200)
        const { body } = await carol.get(`/rooms/${room}/messages?dir=b&limit=50`)
        const bodies = body.chunk.flatMap((event: Body) => event.content.body ?? [])
        expect(bodies).to.include.members(['before', 'after'])
        expect(body.chunk.map((event: Body) => event.event_id)).to.include(said[at])
      }
    })

    it('believes itself what it signed before, and nothing later under the old key', async () => {
      const old = { serverName: name(here), keyId: keys.before }
      ahead += overlap + minute
      const { keyRing } = here.server.home
      expect(await keyRing.find({ ...old, at: clock.now() - 14 * minute })).to.be.a('string')
      expect(await keyRing.find({ ...old, at: clock.now() })).to.equal(undefined)
      expect(await keyRing.find({ ...old, at: clock.now() - 14 * minute, forRequest: true })).to.equal(undefined)
    })

    it('does not start with the old one again', async () => {
      const file = here.config.signing_key_path
      const text = readFileSync(file, 'utf8')
      writeFileSync(file, former)
      const words = await here.restart().then(
        () => 'it started',
        (error: Error) => error.message,
      )
      writeFileSync(file, text)
      here = await here.restart()
      expect(words).to.include(`${keys.before} was given up for a newer one`)
    })
  })
}

describe('two processes of a server that are given a new signing key one after the other', () => {
  it('tell others each of the key that it signs with itself, and of the one before as old', async function () {
    const cluster = await startCluster('postgres', 2)
    if (cluster === undefined) return this.skip()
    const told = async (member: number) => {
      const response = await fetch(`${cluster.members[member]!.url()}/_matrix/key/v2/server`)
      const checked = checkServerKeys((await response.json()) as Body, 'hs.test')
      return {
        inUse: checked?.keys.filter(({ isOld }) => !isOld).map(({ keyId }) => keyId),
        old: checked?.keys.filter(({ isOld }) => isOld),
      }
    }
    try {
      const folder = dirname(dirname(cluster.databaseFile))
      const file = join(folder, 'signing.key')
      const first = readSigningKey(file).keyId
      const rotated = await startProcess({
        args: ['config/deploy/rotate-key.ts', '--config', join(folder, 'config.yaml')],
        log: join(folder, 'rotate.log'),
      })
      expect((await rotated.ended).code).to.equal(0)
      expect(rotated.output()).to.include(`key_id: '${first}'`).and.include('Start the server again')
      const second = readSigningKey(file).keyId
      expect(await told(0)).to.deep.equal({ inUse: [first], old: [] })
      await cluster.members[0]!.running().stop()
      await cluster.members[0]!.start()
      const now = await told(0)
      expect([now.inUse, now.old?.map(({ keyId }) => keyId)]).to.deep.equal([[second], [first]])
      expect(now.old?.[0]?.until).to.be.above(Date.now())
      expect(await told(1)).to.deep.equal({ inUse: [first], old: [] })
      await cluster.members[1]!.kill()
      await cluster.members[1]!.start()
      for (const member of [0, 1]) expect((await told(member)).inUse).to.deep.equal([second])
      expect(second).not.to.equal(first)
      const { level, text } = (await examine('--config', join(folder, 'config.yaml'))).of('known keys')
      expect([level, text]).to.deep.equal(['ok', 'there is one before it, told to others as old'])
    } finally {
      await cluster.close()
    }
  })
})
