import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { startServer, type TestServer, type TestUser } from '../support/server.ts'

const sliding = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'

/** What clients and bridges in use were seen to ask, and live by; each told by who asks. */
describe('what was seen on the wire', () => {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let room: string

  before(async () => {
    server = await startServer({ config: { registration: { open: true } } })
    alice = await server.register('alice')
    bob = await server.register('bob')
    room = (await alice.post('/createRoom', { preset: 'public_chat', name: 'Wire' })).body.room_id
    await bob.post(`/join/${room}`, {})
  })
  after(() => server?.close())

  const send = (txn: string, type: string, content: object) => alice.put(`/rooms/${room}/send/${type}/${txn}`, content)

  it('wire 1: the Rust SDK finds sliding sync among the unstable features', async () => {
    const { body } = await server.anonymous.get('/_matrix/client/versions')
    expect(body.unstable_features['org.matrix.simplified_msc3575']).to.equal(true)
  })

  it('wire 2, 3: the Rust SDK holds three connections of one device, each with its own position; one has no lists and counts keys', async () => {
    const connect = (body: object) => alice.post(sliding, body, { query: { timeout: '0' } })
    const extensions = { to_device: { enabled: true }, e2ee: { enabled: true } }
    const lists = { all_rooms: { ranges: [[0, 19]], timeline_limit: 1, required_state: [] } }
    const answers = [
      await connect({ conn_id: 'encryption', extensions }),
      await connect({ conn_id: 'room-list', lists }),
      await connect({ conn_id: 'notifications', lists }),
    ]
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200])
    const [keys, rooms] = answers.map(({ body }) => body)
    expect(keys.extensions.to_device.next_batch).to.match(/^\d+$/)
    expect(keys.extensions.e2ee).to.deep.include({ device_unused_fallback_key_types: [] }).and.include.keys('device_one_time_keys_count')
    expect(rooms.lists.all_rooms.count).to.equal(1)
    const again = await alice.post(sliding, { conn_id: 'encryption', extensions }, { query: { timeout: '0', pos: keys.pos } })
    expect(again.status).to.equal(200)
  })

  it('wire 6: every client knows its own message by the transaction’s id, and nobody else is told', async () => {
    const { event_id: event } = (await send('own-1', 'm.room.message', { msgtype: 'm.text', body: 'mine' })).body
    const seen = async (who: TestUser) => (await who.get(`/rooms/${room}/event/${event}`)).body.unsigned?.transaction_id
    expect([await seen(alice), await seen(bob)]).to.deep.equal(['own-1', undefined])
  })

  for (const type of [
    'm.secret_storage.default_key',
    'm.cross_signing.master',
    'm.megolm_backup.v1',
    'm.org.matrix.custom.backup_disabled',
  ]) {
    it(`wire 7: a client that never set ${type} hears 404 M_NOT_FOUND`, async () => {
      const { status, body } = await alice.get(`/user/${alice.userId}/account_data/${type}`)
      expect([status, body.errcode]).to.deep.equal([404, 'M_NOT_FOUND'])
    })
  }

  it('wire 7: a client without a key backup hears 404 M_NOT_FOUND', async () => {
    const { status, body } = await alice.get('/room_keys/version')
    expect([status, body.errcode]).to.deep.equal([404, 'M_NOT_FOUND'])
  })

  it('wire 8: the Rust SDK uploads its first cross-signing keys with nobody to ask for a password', async () => {
    const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
    const key = Buffer.from(x, 'base64url').toString('base64').replace(/=+$/, '')
    const master = { user_id: bob.userId, usage: ['master'], keys: { [`ed25519:${key}`]: key } }
    expect((await bob.post('/keys/device_signing/upload', { master_key: master })).status).to.equal(200)
    const { body } = await alice.post('/keys/query', { device_keys: { [bob.userId]: [] } })
    expect(body.master_keys[bob.userId].keys).to.deep.equal(master.keys)
  })

  it('wire 10: ids with a slash and a plus come back from the backup and from account data', async () => {
    const auth = { public_key: 'abcdefg', signatures: {} }
    const { version } = (await bob.post('/room_keys/version', { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: auth }))
      .body
    const session = encodeURIComponent('a/b+c/d=')
    const path = `/room_keys/keys/${encodeURIComponent(room)}/${session}`
    const data = { first_message_index: 1, forwarded_count: 0, is_verified: true, session_data: { ciphertext: 'x' } }
    expect((await bob.put(path, data, { query: { version } })).status).to.equal(200)
    expect((await bob.get(path, { query: { version } })).body).to.deep.equal(data)
    const key = `/user/${bob.userId}/account_data/m.secret_storage.key.${session}`
    await bob.put(key, { algorithm: 'a' })
    expect((await bob.get(key)).body).to.deep.equal({ algorithm: 'a' })
  })

  it('wire 14: who reacts a second time with the same emoji hears 400 M_DUPLICATE_ANNOTATION', async () => {
    const { event_id: event } = (await send('root', 'm.room.message', { msgtype: 'm.text', body: 'react to me' })).body
    const reaction = { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key: '👍' } }
    expect((await send('reaction-1', 'm.reaction', reaction)).status).to.equal(200)
    const { status, body } = await send('reaction-2', 'm.reaction', reaction)
    expect([status, body.errcode]).to.deep.equal([400, 'M_DUPLICATE_ANNOTATION'])
  })

  it('wire 15: state with an empty key is read with the last slash and without; mautrix reads m.room.create whole', async () => {
    for (const end of ['', '/']) {
      expect((await bob.get(`/rooms/${room}/state/m.room.name${end}`)).body, end).to.deep.equal({ name: 'Wire' })
    }
    const { body } = await bob.get(`/rooms/${room}/state/m.room.create/`, { query: { format: 'event' } })
    expect(body).to.include({ type: 'm.room.create', sender: alice.userId })
    expect((await bob.get('/pushrules/')).body).to.have.nested.property('global.override')
  })

  it('wire 16: matrix-js-sdk asks for the state after the timeline, and lives without OAuth', async () => {
    const { body } = await bob.get('/sync', { query: { timeout: '0', 'org.matrix.msc4222.use_state_after': 'true' } })
    expect(body.rooms.join[room]).to.have.property('org.matrix.msc4222.state_after')
    const { status, body: refusal } = await bob.get('/_matrix/client/v1/auth_metadata')
    expect([status, refusal.errcode]).to.deep.equal([404, 'M_UNRECOGNIZED'])
  })

  it('wire 17: the Rust SDK asks for a room’s summary under the stable name, Cinny under the old one', async () => {
    for (const path of ['v1/room_summary', 'unstable/im.nheko.summary/summary']) {
      const { status, body } = await bob.get(`/_matrix/client/${path}/${encodeURIComponent(room)}`)
      expect([status, body.name, body.membership], path).to.deep.equal([200, 'Wire', 'join'])
    }
  })

  it('wire 18: Cinny asks for the old media configuration and for calls’ servers, which may be none', async () => {
    expect((await alice.get('/_matrix/media/v3/config')).body).to.have.property('m.upload.size')
    const { status, body } = await alice.get('/voip/turnServer')
    expect([status, body]).to.deep.equal([200, {}])
  })

  it('wire 19: Cinny learns how to register from a 401 that carries CORS, after a preflight', async () => {
    const preflight = await server.anonymous.request('OPTIONS', '/register')
    const refused = await server.anonymous.post('/register', {})
    expect([preflight.status, refused.status]).to.deep.equal([204, 401])
    for (const { headers } of [preflight, refused]) expect(headers.get('access-control-allow-origin')).to.equal('*')
    expect(refused.body.flows).to.be.an('array')
  })

  it('wire 20: clients find the public address in the well-known file and in the answer to a login', async () => {
    const { body } = await server.anonymous.get('/.well-known/matrix/client')
    const identifier = { type: 'm.id.user', user: 'alice' }
    const login = await server.anonymous.post('/login', { type: 'm.login.password', identifier, password: alice.password })
    expect(login.body.well_known).to.deep.include({ 'm.homeserver': body['m.homeserver'] })
  })
})
