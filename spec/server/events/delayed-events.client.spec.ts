import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`delayed events on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let roomId: string
  let sent = 0
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`alice${++sent}`)
    bob = await server.register(`bob${sent}`)
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    await bob.post(`/join/${roomId}`)
  })

  const unstable = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events'
  const later = (delay: number | string) => ({ query: { 'org.matrix.msc4140.delay': String(delay) } })
  const send = (user: TestUser, delay: number | string, txn = `t${++sent}`, body = 'later') =>
    user.put(`/rooms/${roomId}/send/m.room.message/${txn}`, { msgtype: 'm.text', body }, later(delay))
  const setState = (user: TestUser, delay: number, content: object) => user.put(`/rooms/${roomId}/state/org.call/x`, content, later(delay))
  const bodies = async (): Promise<string[]> =>
    (await alice.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', limit: '5' } })).body.chunk.map(({ content }: Body) => content.body)
  const waiting = async (user = alice): Promise<Body[]> => (await user.get(unstable)).body.delayed_events
  const untilNone = async (): Promise<void> => ((await waiting()).length === 0 ? undefined : untilNone())
  const act = (delayId: string, action: string) => server.anonymous.post(`${unstable}/${delayId}/${action}`)

  it('are sent when their time has come, not before, once', async () => {
    const { delay_id } = (await send(alice, 60_000, 'a')).body
    expect((await send(alice, 60_000, 'a')).body.delay_id).to.equal(delay_id)
    expect(await bodies()).to.not.include('later')
    await send(alice, 1)
    while (!(await bodies()).includes('later'));
    expect((await waiting()).map((event) => event.delay_id)).to.deep.equal([delay_id])
    await act(delay_id, 'cancel')
  })

  it('are listed for whoever waits for them alone', async () => {
    const { delay_id } = (await setState(alice, 50_000, { on: 'é' })).body
    const [event] = await waiting()
    expect(event).to.deep.include({ delay_id, room_id: roomId, type: 'org.call', state_key: 'x', delay: 50_000, content: { on: 'é' } })
    expect(await waiting(bob)).to.deep.equal([])
    expect((await server.anonymous.get(unstable)).status).to.equal(401)
  })

  it('are sent, begun again and cancelled by whoever knows their id, in both spellings', async () => {
    const { delay_id: first } = (await send(alice, 50_000, 's1', 'now')).body
    expect((await act(first, 'send')).status).to.equal(200)
    expect(await bodies()).to.include('now')
    expect((await act(first, 'send')).body.errcode).to.equal('M_NOT_FOUND')
    const { delay_id: second } = (await send(alice, 50_000)).body
    const before = (await waiting())[0].running_since
    while ((await waiting())[0].running_since === before) expect((await act(second, 'restart')).status).to.equal(200)
    expect((await server.anonymous.post(`${unstable}/${second}`, { action: 'cancel' })).status).to.equal(200)
    expect(await waiting()).to.deep.equal([])
    expect((await act(second, 'restart')).status).to.equal(404)
    expect((await act(second, 'dance')).status).to.equal(400)
  })

  it('are let go when the room refuses them, or somebody else has set the state meanwhile', async () => {
    const { delay_id } = (await setState(alice, 1500, { left: true })).body
    await alice.put(`/rooms/${roomId}/state/m.room.power_levels`, {
      ...(await alice.get(`/rooms/${roomId}/state/m.room.power_levels`)).body,
      state_default: 0,
    })
    await bob.put(`/rooms/${roomId}/state/org.call/x`, { by: 'bob' })
    await untilNone()
    expect((await alice.get(`/rooms/${roomId}/state/org.call/x`)).body).to.deep.equal({ by: 'bob' })
    expect((await act(delay_id, 'send')).status).to.equal(404)
    await send(bob, 300)
    await bob.post(`/rooms/${roomId}/leave`)
    while ((await waiting(bob)).length > 0);
    expect(await bodies()).to.not.include('later')
  })

  it('are not sent for who was suspended or locked meanwhile, but for state that is taken back', async () => {
    for (const standing of ['suspended', 'locked'] as const) {
      const user = await server.register(`${standing}${++sent}`)
      roomId = (await user.post('/createRoom', { preset: 'public_chat' })).body.room_id
      await bob.post(`/join/${roomId}`)
      await user.put(`/rooms/${roomId}/state/org.call/x`, { on: true })
      const { delay_id: asked } = (await send(user, 50_000, 'asked', 'asked for')).body
      await send(user, 1000, 'due', 'due')
      await setState(user, 1001, {})
      await server.server.people.setStanding(user.userId, { [standing]: true })
      expect((await act(asked, 'send')).body.errcode).to.equal('M_USER_SUSPENDED')
      while ((await bob.get(`/rooms/${roomId}/state/org.call/x`)).body.on === true);
      const { chunk } = (await bob.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', limit: '5' } })).body
      expect(chunk.map(({ content }: Body) => content.body))
        .to.not.include('due')
        .and.not.include('asked for')
      expect((await act(asked, 'cancel')).status).to.equal(200)
    }
  })

  it('are named by their delay id once they are sent, to all devices of their sender and to nobody else', async () => {
    const since = async (user: TestUser) => String((await user.get('/sync')).body.next_batch)
    const { body: login } = await server.anonymous.post('/login', {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: alice.userId },
      password: alice.password,
    })
    const readers = [alice, { ...alice, ...server.as(login.access_token) }, bob]
    const from = await Promise.all(readers.map(since))
    const { delay_id } = (await send(alice, 50_000, 'named', 'named')).body
    await act(delay_id, 'send')
    const named = (event: Body) => event.unsigned['org.matrix.msc4140.delay_id']
    const seen: unknown[] = []
    for (const [at, reader] of readers.entries()) {
      const synced = (await reader.get('/sync', { query: { since: from[at]! } })).body.rooms.join[roomId].timeline.events.at(-1)
      const fetched = (await reader.get(`/rooms/${roomId}/event/${synced.event_id}`)).body
      seen.push([synced.content.body, named(synced), named(fetched)])
    }
    expect(seen).to.deep.equal([
      ['named', delay_id, delay_id],
      ['named', delay_id, delay_id],
      ['named', undefined, undefined],
    ])
    server = await server.restart()
    const page = (await server.as(alice.token).get(`/rooms/${roomId}/messages`, { query: { dir: 'b', limit: '1' } })).body
    expect(named(page.chunk[0])).to.equal(delay_id)
  })

  it('are refused at once when they are too large for an event, or none', async () => {
    const { status, body } = await send(alice, 50_000, 'large', 'x'.repeat(65_000))
    expect([status, body.errcode]).to.deep.equal([413, 'M_TOO_LARGE'])
    const state = await setState(alice, 50_000, { large: 'x'.repeat(65_536) })
    expect([state.status, state.body.errcode]).to.deep.equal([413, 'M_TOO_LARGE'])
    expect((await setState(alice, 50_000, { float: 0.5 })).body.errcode).to.equal('M_BAD_JSON')
    expect(await waiting()).to.deep.equal([])
    expect((await send(alice, 50_000, 'fits', 'x'.repeat(60_000))).status).to.equal(200)
  })

  it('outlive the server', async () => {
    const { delay_id } = (await send(alice, 50_000)).body
    server = await server.restart()
    const again = server.as(alice.token)
    expect((await again.get(unstable)).body.delayed_events[0].delay_id).to.equal(delay_id)
    await again.put(`/rooms/${roomId}/send/m.room.message/r1`, { msgtype: 'm.text', body: 'soon' }, later(1))
    const page = () => again.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', limit: '1' } })
    while ((await page()).body.chunk[0].content.body !== 'soon');
  })

  it('are refused when they are too late, too many or for strangers, and announced', async () => {
    const { body } = await send(alice, 25 * 3_600_000)
    expect(body).to.include({ 'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED', 'org.matrix.msc4140.max_delay': 24 * 3_600_000 })
    for (const delay of ['x', '-1', '0', '1.5']) expect((await send(alice, delay)).status, delay).to.equal(400)
    const stranger = await server.register(`stranger${sent}`)
    expect((await send(stranger, 5000)).status).to.equal(403)
    for (let count = 0; count < 100; count++) expect((await send(alice, 50_000)).status).to.equal(200)
    expect((await send(alice, 50_000)).body['org.matrix.msc4140.errcode']).to.equal('M_MAX_DELAYED_EVENTS_EXCEEDED')
    const { unstable_features } = (await alice.get('/_matrix/client/versions')).body
    expect(unstable_features).to.include({ 'org.matrix.msc4140': true })
  })
}

describe('the limit on managing delayed events', () => {
  it('is one of its own, by address for who has no token', async () => {
    const strict = { per_second: 0.001, burst_count: 1 }
    const loose = { per_second: 1000, burst_count: 1000 }
    const server = await startServer({ config: { rate_limits: 'defaults', rc_delayed_event_mgmt: strict, rc_other: loose } })
    try {
      const cancel = () => server.anonymous.post('/_matrix/client/unstable/org.matrix.msc4140/delayed_events/none/cancel')
      expect([(await cancel()).status, (await cancel()).status]).to.deep.equal([404, 429])
    } finally {
      await server.close()
    }
  })
})
