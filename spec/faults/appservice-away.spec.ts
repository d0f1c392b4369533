import { expect } from 'chai'
import { bodiesOf, type FakeService, fakeService, ghost, registration, serverWith } from '../server/appservice/fake-bridge.ts'
import type { Body, Client, TestServer, TestUser } from '../support/server.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** A clock that stands still but for `pass`; what sleeps on it wakes when its time has come. */
function standingClock() {
  const start = Date.now()
  let elapsed = 0
  let sleepers: { readonly at: number; readonly ms: number; readonly wake: () => void }[] = []
  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve()
      sleepers.push({ at: elapsed + ms, ms, wake: resolve })
      signal?.addEventListener('abort', () => resolve(), { once: true })
    })
  return {
    clock: { now: () => start + elapsed, sleep },
    elapsed: () => elapsed,
    pass(ms: number) {
      elapsed += ms
      const due = sleepers.filter(({ at }) => at <= elapsed)
      sleepers = sleepers.filter(({ at }) => at > elapsed)
      for (const { wake } of due) wake()
    },
  }
}

describe('F-18: an application service that is away for a day, then in trouble, then slow, then forgets to say that it took something', () => {
  const time = standingClock()
  let service: FakeService
  let server: TestServer
  let alice: TestUser
  let bot: Client
  let roomId: string
  let said = 0

  before(async () => {
    service = await fakeService()
    server = await serverWith(registration(service.url), { overrides: { clock: time.clock } })
    alice = await server.register('alice')
    bot = await ghost(server, 'bridge_bot')
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body['room_id']
    await bot.post(`/rooms/${roomId}/join`)
    await service.until(() => service.taken.length > 0)
  })
  after(async () => {
    await server?.close()
    await service?.close()
  })

  const say = () => alice.put(`/rooms/${roomId}/send/m.room.message/s${said}`, { msgtype: 'm.text', body: `m${said++}` })
  const metric = (name: string) =>
    Number(new RegExp(`^${name}\\{service_id="bridge"\\} (\\S+)$`, 'm').exec(server.server.home.metrics.text())?.[1])
  const moment = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const failures = () => server.log().split('did not take a transaction').length - 1
  let waited = 0
  /** One more try: a minute goes by once the last one has failed, which is the longest that is waited. */
  async function tried(): Promise<void> {
    const before = service.arrived.length
    while (service.arrived.length === before) {
      const failed = failures()
      if (failed > waited) time.pass(minute)
      waited = failed
      await moment(2)
    }
  }

  it('is told everything once in effect and in order, in few transactions, and its absence is an alarm within five minutes', async () => {
    service.next.push(...Array<'cut'>(5000).fill('cut'))
    await say()
    await service.until(() => service.arrived.length > service.taken.length)
    let alarmed = 0
    while (time.elapsed() < day) {
      if (said < 240) await say()
      await tried()
      if (alarmed === 0 && server.log().includes('an application service is far behind')) alarmed = time.elapsed()
    }
    expect(alarmed).to.be.within(2 * minute, 5 * minute)
    expect(metric('tombolo_appservice_lag_seconds')).to.be.within(day / 1000 - 60, day / 1000 + 60)
    expect(metric('tombolo_appservice_lag_positions')).to.be.at.least(240)

    service.next.splice(0, Number.POSITIVE_INFINITY, 500, 503, 500, 'slow', 'lose', 'slow')
    while (!bodiesOf(service.taken).includes(`m${said - 1}`)) await tried()
    const effective = [...new Map(service.taken.map((transaction) => [transaction.id, transaction])).values()]
    expect(bodiesOf(effective)).to.deep.equal(Array.from({ length: said }, (_, n) => `m${n}`))
    expect(effective.length, 'one was taken twice').to.equal(service.taken.length - 1)
    expect(new Set(service.arrived.map(({ id, text }) => `${id} ${text}`)).size, 'what is tried again is the same').to.equal(
      effective.length,
    )
    const sizes = effective.map(({ body }) => (body['events'] as Body[]).length)
    expect(Math.max(...sizes)).to.equal(100)
    expect(sizes.filter((size) => size > 1).length).to.be.at.least(3)
    expect(effective.length).to.be.at.most(8)
    await say()
    while (!bodiesOf(service.taken).includes(`m${said - 1}`)) await moment(5)
    expect(server.log()).to.include('not far behind any more')
    expect(metric('tombolo_appservice_lag_seconds')).to.be.below(1)
  })
})
