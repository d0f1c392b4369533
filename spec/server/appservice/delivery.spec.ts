import { expect } from 'chai'
import type { Body, TestServer, TestUser } from '../../support/server.ts'
import { bodiesOf, type FakeService, fakeService, ghost, hsToken, quickClock, registration, serverWith } from './fake-bridge.ts'

describe('telling an application service', () => {
  let service: FakeService
  let server: TestServer
  let alice: TestUser
  const wait = quickClock()

  beforeEach(async () => {
    wait.sleeps.length = 0
    service = await fakeService()
    server = await serverWith(registration(service.url), { overrides: { clock: wait.clock } })
    alice = await server.register('alice')
  })
  afterEach(async () => {
    await server.close()
    await service.close()
  })

  let counter = 0
  const say = (roomId: string, body: string) => alice.put(`/rooms/${roomId}/send/m.room.message/t${counter++}`, { msgtype: 'm.text', body })
  const told = (body: string) => service.until(() => bodiesOf(service.taken).includes(body))

  async function portal(): Promise<{ roomId: string; bot: Awaited<ReturnType<typeof ghost>> }> {
    const bot = await ghost(server, 'bridge_bot')
    const { body } = await alice.post('/createRoom', { preset: 'public_chat' })
    await bot.post(`/rooms/${body['room_id']}/join`)
    return { roomId: body['room_id'], bot }
  }

  it('tells it events of rooms its users are in, each once and in order, under its token in the header alone', async () => {
    const { roomId } = await portal()
    for (let n = 0; n < 30; n++) await say(roomId, `m${n}`)
    await told('m29')
    expect(bodiesOf(service.taken)).to.deep.equal(Array.from({ length: 30 }, (_, n) => `m${n}`))
    for (const { headers, path } of service.arrived) {
      expect(headers['authorization']).to.equal(`Bearer ${hsToken}`)
      expect(path).not.to.include('?')
    }
    const events: Body[] = service.taken.flatMap(({ body }) => body['events'])
    expect(new Set(events.map(({ event_id }) => event_id)).size).to.equal(events.length)
    const message = events.find(({ type }) => type === 'm.room.message')!
    expect(message).to.include({ room_id: roomId, sender: alice.userId })
    expect(message['unsigned'].age).to.be.a('number')
  })

  it('tells it nothing of rooms it has nothing to do with, or of before and after its users were there', async () => {
    const { roomId, bot } = await portal()
    const other = (await alice.post('/createRoom', {})).body['room_id']
    await say(other, 'elsewhere')
    await bot.post(`/rooms/${roomId}/leave`)
    await say(roomId, 'without it')
    await bot.post(`/rooms/${roomId}/join`)
    await say(roomId, 'with it')
    await told('with it')
    expect(bodiesOf(service.taken)).to.deep.equal(['with it'])
    const members = service.taken.flatMap(({ body }) => body['events'] as Body[]).filter(({ type }) => type === 'm.room.member')
    expect(members.map(({ content }) => content.membership)).to.deep.equal(['join', 'leave', 'join'])
  })

  it('sends the same id and bytes until they are taken, and what came meanwhile after them', async () => {
    const { roomId } = await portal()
    await service.until(() => service.taken.length > 0)
    service.next.push(500, 'cut', 'lose', 503)
    await say(roomId, 'first')
    await say(roomId, 'second')
    await told('second')
    const tries = service.arrived.filter(({ text }) => text.includes('"first"'))
    expect(tries).to.have.length(5)
    expect(new Set(tries.map(({ id }) => id)).size).to.equal(1)
    expect(new Set(tries.map(({ text }) => text)).size).to.equal(1)
    // Others wait by the same clock.
    const pauses = [2000, 4000, 8000, 16_000]
    expect(wait.sleeps.filter((milliseconds) => pauses.includes(milliseconds)).slice(0, 4)).to.deep.equal(pauses)
    expect([...new Set(bodiesOf(service.arrived))]).to.deep.equal(['first', 'second'])
  })
})
