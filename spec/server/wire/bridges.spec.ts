import { expect } from 'chai'
import { crossSigningKeysOf, deviceKeysOf, oneTimeKeysOf } from '../../support/device-keys.ts'
import { type Body, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { asToken, bodiesOf, type FakeService, fakeService, hsToken, quickClock, registration } from '../appservice/fake-bridge.ts'

const puppetToken = 'the-as-token-of-a-double-puppet'
const botId = '@bridge_bot:hs.test'
const ghostId = '@bridge_ghost:hs.test'
const unstableDevice = 'org.matrix.msc3202.device_id'

/** What mautrix's bridges and Heisenbridge live by, as it was seen on the wire: the bot is a user of the namespace, not the sender. */
describe('bridges, as seen on the wire', () => {
  let service: FakeService
  let server: TestServer
  let alice: TestUser

  before(async () => {
    service = await fakeService()
    const more = { sender_localpart: 'k2jf83hs', receive_ephemeral: true, 'org.matrix.msc3202': true, 'io.element.msc4190': true }
    const puppet = {
      id: 'doublepuppet',
      as_token: puppetToken,
      hs_token: 'never used',
      sender_localpart: 'x93kd',
      namespaces: { users: [{ regex: '@.*:hs\\.test', exclusive: false }] },
    }
    server = await startServer({
      config: { appservice_files: [registration(service.url, more), registration(null, puppet)], rate_limits: 'defaults' },
      overrides: { clock: quickClock().clock },
    })
    alice = await server.register('alice')
  })
  after(async () => {
    await server?.close()
    await service?.close()
  })

  const as = (userId: string, query: Record<string, string> = {}) => server.as(asToken, { user_id: userId, ...query })
  const register = (userId: string, query: Record<string, string> = {}) =>
    as(userId, query).post('/register', {
      type: 'm.login.application_service',
      inhibit_login: true,
      username: userId.slice(1, userId.indexOf(':')),
    })
  const roomOfBot = async (preset = 'private_chat') => String((await as(botId).post('/createRoom', { preset })).body.room_id)
  const told = (body: string) => service.until(() => bodiesOf(service.taken).includes(body))
  const toldWhere = (is: (body: Body) => boolean) => service.until(() => service.taken.some((one) => is(one.body)))
  const versions = async (userId: string) => as(userId).get('/_matrix/client/versions')

  it('wire 21: versions are refused to a bot that does not exist yet with 403 M_FORBIDDEN, and told once it is registered', async () => {
    const { status, body } = await versions(botId)
    expect([status, body.errcode]).to.deep.equal([403, 'M_FORBIDDEN'])
    await register(botId)
    expect((await versions(botId)).body.versions).to.include('v1.4')
    expect((await as(botId).get('/account/whoami')).body.user_id).to.equal(botId)
  })

  it('wire 23: a bot registers with its id in the query too, and hears 400 M_USER_IN_USE every other time', async () => {
    const newcomer = '@bridge_newcomer:hs.test'
    expect((await register(newcomer)).body).to.include({ user_id: newcomer })
    const again = await register(newcomer, { kind: 'user' })
    expect([again.status, again.body.errcode]).to.deep.equal([400, 'M_USER_IN_USE'])
  })

  it('wire 22: events, messages to devices, device lists and key counts come for the bot and all of the namespace, none for the sender', async () => {
    await register(ghostId)
    const room = await roomOfBot('public_chat')
    await alice.post(`/rooms/${room}/join`)
    await alice.put(`/rooms/${room}/send/m.room.message/22`, { msgtype: 'm.text', body: 'for the bot' })
    await told('for the bot')
    await alice.post('/keys/upload', { device_keys: deviceKeysOf(alice).json })
    await toldWhere((body) => body.device_lists?.changed.includes(alice.userId))
    for (const userId of [botId, ghostId] as const) {
      await as(userId).put('/devices/D22', {})
      const owner = { userId, deviceId: 'D22' }
      const keys = { device_keys: deviceKeysOf(owner).json, one_time_keys: oneTimeKeysOf(owner, ['A']) }
      await as(userId, { device_id: 'D22' }).post('/keys/upload', keys)
      await alice.put(`/sendToDevice/m.room.encrypted/${userId}`, { messages: { [userId]: { D22: { for: userId } } } })
      await toldWhere((body) => body.to_device?.some((one: Body) => one.to_user_id === userId && one.to_device_id === 'D22'))
      await toldWhere((body) => body.device_one_time_keys_count?.[userId]?.D22?.signed_curve25519 === 1)
    }
  })

  it('wire 24: a ping comes back to the bridge under its token with the same id, and is advertised by v1.7', async () => {
    expect((await versions(botId)).body.versions).to.include('v1.7')
    const { status, body } = await as(botId).post('/_matrix/client/v1/appservice/bridge/ping', { transaction_id: 'ping-24' })
    expect([status, Number.isInteger(body.duration_ms)]).to.deep.equal([200, true])
    expect(service.pings.at(-1)).to.deep.equal({ body: { transaction_id: 'ping-24' }, authorization: `Bearer ${hsToken}` })
  })

  it('wire 25: a bot makes devices and uses keys as them under both names of the parameter, and hears of its own', async () => {
    expect((await as(botId).put('/devices/BOT', { display_name: 'Bridge' })).status).to.equal(201)
    expect((await as(botId).put('/devices/BOT', { display_name: 'Bridge' })).status).to.equal(200)
    const device = { userId: botId, deviceId: 'BOT' } as const
    const asked: [method: string, path: string, body: object][] = [
      ['POST', '/keys/upload', { device_keys: deviceKeysOf(device).json, one_time_keys: oneTimeKeysOf(device, ['A', 'B']) }],
      ['POST', '/keys/query', { device_keys: { [botId]: [] } }],
      ['POST', '/keys/claim', { one_time_keys: { [botId]: { BOT: 'signed_curve25519' } } }],
      ['PUT', '/sendToDevice/m.test/25', { messages: { [botId]: { BOT: { to: 'itself' } } } }],
      ['POST', '/keys/device_signing/upload', crossSigningKeysOf(botId).body],
      ['POST', '/keys/signatures/upload', {}],
      ['PUT', `/user/${botId}/account_data/org.test`, { kept: true }],
    ]
    for (const name of ['device_id', unstableDevice]) {
      for (const [method, path, body] of asked) {
        const query = { user_id: botId, [name]: 'BOT', [unstableDevice]: 'BOT' }
        expect((await server.as(asToken, query).request(method, path, body)).status, `${name} ${path}`).to.equal(200)
      }
    }
    await toldWhere((body) => body['de.sorunome.msc2409.to_device']?.some((one: Body) => one.to_device_id === 'BOT'))
    await toldWhere((body) => body['org.matrix.msc3202.device_lists']?.changed.includes(botId))
    await toldWhere((body) => body['org.matrix.msc3202.device_one_time_keys_count']?.[botId]?.BOT?.signed_curve25519 === 0)
  })

  it('wire 26: a bot logs in as an application service, and syncs with that token beside its own', async () => {
    const type = 'm.login.application_service'
    const { flows } = (await server.anonymous.get('/login')).body
    expect(flows.map((flow: Body) => flow.type)).to.include(type)
    const login = await server.as(asToken).post('/login', { type, identifier: { type: 'm.id.user', user: 'bridge_bot' } })
    const synced = await server.as(login.body.access_token).get('/sync', { query: { timeout: '0' } })
    expect([synced.status, (await as(botId).get('/account/whoami')).status]).to.deep.equal([200, 200])
    expect(synced.body).to.have.property('next_batch')
  })

  it('wire 27: the time of backfilled events and state is that of `ts`; fields and types that nobody knows are kept', async () => {
    const room = await roomOfBot('public_chat')
    const ts = { query: { ts: '1600000000000' } }
    const message = await as(botId).put(`/rooms/${room}/send/m.room.message/27`, { msgtype: 'm.text', body: 'old' }, ts)
    const state = await as(botId).put(`/rooms/${room}/state/m.room.topic`, { topic: 'old' }, ts)
    for (const { body } of [message, state]) {
      expect((await as(botId).get(`/rooms/${room}/event/${body.event_id}`)).body.origin_server_ts).to.equal(1_600_000_000_000)
    }
    const invite = { membership: 'invite', 'fi.mau.will_auto_accept': true }
    await as(botId).put(`/rooms/${room}/state/m.room.member/${alice.userId}`, invite)
    expect((await as(botId).get(`/rooms/${room}/state/m.room.member/${alice.userId}`)).body).to.include(invite)
    const status = { network: 'test', status: 'SUCCESS', nested: { any: ['thing'] } }
    const { event_id: sent } = (await as(botId).put(`/rooms/${room}/send/com.beeper.message_send_status/27b`, status)).body
    expect((await as(botId).get(`/rooms/${room}/event/${sent}`)).body.content).to.deep.equal(status)
  })

  it('wire 28: a double puppet acts as any local user, knows as whom, and has neither transactions nor pings', async () => {
    const puppet = server.as(puppetToken, { user_id: alice.userId })
    expect((await puppet.get('/account/whoami')).body.user_id).to.equal(alice.userId)
    const { room_id: room } = (await puppet.post('/createRoom', { preset: 'private_chat' })).body
    const { event_id: sent } = (await puppet.put(`/rooms/${room}/send/m.room.message/28`, { msgtype: 'm.text', body: 'mirrored' })).body
    expect((await alice.get(`/rooms/${room}/event/${sent}`)).body.sender).to.equal(alice.userId)
    const ping = await puppet.post('/_matrix/client/v1/appservice/doublepuppet/ping', {})
    expect([ping.status, ping.body.errcode]).to.deep.equal([400, 'M_URL_NOT_SET'])
    expect(server.server.home.metrics.text()).not.to.match(/appservice_\w+\{service_id="doublepuppet"\} [1-9]/)
  })

  it('wire 29: a ghost is refused, invited by the bot and let in, however many were refused before it', async () => {
    const room = await roomOfBot()
    for (let ghosts = 0; ghosts < 31; ghosts++) {
      const userId = `@bridge_ghost_${ghosts}:hs.test`
      await register(userId)
      const refused = await as(userId).post(`/rooms/${room}/join`)
      expect([refused.status, refused.body.errcode], userId).to.deep.equal([403, 'M_FORBIDDEN'])
      expect((await as(botId).post(`/rooms/${room}/invite`, { user_id: userId })).status, userId).to.equal(200)
      expect((await as(userId).post(`/rooms/${room}/join`)).status, userId).to.equal(200)
    }
  })

  it('wire 31: in a room of version 12 the creator stands not among the levels; version 11 can be had for those who need it there', async () => {
    const levelsIn = async (of: object) => {
      const { room_id: room } = (await as(botId).post('/createRoom', of)).body
      return (await as(botId).get(`/rooms/${room}/state/m.room.power_levels`)).body.users ?? {}
    }
    expect(await levelsIn({ room_version: '12' })).to.deep.equal({})
    expect(await levelsIn({ room_version: '11' })).to.deep.equal({ [botId]: 100 })
    const older = await startServer({ config: { default_room_version: '11' } })
    try {
      const user = await older.register('alice')
      const { room_id: room } = (await user.post('/createRoom', {})).body
      expect((await user.get(`/rooms/${room}/state/m.room.power_levels`)).body.users).to.deep.equal({ [user.userId]: 100 })
    } finally {
      await older.close()
    }
  })
})
