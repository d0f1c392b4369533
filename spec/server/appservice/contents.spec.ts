import { expect } from 'chai'
import { deviceKeysOf, oneTimeKeysOf } from '../../support/device-keys.ts'
import type { Body, TestServer, TestUser } from '../../support/server.ts'
import { asToken, bodiesOf, type FakeService, fakeService, ghost, quickClock, registration, serverWith } from './fake-bridge.ts'

describe('what an application service is told', () => {
  let service: FakeService
  let server: TestServer
  let alice: TestUser

  async function start(more: Body = {}): Promise<void> {
    service = await fakeService()
    server = await serverWith(registration(service.url, more), { overrides: { clock: quickClock().clock } })
    alice = await server.register('alice')
  }
  afterEach(async () => {
    await server.close()
    await service.close()
  })

  const all = (name: string): Body[] => service.taken.flatMap(({ body }) => (body[name] ?? []) as Body[])
  const has = (name: string, is: (event: Body) => boolean) => service.until(() => all(name).some(is))
  let counter = 0
  const say = (roomId: string, body: string) => alice.put(`/rooms/${roomId}/send/m.room.message/t${counter++}`, { msgtype: 'm.text', body })
  const makeRoom = async (more: Body = {}): Promise<string> =>
    (await alice.post('/createRoom', { preset: 'public_chat', ...more })).body['room_id']
  const everything = { receive_ephemeral: true, 'org.matrix.msc3202': true }

  it('tells of what its own users send, once, with their transaction ids', async () => {
    await start()
    const bot = await ghost(server, 'bridge_bot')
    const roomId = await makeRoom()
    await bot.post(`/rooms/${roomId}/join`)
    for (let n = 0; n < 2; n++) await bot.put(`/rooms/${roomId}/send/m.room.message/own-txn`, { msgtype: 'm.text', body: 'mine' })
    await say(roomId, 'last')
    await has('events', ({ content }) => content.body === 'last')
    const [mine, ...others] = all('events').filter(({ content }) => content.body === 'mine')
    expect(others).to.deep.equal([])
    expect(mine).to.include({ sender: bot.userId })
    expect(mine!['unsigned'].transaction_id).to.equal('own-txn')
    const last = all('events').find(({ content }) => content.body === 'last')!
    expect(last['unsigned']).not.to.have.property('transaction_id')
  })

  it('tells of an invitation, and of nothing else before it is taken', async () => {
    await start()
    await ghost(server, 'bridge_1')
    const secret = await makeRoom({ preset: 'private_chat' })
    await say(secret, 'unseen')
    await alice.post(`/rooms/${secret}/invite`, { user_id: '@bridge_1:hs.test' })
    await has('events', ({ content }) => content.membership === 'invite')
    expect(all('events').map(({ state_key }) => state_key)).to.deep.equal(['@bridge_1:hs.test'])
  })

  it('tells all of a room that has one of its aliases, or one of its ids', async () => {
    await start({ namespaces: { users: [], aliases: [{ exclusive: false, regex: '#bridge_.*' }], rooms: [] } })
    const [roomId, marker] = [await makeRoom(), await makeRoom({ room_alias_name: 'bridge_0' })]
    await say(roomId, 'unnamed')
    // Which aliases there are counts when a message is read: that has happened once what came after it is told.
    await say(marker, 'after it')
    await has('events', ({ content }) => content.body === 'after it')
    await alice.put(`/directory/room/${encodeURIComponent('#bridge_1:hs.test')}`, { room_id: roomId })
    await say(roomId, 'named')
    await has('events', ({ content }) => content.body === 'named')
    await alice.delete(`/directory/room/${encodeURIComponent('#bridge_1:hs.test')}`)
    await say(roomId, 'unnamed again')
    const other = await makeRoom({ room_alias_name: 'bridge_2' })
    await say(other, 'named from the start')
    await has('events', ({ content }) => content.body === 'named from the start')
    expect(bodiesOf(service.taken)).to.deep.equal(['after it', 'named', 'named from the start'])
  })

  it('tells of what is typed and read in its rooms, under both names, if it asked for it', async () => {
    await start(everything)
    const bot = await ghost(server, 'bridge_bot')
    const [roomId, other] = [await makeRoom(), await makeRoom()]
    await bot.post(`/rooms/${roomId}/join`)
    const { event_id: eventId } = (await say(roomId, 'read me')).body
    for (const room of [other, roomId]) await alice.put(`/rooms/${room}/typing/${alice.userId}`, { typing: true, timeout: 30_000 })
    await alice.post(`/rooms/${roomId}/receipt/m.read/${encodeURIComponent(eventId)}`, {})
    await has('ephemeral', ({ type }) => type === 'm.receipt')
    const typing = all('ephemeral').filter(({ type, content }) => type === 'm.typing' && content.user_ids.length > 0)
    expect(typing.map(({ room_id }) => room_id)).to.deep.equal([roomId])
    const receipt = all('ephemeral').find(({ type }) => type === 'm.receipt')!
    expect(receipt['room_id']).to.equal(roomId)
    expect(receipt['content'][eventId]['m.read']).to.have.property(alice.userId)
    expect(all('de.sorunome.msc2409.ephemeral')).to.deep.equal(all('ephemeral'))
  })

  it('says nothing of that to a service that did not ask', async () => {
    await start()
    const bot = await ghost(server, 'bridge_bot')
    const roomId = await makeRoom()
    await bot.post(`/rooms/${roomId}/join`)
    await alice.put(`/rooms/${roomId}/typing/${alice.userId}`, { typing: true, timeout: 30_000 })
    await say(roomId, 'last')
    await has('events', ({ content }) => content.body === 'last')
    for (const { body } of service.taken) expect(Object.keys(body)).to.deep.equal(['events'])
  })

  it("hands over what is sent to its users' devices, with user and device, and each once", async () => {
    await start(everything)
    const [one, two] = [await ghost(server, 'bridge_1'), await ghost(server, 'bridge_2')]
    for (const each of [one, two]) await each.put('/devices/PHONE', {})
    for (let n = 0; n < 3; n++) {
      const messages = { [one.userId]: { PHONE: { n } }, [two.userId]: { '*': { n } } }
      await alice.put(`/sendToDevice/m.dummy/${n}`, { messages })
    }
    await service.until(() => all('to_device').length >= 6)
    const of = (userId: string) => all('to_device').filter(({ to_user_id }) => to_user_id === userId)
    for (const { userId } of [one, two]) {
      expect(of(userId).map(({ content }) => content.n)).to.deep.equal([0, 1, 2])
      for (const message of of(userId)) expect(message).to.include({ to_device_id: 'PHONE', sender: alice.userId, type: 'm.dummy' })
    }
    expect(all('de.sorunome.msc2409.to_device')).to.deep.equal(all('to_device'))
  })

  it('never puts more than a hundred messages to devices into one transaction, and loses none', async () => {
    await start(everything)
    const one = await ghost(server, 'bridge_1')
    await one.put('/devices/PHONE', {})
    service.next.push(...Array.from({ length: 3 }, () => 500))
    const sends = Array.from({ length: 250 }, (_, n) =>
      alice.put(`/sendToDevice/m.dummy/${n}`, { messages: { [one.userId]: { PHONE: { n } } } }),
    )
    await Promise.all(sends)
    await service.until(() => all('to_device').length >= 250)
    expect(new Set(all('to_device').map(({ content }) => content.n)).size).to.equal(250)
    for (const { body } of service.taken) expect((body['to_device'] ?? []).length).to.be.at.most(100)
  })

  it('never puts more than a hundred ephemeral events into one transaction', async () => {
    await start(everything)
    const bot = await ghost(server, 'bridge_bot')
    const roomIds = await Promise.all(Array.from({ length: 130 }, () => makeRoom()))
    await Promise.all(roomIds.map((roomId) => bot.post(`/rooms/${roomId}/join`)))
    await service.until(() => all('events').filter(({ state_key }) => state_key === bot.userId).length === roomIds.length)
    service.next.push(...Array.from({ length: 10_000 }, () => 500))
    await Promise.all(roomIds.map((roomId) => alice.put(`/rooms/${roomId}/typing/${alice.userId}`, { typing: true, timeout: 60_000 })))
    service.next.length = 0
    const typedIn = () => new Set(all('ephemeral').flatMap(({ room_id, content }) => (content.user_ids.length > 0 ? room_id : [])))
    await service.until(() => typedIn().size === roomIds.length)
    for (const { body } of service.taken) expect((body['ephemeral'] ?? []).length).to.be.at.most(100)
  })

  it('tells whose devices changed and how many keys are left of its own', async () => {
    await start(everything)
    const bot = await ghost(server, 'bridge_bot')
    await bot.put('/devices/BOT', {})
    const roomId = await makeRoom()
    await bot.post(`/rooms/${roomId}/join`)
    await has('events', ({ state_key }) => state_key === bot.userId)
    const bob = await server.register('bob')
    await bob.put(`/devices/${bob.deviceId}`, { display_name: 'of no concern' })
    await alice.put(`/devices/${alice.deviceId}`, { display_name: 'renamed' })
    const changed = () => service.taken.flatMap(({ body }) => (body['device_lists']?.changed ?? []) as string[])
    await service.until(() => changed().includes(alice.userId))
    expect(changed()).not.to.include(bob.userId)
    const owner = { userId: bot.userId, deviceId: 'BOT' }
    const keys = { device_keys: deviceKeysOf(owner).json, one_time_keys: oneTimeKeysOf(owner, ['AAAAAQ']) }
    const uploaded = await server.as(asToken, { user_id: bot.userId, device_id: 'BOT' }).post('/keys/upload', keys)
    expect(uploaded.status).to.equal(200)
    const counts = () => service.taken.flatMap(({ body }) => body['org.matrix.msc3202.device_one_time_keys_count'] ?? [])
    await service.until(() => counts().some((count) => count[bot.userId]?.BOT?.signed_curve25519 === 1))
  })

  it('gets none when it has no address', async () => {
    service = await fakeService()
    server = await serverWith(registration(null))
    alice = await server.register('alice')
    const bot = await ghost(server, 'bridge_bot')
    const roomId = await makeRoom()
    await bot.post(`/rooms/${roomId}/join`)
    await say(roomId, 'to nobody')
    const { status, body } = await server.as(asToken).post('/_matrix/client/v1/appservice/bridge/ping', { transaction_id: 'x' })
    expect([status, body['errcode']]).to.deep.equal([400, 'M_URL_NOT_SET'])
    expect(server.server.home.metrics.text()).not.to.include('tombolo_appservice_lag')
    expect(bodiesOf(service.arrived)).to.deep.equal([])
  })
})
