import { expect } from 'chai'
import { type Engine, engines, startServer, type TestServer, type TestUser, untilAborted } from '../../support/server.ts'

for (const engine of engines) describe(`events by their time on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let roomId: string
  let now = 1_700_000_000_000
  let people = 0
  before(async function () {
    const started = await startServer({ engine, overrides: { clock: { now: () => now, sleep: untilAborted } } })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`alice${people++}`)
    now += 1_000_000
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
  })

  const sayAt = async (user: TestUser, at: number): Promise<string> => {
    now = at
    return (await user.put(`/rooms/${roomId}/send/m.room.message/t${at}`, { msgtype: 'm.text', body: 'x' })).body.event_id
  }
  const find = (user: TestUser, ts: number | string, dir: string) =>
    user.get(`/_matrix/client/v1/rooms/${roomId}/timestamp_to_event`, { query: { ts: String(ts), dir } })
  const code = ({ status, body }: { status: number; body: { errcode?: string } }) => [status, body.errcode]

  it('are the closest ones after a moment, and before it', async () => {
    const begin = now + 1000
    const first = await sayAt(alice, begin)
    const second = await sayAt(alice, begin + 1000)
    expect((await find(alice, begin + 1, 'f')).body).to.deep.equal({ event_id: second, origin_server_ts: begin + 1000 })
    expect((await find(alice, begin + 999, 'b')).body).to.deep.equal({ event_id: first, origin_server_ts: begin })
    for (const dir of ['f', 'b']) expect((await find(alice, begin, dir)).body.event_id, dir).to.equal(first)
    expect(code(await find(alice, begin + 1001, 'f'))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(code(await find(alice, 0, 'b'))).to.deep.equal([404, 'M_NOT_FOUND'])
    const create = (await alice.get(`/rooms/${roomId}/state/m.room.create`, { query: { format: 'event' } })).body
    expect((await find(alice, 0, 'f')).body.event_id).to.equal(create.event_id)
  })

  it('are only those that the reader may see', async () => {
    const bob = await server.register(`bob${people}`)
    await alice.put(`/rooms/${roomId}/state/m.room.history_visibility`, { history_visibility: 'joined' })
    const begin = now + 1000
    for (let at = 0; at < 60; at++) await sayAt(alice, begin + at)
    expect(code(await find(bob, begin, 'f'))).to.deep.equal([403, 'M_FORBIDDEN'])
    now = begin + 5000
    await bob.post(`/join/${roomId}`)
    const seen = await sayAt(alice, begin + 6000)
    const joined = (await find(bob, begin, 'f')).body
    expect(joined.origin_server_ts).to.equal(begin + 5000)
    expect((await find(bob, begin + 5001, 'f')).body.event_id).to.equal(seen)
    await bob.post(`/rooms/${roomId}/leave`)
    await bob.post(`/rooms/${roomId}/forget`)
    expect(code(await find(bob, begin, 'f'))).to.deep.equal([403, 'M_FORBIDDEN'])
  })

  it('are refused to odd questions', async () => {
    expect(code(await find(alice, 'soon', 'f'))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(code(await find(alice, 1, 'up'))).to.deep.equal([400, 'M_INVALID_PARAM'])
    const path = `/_matrix/client/v1/rooms/${roomId}/timestamp_to_event`
    expect(code(await alice.get(path, { query: { dir: 'f' } }))).to.deep.equal([400, 'M_MISSING_PARAM'])
    expect(code(await alice.get(path, { query: { ts: '1' } }))).to.deep.equal([400, 'M_MISSING_PARAM'])
  })
}
