import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer } from '../../support/peers/peer-room.ts'
import { type Body, engines, type TestUser, untilAborted } from '../../support/server.ts'
import { steeredClock } from '../media/steered-clock.ts'

const path = '/_synapse/admin/v1/federation/destinations'
const sendPath = '/_matrix/federation/v1/send/{txnId}'
const hour = 3_600_000

for (const engine of engines) {
  describe(`administrators see how other servers take what they are sent on ${engine}`, () => {
    let among: AmongPeers
    let admin: TestUser
    let alice: TestUser
    let well: Peer
    let ill: Peer
    let both: RoomId
    let one: RoomId
    let unsent: string
    const steered = steeredClock()
    /** A wait after a failure lasts until somebody ends it. */
    const sleep = (milliseconds: number, signal?: AbortSignal) =>
      (milliseconds >= 4000 ? untilAborted : steered.sleep)(milliseconds, signal)
    const clock = { ...steered, sleep }

    before(async function () {
      const started = await startServerWithPeers(2, { engine, overrides: { clock } })
      if (started === undefined) return this.skip()
      among = started
      ;[well, ill] = among.peers as [Peer, Peer]
      for (const peer of [well, ill]) peer.on('PUT', sendPath, () => ({ body: { pdus: {} } }))
      admin = await among.server.register('root', { admin: true })
      alice = await among.server.register('alice')
      both = await openRoom(well, ill)
      one = await openRoom(well)
      await say(both, 'here')
      await until(
        () => of(ill),
        ({ last_successful_stream_ordering: position }) => position > 0,
      )
      ill.on('PUT', sendPath, () => ({ status: 500, body: {} }))
      unsent = await say(both, 'unsent')
      await until(
        () => of(ill),
        ({ sending }) => sending.failures > 0,
      )
      await say(both, 'waits')
      await until(
        () => of(ill),
        ({ sending }) => sending.pending.pdus === 2,
      )
      await until(
        () => of(well),
        ({ sending }) => sending.state === 'fine',
      )
    })
    after(() => among?.close())

    const openRoom = async (...members: Peer[]): Promise<RoomId> => {
      const { body } = await alice.post('/createRoom', { preset: 'public_chat' })
      for (const peer of members) await joinAsPeer(peer, among.server, body.room_id)
      return body.room_id
    }
    const say = async (roomId: RoomId, body: string): Promise<string> => {
      const sent = await alice.put(`/rooms/${roomId}/send/m.room.message/${body}`, { msgtype: 'm.text', body })
      return sent.body.event_id
    }
    const of = async (peer: Peer): Promise<Body> => (await admin.get(`${path}/${peer.serverName}`)).body
    const until = async (ask: () => Promise<Body>, isSo: (body: Body) => boolean): Promise<Body> => {
      for (;;) {
        const body = await ask()
        if (body.errcode === undefined && isSo(body)) return body
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    const list = async (query: Record<string, string> = {}): Promise<Body> => (await admin.get(path, { query })).body
    const names = (body: Body): string[] => body.destinations.map(({ destination }: Body) => destination)

    it('and nobody else does', async () => {
      const paths = [path, `${path}/${well.serverName}`, `${path}/${well.serverName}/rooms`]
      for (const asked of paths) {
        expect((await among.server.anonymous.get(asked)).status, asked).to.equal(401)
        expect((await alice.get(asked)).body, asked).to.include({ errcode: 'M_FORBIDDEN' })
      }
      expect((await among.server.anonymous.post(`${path}/${ill.serverName}/reset_connection`)).status).to.equal(401)
      expect((await alice.post(`${path}/${ill.serverName}/reset_connection`)).status).to.equal(403)
      expect(well.asked.concat(ill.asked).some(({ uri }) => uri.startsWith('/_synapse'))).to.equal(false)
    })

    it('one that takes all, with how far it has come', async () => {
      const found = await of(well)
      expect(found).to.include({ destination: well.serverName, retry_last_ts: 0, retry_interval: 0, failure_ts: null })
      expect(found.last_successful_stream_ordering).to.be.above((await of(ill)).last_successful_stream_ordering)
      expect(found.sending).to.deep.include({ state: 'fine', failures: 0, retry_at: null, reason: null, oldest_unsent: null })
      expect(found.sending.pending).to.deep.equal({ pdus: 0, edus: 0, rooms_behind: 0, may_be_more: false })
      expect(found.sending.last_successful_ts).to.be.a('number')
    })

    it('one that fails: since when, why, when it is tried again, and what it has not taken, the oldest first', async () => {
      const { sending, ...found } = await of(ill)
      expect(found.failure_ts).to.be.a('number').and.equal(found.retry_last_ts)
      expect(found.retry_interval).to.be.within(4000, 6000)
      expect(sending).to.include({ state: 'backing_off', failures: 1, reason: 'it answered 500' })
      expect(sending.retry_at).to.equal(found.retry_last_ts + found.retry_interval)
      expect(sending.words).to.contain('it answered 500').and.contain(new Date(sending.retry_at).toISOString())
      expect(sending.oldest_unsent).to.include({ event_id: unsent, room_id: both })
      expect(sending.oldest_unsent.age).to.equal(clock.now() - sending.oldest_unsent.origin_server_ts)
    })

    it('in pages, in any order, and by a part of the name', async () => {
      const sorted = [well.serverName, ill.serverName].sort()
      expect(await list())
        .to.deep.include({ total: 2 })
        .and.not.have.property('next_token')
      expect(names(await list())).to.deep.equal(sorted)
      expect(names(await list({ dir: 'b' }))).to.deep.equal(sorted.toReversed())
      const first = await list({ limit: '1' })
      expect(first).to.include({ total: 2, next_token: '1' })
      expect(names(first).concat(names(await list({ limit: '1', from: first.next_token })))).to.deep.equal(sorted)
      for (const by of ['retry_last_ts', 'retry_interval', 'failure_ts']) {
        expect(names(await list({ order_by: by })), by).to.deep.equal([well.serverName, ill.serverName])
        expect(names(await list({ order_by: by, dir: 'b' })), by).to.deep.equal([ill.serverName, well.serverName])
      }
      const behind = { order_by: 'last_successful_stream_ordering' }
      expect(names(await list(behind))).to.deep.equal([ill.serverName, well.serverName])
      expect(names(await list({ destination: ill.serverName.slice(4).toUpperCase() }))).to.deep.equal([ill.serverName])
      for (const filter of ['%', '_ocalhost', "'", '\u0000', '\\', 'no.such']) {
        expect(await list({ destination: filter }), filter).to.deep.equal({ destinations: [], total: 0 })
      }
    })

    it('and are told what they asked for that is none', async () => {
      for (const query of [{ order_by: 'words' }, { dir: 'x' }, { from: '-1' }, { limit: 'many' }, { limit: '1e3' }]) {
        const { status, body } = await admin.get(path, { query: query as unknown as Record<string, string> })
        expect([status, body.errcode], JSON.stringify(query)).to.deep.equal([400, 'M_INVALID_PARAM'])
      }
      for (const name of ['no.such', '%27', '%25', 'x'.repeat(300)]) {
        expect((await admin.get(`${path}/${name}/rooms`)).status, name).to.equal(404)
        expect((await admin.post(`${path}/${name}/reset_connection`)).status, name).to.equal(404)
      }
    })

    it('the rooms that a server is in', async () => {
      const { body } = await admin.get(`${path}/${well.serverName}/rooms`)
      expect(body.total).to.equal(2)
      expect(body.rooms.map(({ room_id: id }: Body) => id)).to.deep.equal([both, one].sort())
      expect(body.rooms.every(({ stream_ordering: position }: Body) => position > 0)).to.equal(true)
      const last = await admin.get(`${path}/${well.serverName}/rooms`, { query: { dir: 'b', limit: '1' } })
      expect(last.body).to.deep.include({ total: 2, next_token: '1' })
      expect(last.body.rooms[0].room_id).to.equal([both, one].sort()[1])
      expect((await admin.get(`${path}/${ill.serverName}/rooms`)).body).to.deep.include({ total: 1 })
    })

    it('that one is so far behind that it is told the newest of each room alone', async () => {
      const many = Array.from({ length: 50 }, () => ({ type: 'm.room.message', sender: alice.userId, content: { body: 'one of many' } }))
      for (let told = 0; told < 550; told += many.length) await among.server.server.graph.append(both, many)
      const { sending } = await until(
        () => of(ill),
        (body) => body.sending.pending.rooms_behind > 0,
      )
      expect(sending.pending).to.include({ rooms_behind: 1, may_be_more: false })
      expect(sending.pending.pdus).to.be.below(552)
      expect(sending.oldest_unsent).to.include({ event_id: unsent, room_id: both })
    })

    it('that one has been down for long', async () => {
      clock.advance(2 * hour)
      const { sending } = await until(
        () => of(ill),
        (body) => body.sending.state === 'down',
      )
      expect(sending.words).to.match(/^not reached since 2/)
      expect(sending.oldest_unsent.age).to.be.at.least(2 * hour)
    })

    it('and have it tried at once, also after a restart', async () => {
      await among.restart()
      admin = { ...admin, ...among.server.as(admin.token) }
      const { sending } = await until(
        () => of(ill),
        (body) => body.sending.failures === 2,
      )
      expect(sending).to.include({ state: 'down', reason: 'it answered 500' })
      ill.on('PUT', sendPath, () => ({ body: { pdus: {} } }))
      expect(await admin.post(`${path}/${ill.serverName}/reset_connection`)).to.deep.include({ status: 200, body: {} })
      const found = await until(
        () => of(ill),
        ({ sending }) => sending.state === 'fine',
      )
      expect(found).to.include({ failure_ts: null, retry_last_ts: 0 })
      await until(
        () => of(well),
        (body) => body.last_successful_stream_ordering === found.last_successful_stream_ordering,
      )
      const again = await admin.post(`${path}/${ill.serverName}/reset_connection`)
      expect([again.status, again.body.errcode]).to.deep.equal([400, 'M_UNKNOWN'])
    })
  })
}
