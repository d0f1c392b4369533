import { expect } from 'chai'
import type { RoomId, UserId } from '../../../../server/core/ids.ts'
import { crossSigningKeysOf, deviceKeysOf, oneTimeKeysOf, signAs } from '../../../support/device-keys.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../../support/peer.ts'
import { setMembership } from '../../../support/peers/joined-peer.ts'
import { type Body, type Engine, engines, type TestUser } from '../../../support/server.ts'

for (const engine of engines) describe(`keys of users of other servers on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  let bob: UserId
  let people = 0
  before(async function () {
    const started = await startServerWithPeers(0, { engine })
    if (!started) return this.skip()
    among = started
  })
  after(() => among?.close())
  beforeEach(async () => {
    peer = await among.addPeer()
    alice = await among.server.register(`alice${++people}`)
    bob = `@bob:${peer.serverName}`
  })

  const device = (userId: UserId, deviceId = 'PHONE') => deviceKeysOf({ userId, deviceId }).json
  const shareRoom = async () => {
    const { body } = await alice.post('/createRoom', { preset: 'public_chat' })
    await setMembership(among.server, peer, body.room_id as RoomId, 'join')
  }
  const hasList = (list: object) =>
    peer.on('GET', '/_matrix/federation/v1/user/devices/{userId}', ({ params }) => ({
      body: { user_id: params['userId'], stream_id: 5, devices: [], ...list },
    }))
  const answers = (path: string, body: object, status = 200) =>
    peer.on('POST', `/_matrix/federation/v1/user/keys/${path}`, () => ({ status, body }))
  const query = async (userId: UserId = bob, devices: string[] = [], by = alice): Promise<Body> =>
    (await by.post('/keys/query', { device_keys: { [userId]: devices } })).body
  const claim = async (userId: UserId, deviceId: string): Promise<Body> =>
    (await alice.post('/keys/claim', { one_time_keys: { [userId]: { [deviceId]: 'signed_curve25519' } } })).body
  const asked = (path: string) => peer.asked.filter((one) => one.path.includes(path)).length

  it('are asked of their server, each time, where no room is shared', async () => {
    const keys = crossSigningKeysOf(bob)
    answers('query', {
      device_keys: { [bob]: { PHONE: { ...device(bob), unsigned: { device_display_name: 'Phone' } } } },
      master_keys: { [bob]: keys.body.master_key },
      self_signing_keys: { [bob]: keys.body.self_signing_key },
      user_signing_keys: { [bob]: keys.body.user_signing_key },
    })
    for (const times of [1, 2]) {
      const body = await query()
      expect(body.device_keys[bob]).to.deep.equal({ PHONE: { ...device(bob), unsigned: { device_display_name: 'Phone' } } })
      expect(body.master_keys[bob]).to.deep.include(keys.body.master_key)
      expect(body.self_signing_keys[bob]).to.deep.include(keys.body.self_signing_key)
      expect(body.user_signing_keys).to.deep.equal({})
      expect(body.failures).to.deep.equal({})
      expect(asked('/keys/query')).to.equal(times)
    }
    expect((await query(bob, ['OTHER'])).device_keys).to.deep.equal({ [bob]: {} })
    expect(asked('/user/devices')).to.equal(0)
  })

  it('are asked for once, and then kept, where a room is shared', async () => {
    await shareRoom()
    const { master_key, self_signing_key } = crossSigningKeysOf(bob).body
    hasList({ devices: [{ device_id: 'PHONE', keys: device(bob), device_display_name: 'Phone' }], master_key, self_signing_key })
    for (const _ of [1, 2]) {
      const body = await query()
      expect(body.device_keys[bob]).to.deep.equal({ PHONE: { ...device(bob), unsigned: { device_display_name: 'Phone' } } })
      expect(body.master_keys[bob]).to.deep.include(master_key)
      expect(body.self_signing_keys[bob]).to.deep.include(self_signing_key)
    }
    await among.restart()
    const again = { ...alice, ...among.server.as(alice.token) }
    expect((await query(bob, [], again)).device_keys[bob]).to.have.property('PHONE')
    expect(asked('/user/devices')).to.equal(1)
  })

  it('are asked for again when nobody here shared a room for a while', async () => {
    await shareRoom()
    hasList({ devices: [{ device_id: 'PHONE', keys: device(bob) }] })
    await query()
    const [room] = (await alice.get('/joined_rooms')).body.joined_rooms
    await alice.post(`/rooms/${room}/leave`)
    await shareRoom()
    hasList({ devices: [{ device_id: 'TABLET', keys: device(bob, 'TABLET') }] })
    expect(Object.keys((await query()).device_keys[bob])).to.deep.equal(['TABLET'])
  })

  it('show a user’s own signatures on the master keys of others, kept here or asked for', async () => {
    await shareRoom()
    const theirs = crossSigningKeysOf(bob)
    const mine = crossSigningKeysOf(alice.userId)
    await alice.post('/keys/device_signing/upload', mine.body)
    hasList({ master_key: theirs.body.master_key })
    await query()
    const signed = signAs(theirs.body.master_key, alice.userId, mine.userSigning.text, mine.userSigning)
    const upload = await alice.post('/keys/signatures/upload', { [bob]: { [theirs.master.text]: signed } })
    expect(upload.body).to.deep.equal({ failures: {} })
    const signatures = async (by: TestUser) => (await query(bob, [], by)).master_keys[bob].signatures[alice.userId]
    expect(await signatures(alice)).to.deep.equal(signed.signatures[alice.userId])
    const eve = await among.server.register(`eve${people}`)
    expect(await signatures(eve)).to.equal(undefined)
    const [room] = (await alice.get('/joined_rooms')).body.joined_rooms
    await alice.post(`/rooms/${room}/leave`)
    answers('query', { device_keys: { [bob]: {} }, master_keys: { [bob]: theirs.body.master_key } })
    expect(await signatures(alice)).to.deep.equal(signed.signatures[alice.userId])
  })

  it('are left out when they are not signed, or are somebody else’s', async () => {
    const eve: UserId = `@eve:${peer.serverName}`
    const good = device(bob)
    const odd: Record<string, Body> = {
      UNSIGNED: { ...device(bob, 'UNSIGNED'), signatures: {} },
      FORGED: { ...device(bob, 'FORGED'), algorithms: ['m.forged'] },
      STOLEN: device(eve, 'STOLEN'),
      RENAMED: good,
      SHAPELESS: [],
      FLOAT: { ...device(bob, 'FLOAT'), algorithms: 1.5 },
      NULL: null,
    }
    const { body: keys, master } = crossSigningKeysOf(bob)
    const unsigned = { ...keys.self_signing_key, signatures: { [bob]: { [`ed25519:${master.text}`]: 'AAAA' } } }
    const kept = { PHONE: { ...good, unsigned: {} } }
    answers('query', {
      device_keys: {
        [bob]: { PHONE: good, ...odd },
        [alice.userId]: { EVIL: device(alice.userId, 'EVIL') },
        [eve]: { E: device(eve, 'E') },
      },
      master_keys: { [bob]: keys.master_key, [alice.userId]: crossSigningKeysOf(alice.userId).body.master_key },
      self_signing_keys: { [bob]: unsigned },
      failures: { 'elsewhere.test': {} },
    })
    const one = await query()
    expect(one).to.deep.include({ device_keys: { [bob]: kept }, self_signing_keys: {}, failures: {} })
    expect(Object.keys(one.master_keys)).to.deep.equal([bob])
    await shareRoom()
    const devices = Object.entries({ PHONE: good, ...odd }).map(([device_id, keys]) => ({ device_id, keys }))
    hasList({ devices: [...devices, 7, null, { device_id: 8 }], master_key: keys.user_signing_key, self_signing_key: unsigned })
    const two = await query()
    expect(two).to.deep.include({ device_keys: { [bob]: kept }, master_keys: {}, self_signing_keys: {} })
  })

  it('are missing, and their server named, when it does not answer', async () => {
    await peer.down()
    for (const answer of [await query(), await claim(bob, 'PHONE')]) {
      expect(answer.failures).to.deep.equal({ [peer.serverName]: { status: 503, message: 'the server did not answer' } })
    }
    await peer.up()
    await shareRoom()
    const body = await query(alice.userId)
    expect(body.failures).to.deep.equal({})
  })

  it('never bring on what their server says to clients', async () => {
    const evil: [number, Body][] = [
      [401, { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true }],
      [403, '<html>evil</html>'],
      [302, { evil: true }],
      [200, '{"device_keys": '],
      [200, '["evil"]'],
      [200, { device_keys: 'evil', one_time_keys: ['evil'], master_keys: 7, failures: 'evil' }],
      [
        200,
        { device_keys: { [bob]: ['evil'] }, one_time_keys: { [bob]: { PHONE: { 'signed_curve25519:evil': 7, 'other:evil': 'evil' } } } },
      ],
    ]
    for (const [status, body] of evil) {
      for (const path of ['query', 'claim']) answers(path, body, status)
      const replies = [
        await alice.post('/keys/query', { device_keys: { [bob]: [] } }),
        await alice.post('/keys/claim', { one_time_keys: { [bob]: { PHONE: 'signed_curve25519' } } }),
      ]
      for (const reply of replies) {
        expect(reply.status).to.equal(200)
        expect(reply.text).not.to.include('evil').and.not.to.include('soft_logout')
      }
    }
  })

  it('are waited for as long as the client wants, others being told meanwhile', async () => {
    const slow = await among.addPeer()
    let free = () => {}
    const freed = new Promise<void>((resolve) => {
      free = resolve
    })
    slow.on('POST', '/_matrix/federation/v1/user/keys/query', async () => {
      await freed
      return { body: { device_keys: {} } }
    })
    answers('query', { device_keys: { [bob]: { PHONE: device(bob) } } })
    const { body } = await alice.post('/keys/query', { timeout: 1, device_keys: { [bob]: [], [`@carol:${slow.serverName}`]: [] } })
    free()
    expect(body.device_keys[bob]).to.have.property('PHONE')
    expect(Object.keys(body.failures)).to.deep.equal([slow.serverName])
  })

  it('are asked for all at once where there are many of one server', async () => {
    const users = Array.from({ length: 30 }, (_, n): UserId => `@user${n}:${peer.serverName}`)
    answers('query', { device_keys: Object.fromEntries(users.map((userId) => [userId, { PHONE: device(userId) }])) })
    const { body } = await alice.post('/keys/query', { device_keys: Object.fromEntries(users.map((userId) => [userId, []])) })
    expect(Object.keys(body.device_keys).sort()).to.deep.equal([...users].sort())
    expect(peer.asked.map(({ path }) => path)).to.deep.equal(['/_matrix/federation/v1/user/keys/query'])
  })

  it('are kept by and by where rooms are shared with many of one server', async () => {
    const { body } = await alice.post('/createRoom', { preset: 'public_chat' })
    const users: UserId[] = []
    for (let n = 0; n < 21; n++) users.push(await setMembership(among.server, peer, body.room_id, 'join', `user${n}`))
    hasList({})
    answers('query', { device_keys: Object.fromEntries(users.map((userId) => [userId, { PHONE: device(userId) }])) })
    const all = { device_keys: Object.fromEntries(users.map((userId) => [userId, []])) }
    expect(Object.keys((await alice.post('/keys/query', all)).body.device_keys)).to.have.length(21)
    for (const userId of users) await peer.until(({ path }) => path.endsWith(`/user/devices/${encodeURIComponent(userId)}`))
    expect(asked('/keys/query')).to.equal(1)
  })

  it('are claimed where they belong', async () => {
    const keys = oneTimeKeysOf({ userId: bob, deviceId: 'PHONE' }, ['a'])
    answers('claim', {
      one_time_keys: { [bob]: { PHONE: keys }, [alice.userId]: { [alice.deviceId]: { 'signed_curve25519:evil': { key: 'evil' } } } },
    })
    expect(await claim(bob, 'PHONE')).to.deep.equal({ one_time_keys: { [bob]: { PHONE: keys } }, failures: {} })
    const { content } = await peer.until(({ path }) => path.endsWith('/keys/claim'))
    expect(content).to.deep.equal({ one_time_keys: { [bob]: { PHONE: 'signed_curve25519' } } })
    expect(await claim(alice.userId, alice.deviceId)).to.deep.equal({ one_time_keys: {}, failures: {} })
  })
}
