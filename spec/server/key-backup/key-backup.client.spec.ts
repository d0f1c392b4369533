import { expect } from 'chai'
import { type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

const algorithm = 'm.megolm_backup.v1.curve25519-aes-sha2'
const keyOf = (of: { index?: number; forwarded?: number; verified?: boolean; text?: string } = {}) => ({
  first_message_index: of.index ?? 1,
  forwarded_count: of.forwarded ?? 0,
  is_verified: of.verified ?? false,
  session_data: { ephemeral: 'e', ciphertext: of.text ?? 'c', mac: 'm' },
})
const room = '!a room/with a slash:hs.test'
const session = 'a+session/id='

for (const engine of engines) describe(`backups of room keys on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let people = 0
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`alice${people++}`)
  })

  const makeBackup = async () =>
    (await alice.post('/room_keys/version', { algorithm, auth_data: { public_key: 'abc' } })).body.version as string
  const pathOf = (sessionId = session, roomId = room) => `/room_keys/keys/${encodeURIComponent(roomId)}/${encodeURIComponent(sessionId)}`
  const putKey = (version: string, key: object, sessionId = session) => alice.put(pathOf(sessionId), key, { query: { version } })
  const errorOf = ({ status, body }: { status: number; body: { errcode?: string } }) => [status, body.errcode]

  it('are unknown before there is one, and tell their count and etag once there is', async () => {
    expect(errorOf(await alice.get('/room_keys/version'))).to.deep.equal([404, 'M_NOT_FOUND'])
    const version = await makeBackup()
    const info = { algorithm, auth_data: { public_key: 'abc' }, count: 0, etag: '0', version }
    expect((await alice.get('/room_keys/version')).body).to.deep.equal(info)
    const { body } = await putKey(version, keyOf())
    expect(body.count).to.equal(1)
    expect(body.etag).to.not.equal('0')
    expect((await alice.get(`/room_keys/version/${version}`)).body).to.deep.equal({ ...info, count: 1, etag: body.etag })
  })

  it('keep keys under any room and session id, and give them by session, by room and all together', async () => {
    const version = await makeBackup()
    await putKey(version, keyOf())
    const sessions = { two: keyOf({ text: 'two' }) }
    expect((await alice.put('/room_keys/keys/!b:hs.test', { sessions }, { query: { version } })).body.count).to.equal(2)
    const rooms = { '!b:hs.test': { sessions: { three: keyOf() } }, '!c:hs.test': { sessions: {} } }
    expect((await alice.put('/room_keys/keys', { rooms }, { query: { version } })).body.count).to.equal(3)

    expect((await alice.get(pathOf(), { query: { version } })).body).to.deep.equal(keyOf())
    expect((await alice.get('/room_keys/keys/!b:hs.test', { query: { version } })).body).to.deep.equal({
      sessions: { three: keyOf(), ...sessions },
    })
    expect((await alice.get('/room_keys/keys', { query: { version } })).body).to.deep.equal({
      rooms: { [room]: { sessions: { [session]: keyOf() } }, '!b:hs.test': { sessions: { three: keyOf(), ...sessions } } },
    })
    expect((await alice.get('/room_keys/keys/!none:hs.test', { query: { version } })).body).to.deep.equal({ sessions: {} })
    expect(errorOf(await alice.get(pathOf('none'), { query: { version } }))).to.deep.equal([404, 'M_NOT_FOUND'])
  })

  it('prefer verified keys, then those that reach further back, then those forwarded less often', async () => {
    const version = await makeBackup()
    const steps: [Parameters<typeof keyOf>[0], boolean][] = [
      [{ index: 5, forwarded: 3, text: 'first' }, true],
      [{ index: 6, forwarded: 0, text: 'later' }, false],
      [{ index: 5, forwarded: 3, text: 'same' }, false],
      [{ index: 5, forwarded: 2, text: 'less forwarded' }, true],
      [{ index: 4, forwarded: 9, text: 'earlier' }, true],
      [{ index: 9, forwarded: 9, verified: true, text: 'verified' }, true],
      [{ index: 0, forwarded: 0, text: 'not verified' }, false],
    ]
    let kept = ''
    let etag = '0'
    for (const [of, isKept] of steps) {
      const { body } = await putKey(version, keyOf(of))
      expect(body.etag !== etag, of?.text).to.equal(isKept)
      expect(body.count).to.equal(1)
      if (isKept) kept = of?.text ?? ''
      etag = body.etag
      expect((await alice.get(pathOf(), { query: { version } })).body.session_data.ciphertext).to.equal(kept)
    }
  })

  it('are written to the newest version alone', async () => {
    const first = await makeBackup()
    await putKey(first, keyOf())
    const second = await makeBackup()
    expect(second).to.not.equal(first)
    const refused = await putKey(first, keyOf())
    expect(errorOf(refused)).to.deep.equal([403, 'M_WRONG_ROOM_KEYS_VERSION'])
    expect(refused.body.current_version).to.equal(second)
    expect(errorOf(await putKey('77', keyOf()))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(errorOf(await alice.put(pathOf(), keyOf()))).to.deep.equal([400, 'M_MISSING_PARAM'])
    expect((await alice.get(pathOf(), { query: { version: first } })).body).to.deep.equal(keyOf())
    expect((await alice.get('/room_keys/keys', { query: { version: second } })).body).to.deep.equal({ rooms: {} })
  })

  it('change their auth data, and neither algorithm nor version', async () => {
    const version = await makeBackup()
    const path = `/room_keys/version/${version}`
    expect((await alice.put(path, { algorithm, auth_data: { public_key: 'new' }, version })).status).to.equal(200)
    expect((await alice.get(path)).body.auth_data).to.deep.equal({ public_key: 'new' })
    expect(errorOf(await alice.put(path, { algorithm: 'other', auth_data: {} }))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(errorOf(await alice.put(path, { algorithm, auth_data: {}, version: '9' }))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(errorOf(await alice.put('/room_keys/version/9', { algorithm, auth_data: {} }))).to.deep.equal([404, 'M_NOT_FOUND'])
  })

  it('lose keys one by one, by room and all at once', async () => {
    const version = await makeBackup()
    const rooms = { '!a:hs.test': { sessions: { 1: keyOf(), 2: keyOf(), 3: keyOf() } }, '!b:hs.test': { sessions: { 4: keyOf() } } }
    await alice.put('/room_keys/keys', { rooms }, { query: { version } })
    const remove = async (path: string) => (await alice.delete(`/room_keys/keys${path}`, undefined, { query: { version } })).body
    const { etag } = await remove('/!a:hs.test/1')
    expect(await remove('/!a:hs.test/1')).to.deep.equal({ count: 3, etag })
    expect((await remove('/!a:hs.test')).count).to.equal(1)
    expect((await remove('')).count).to.equal(0)
    expect((await alice.get('/room_keys/version')).body.count).to.equal(0)
  })

  it('are gone once deleted, and their version is never used again', async () => {
    const first = await makeBackup()
    const second = await makeBackup()
    await putKey(second, keyOf())
    expect((await alice.delete(`/room_keys/version/${second}`)).status).to.equal(200)
    expect(errorOf(await alice.delete(`/room_keys/version/${second}`))).to.deep.equal([404, 'M_NOT_FOUND'])
    for (const path of [`/room_keys/version/${second}`, '/room_keys/keys', pathOf()]) {
      expect(errorOf(await alice.get(path, { query: { version: second } })), path).to.deep.equal([404, 'M_NOT_FOUND'])
    }
    expect((await alice.get('/room_keys/version')).body.version).to.equal(first)
    expect([first, second]).to.not.include(await makeBackup())
  })

  it('belong to their owner alone', async () => {
    const version = await makeBackup()
    await putKey(version, keyOf())
    const bob = await server.register(`bob${people}`)
    expect(errorOf(await bob.get('/room_keys/keys', { query: { version } }))).to.deep.equal([404, 'M_NOT_FOUND'])
  })

  it('lose nothing when many write at once', async () => {
    const version = await makeBackup()
    const names = Array.from({ length: 20 }, (_, at) => `session ${at}`)
    const all = await Promise.all(names.map((name) => putKey(version, keyOf(), name)))
    expect(all.map(({ status }) => status)).to.deep.equal(names.map(() => 200))
    const { body } = await alice.get('/room_keys/version')
    expect(body).to.include({ count: 20, etag: '20' })
    const made = await Promise.all(names.slice(0, 6).map(makeBackup))
    expect(new Set(made).size).to.equal(6)
  })

  it('refuse what is no key and no backup', async () => {
    const version = await makeBackup()
    const bad = [{}, { ...keyOf(), first_message_index: -1 }, { ...keyOf(), forwarded_count: 1.5 }, { ...keyOf(), is_verified: 'no' }]
    for (const key of [...bad, { ...keyOf(), session_data: 'text' }]) {
      expect(errorOf(await putKey(version, key)), JSON.stringify(key)).to.deep.equal([400, 'M_BAD_JSON'])
    }
    expect(errorOf(await alice.put('/room_keys/keys', { rooms: [] }, { query: { version } }))).to.deep.equal([400, 'M_BAD_JSON'])
    expect(errorOf(await alice.put('/room_keys/keys/x', { sessions: { 1: keyOf() } }, { query: { version } }))).to.deep.equal([
      400,
      'M_INVALID_PARAM',
    ])
    expect(errorOf(await alice.post('/room_keys/version', { algorithm }))).to.deep.equal([400, 'M_MISSING_PARAM'])
    expect(errorOf(await alice.post('/room_keys/version', { auth_data: {} }))).to.deep.equal([400, 'M_MISSING_PARAM'])
  })
}
