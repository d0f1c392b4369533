import { expect } from 'chai'
import type { Clock } from '../../../server/home.ts'
import type { Client, TestServer, TestUser } from '../../support/server.ts'
import { asToken, bodiesOf, type FakeService, fakeService, ghost, registration, serverWith } from '../appservice/fake-bridge.ts'

/** Waits until a wait is over or somebody calls `pass`; notes how long it was to be. */
function steppedClock() {
  const waits: { readonly milliseconds: number; readonly end: () => void }[] = []
  const sleep: Clock['sleep'] = (milliseconds, signal) =>
    new Promise<void>((resolve) => {
      waits.push({ milliseconds, end: resolve })
      if (signal?.aborted) resolve()
      else signal?.addEventListener('abort', () => resolve(), { once: true })
    })
  return { waits, clock: { now: Date.now, sleep } }
}

describe('a bridge that comes back, as seen on the wire', () => {
  let service: FakeService
  let server: TestServer
  let alice: TestUser
  let bot: Client
  let roomId: string
  let stepped: ReturnType<typeof steppedClock>

  beforeEach(async () => {
    stepped = steppedClock()
    service = await fakeService()
    server = await serverWith(registration(service.url), { overrides: { clock: stepped.clock } })
    alice = await server.register('alice')
    bot = await ghost(server, 'bridge_bot')
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    await bot.post(`/rooms/${roomId}/join`)
    await service.until(() => service.taken.length > 0)
  })
  afterEach(async () => {
    await server?.close()
    await service?.close()
  })
  const say = (body: string) => alice.put(`/rooms/${roomId}/send/m.room.message/${body}`, { msgtype: 'm.text', body })

  it('wire 30: gets its transactions in order, under one id until they are answered, tried at 2, 4, 8 s, and at once after its ping', async () => {
    service.next.push(500, 500, 500)
    await say('first')
    for (const milliseconds of [2000, 4000]) {
      let wait = stepped.waits.find((one) => one.milliseconds === milliseconds)
      while (wait === undefined) {
        await new Promise((resolve) => setImmediate(resolve))
        wait = stepped.waits.find((one) => one.milliseconds === milliseconds)
      }
      wait.end()
    }
    await service.until(() => bodiesOf(service.arrived).filter((body) => body === 'first').length === 3)
    await say('second')
    expect(bodiesOf(service.taken)).to.deep.equal([])
    await server.as(asToken).post('/_matrix/client/v1/appservice/bridge/ping', {})
    await service.until(() => bodiesOf(service.taken).includes('second'))
    expect(bodiesOf(service.taken)).to.deep.equal(['first', 'second'])
    const tries = service.arrived.filter((one) => bodiesOf([one]).includes('first'))
    expect([tries.length, new Set(tries.map(({ id }) => id)).size]).to.deep.equal([4, 1])
  })

  it('wire 32: finds all that it kept in account data when the server comes back, and is no administrator', async () => {
    const kept = { networks: ['libera'], deep: { channels: ['#matrix'] } }
    await bot.put('/user/@bridge_bot:hs.test/account_data/irc', kept)
    await bot.put(`/user/@bridge_bot:hs.test/rooms/${roomId}/account_data/irc`, kept)
    server = await server.restart()
    const again = server.as(asToken, { user_id: '@bridge_bot:hs.test' })
    expect((await again.get('/user/@bridge_bot:hs.test/account_data/irc')).body).to.deep.equal(kept)
    expect((await again.get(`/user/@bridge_bot:hs.test/rooms/${roomId}/account_data/irc`)).body).to.deep.equal(kept)
    const { status, body } = await again.get('/_synapse/admin/v1/users/@bridge_bot:hs.test/admin')
    expect([403, 404]).to.include(status)
    expect(body.errcode).to.be.a('string')
  })
})
