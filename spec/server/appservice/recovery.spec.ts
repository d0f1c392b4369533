import { expect } from 'chai'
import type { Body, Client, TestServer, TestUser } from '../../support/server.ts'
import { asToken, bodiesOf, type FakeService, fakeService, ghost, quickClock, registration, serverWith } from './fake-bridge.ts'

/** A clock on which a wait after a failure ends only when it is ended. */
function patientClock() {
  const sleeps: number[] = []
  const sleep = (milliseconds: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      sleeps.push(milliseconds)
      if (signal?.aborted) resolve()
      else signal?.addEventListener('abort', () => resolve(), { once: true })
    })
  return { sleeps, clock: { now: Date.now, sleep } }
}

describe('an application service that was away', () => {
  let service: FakeService
  let server: TestServer
  let alice: TestUser
  let bot: Client
  let roomId: string

  async function start(clock = quickClock().clock): Promise<void> {
    service = await fakeService()
    server = await serverWith(registration(service.url), { overrides: { clock } })
    alice = await server.register('alice')
    bot = await ghost(server, 'bridge_bot')
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body['room_id']
    await bot.post(`/rooms/${roomId}/join`)
    await service.until(() => service.taken.length > 0)
  }
  afterEach(async () => {
    await server.close()
    await service.close()
  })

  let counter = 0
  const say = (body: string) =>
    server.as(alice.token).put(`/rooms/${roomId}/send/m.room.message/r${counter++}`, { msgtype: 'm.text', body })
  const told = (body: string) => service.until(() => bodiesOf(service.taken).includes(body))
  const numbered = (count: number) => Array.from({ length: count }, (_, n) => `m${n}`)

  it('gets what it missed in order and in batches of at most a hundred', async () => {
    const wait = patientClock()
    await start(wait.clock)
    service.next.push(500)
    for (const body of numbered(250)) await say(body)
    await service.until(() => service.arrived.length > service.taken.length)
    service.pings.length = 0
    await ping()
    await told('m249')
    expect(bodiesOf(service.taken)).to.deep.equal(numbered(250))
    const sizes = service.taken.map(({ body }) => (body['events'] as Body[]).length)
    expect(Math.max(...sizes)).to.equal(100)
    expect(sizes.length).to.be.at.most(6)
  })

  const ping = () => server.as(asToken).post('/_matrix/client/v1/appservice/bridge/ping', { transaction_id: 'meow' })

  it('is told by how each event found it: of what was said while its user was in the room, and of nothing later', async () => {
    await start(patientClock().clock)
    service.next.push(500)
    await say('in')
    await service.until(() => service.arrived.length > service.taken.length)
    await say('still in')
    await bot.post(`/rooms/${roomId}/leave`)
    await say('out')
    await bot.post(`/rooms/${roomId}/join`)
    await say('in again')
    await ping()
    await told('in again')
    expect(bodiesOf(service.taken)).to.deep.equal(['in', 'still in', 'in again'])
  })

  it('is tried again at once when it has answered a ping', async () => {
    const wait = patientClock()
    await start(wait.clock)
    service.next.push(500)
    await say('waiting')
    await service.until(() => service.arrived.length > service.taken.length)
    const { status, body } = await ping()
    expect(status).to.equal(200)
    expect(body['duration_ms']).to.be.a('number')
    expect(service.pings).to.have.length(1)
    expect(service.pings[0]!['body']).to.deep.equal({ transaction_id: 'meow' })
    await told('waiting')
  })

  it('is tried again at once when it was down and asks something', async () => {
    await start(patientClock().clock)
    service.next.push('cut')
    await say('waiting')
    await service.until(() => service.arrived.length > service.taken.length)
    while (!bodiesOf(service.taken).includes('waiting')) await bot.get('/account/whoami')
  })

  it('gets the same id and bytes from a server that was started anew, and everything after them', async () => {
    await start(patientClock().clock)
    service.next.push(503)
    await say('before')
    await service.until(() => service.arrived.some(({ text }) => text.includes('"before"')))
    await say('also before')
    server = await server.restart()
    await say('after')
    await told('after')
    const tries = service.arrived.filter(({ text }) => text.includes('"before"'))
    expect(tries.length).to.be.at.least(2)
    expect(new Set(tries.map(({ id, text }) => `${id} ${text}`)).size).to.equal(1)
    expect(bodiesOf(service.taken)).to.deep.equal(['before', 'also before', 'after'])
  })

  it('gets nothing twice from a server that was started anew with nothing on its way', async () => {
    await start()
    await say('before')
    await told('before')
    server = await server.restart()
    await say('after')
    await told('after')
    expect(bodiesOf(service.taken)).to.deep.equal(['before', 'after'])
    expect(new Set(service.taken.map(({ id }) => id)).size).to.equal(service.taken.length)
  })

  it('shows in the metrics', async () => {
    await start(patientClock().clock)
    const metric = (name: string) => {
      const text = server.server.home.metrics.text()
      return Number(new RegExp(`^${name}\\{service_id="bridge"\\} (\\S+)$`, 'm').exec(text)?.[1])
    }
    service.next.push(500)
    await say('waiting')
    await service.until(() => service.arrived.length > service.taken.length)
    await say('more')
    expect(metric('tombolo_appservice_lag_positions')).to.be.at.least(2)
    const before = metric('tombolo_appservice_transactions_sent_total')
    await ping()
    await told('more')
    expect(metric('tombolo_appservice_transactions_sent_total')).to.be.at.least(before + 1)
    expect(server.log()).not.to.include('the-hs-token')
  })

  it('is found at the older path when it has no newer one', async () => {
    await start()
    service.next.push('unknown')
    await say('old')
    await told('old')
    const tries = service.arrived.filter(({ text }) => text.includes('"old"'))
    expect(tries.map(({ path }) => path.slice(0, path.lastIndexOf('/')))).to.deep.equal(['/_matrix/app/v1/transactions', '/transactions'])
    expect(tries[0]!.id).to.equal(tries[1]!.id)
  })

  it('is pinged under its own name and token alone', async () => {
    await start()
    const asked = async (id: string, client = server.as(asToken)) => {
      const { status, body } = await client.post(`/_matrix/client/v1/appservice/${id}/ping`, {})
      return [status, body['errcode']]
    }
    expect(await asked('other')).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(await asked('bridge', alice)).to.deep.equal([403, 'M_FORBIDDEN'])
    service.pingStatus = 403
    const { status, body } = await ping()
    expect([status, body['errcode'], body['status']]).to.deep.equal([502, 'M_BAD_STATUS', 403])
    expect(JSON.parse(body['body'])).to.deep.equal({ errcode: 'M_FORBIDDEN' })
    await service.close()
    expect(await asked('bridge')).to.deep.equal([502, 'M_CONNECTION_FAILED'])
  })
})
