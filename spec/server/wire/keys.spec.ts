import { expect } from 'chai'
import { crossSigningKeysOf, deviceKeysOf, oneTimeKeysOf, signAs } from '../../support/device-keys.ts'
import { startServer, type TestServer, type TestUser } from '../../support/server.ts'

/** What clients live by where encryption is concerned, as it was seen on the wire. */
describe('keys, as seen on the wire', () => {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let roomId: string
  let people = 0

  before(async () => {
    server = await startServer()
  })
  after(() => server?.close())
  beforeEach(async () => {
    people++
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people}`)
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    await bob.post(`/rooms/${roomId}/join`)
  })

  const sync = async (user: TestUser, since = '', timeout = '0') =>
    (await user.get('/sync', { query: { timeout, ...(since === '' ? {} : { since }) } })).body
  const sign = (user: TestUser) => user.post('/keys/device_signing/upload', crossSigningKeysOf(user.userId).body)

  it('wire 9: keys/claim counts down to the fallback key, no one-time key twice, and the empty list of unused ones is sent and stays', async () => {
    await bob.post('/keys/upload', {
      device_keys: deviceKeysOf(bob).json,
      one_time_keys: oneTimeKeysOf(bob, ['A', 'B', 'C']),
      fallback_keys: oneTimeKeysOf(bob, ['FALLBACK']),
    })
    const claim = async () => {
      const { body } = await alice.post('/keys/claim', { one_time_keys: { [bob.userId]: { [bob.deviceId]: 'signed_curve25519' } } })
      return Object.keys(body.one_time_keys[bob.userId][bob.deviceId]).join()
    }
    const counts = async () => {
      const { device_one_time_keys_count: count, device_unused_fallback_key_types: unused } = await sync(bob)
      return [count.signed_curve25519, unused]
    }
    const seen: unknown[] = [await counts()]
    for (let claims = 0; claims < 5; claims++) seen.push(await claim(), await counts())
    expect(seen).to.deep.equal([
      [3, ['signed_curve25519']],
      'signed_curve25519:A',
      [2, ['signed_curve25519']],
      'signed_curve25519:B',
      [1, ['signed_curve25519']],
      'signed_curve25519:C',
      [0, ['signed_curve25519']],
      'signed_curve25519:FALLBACK',
      [0, []],
      'signed_curve25519:FALLBACK',
      [0, []],
    ])
  })

  it('wire 11: an encrypted bundle and a message to each device come before the invitation, and the visibility of history decides', async () => {
    const { content_uri: uri } = (await alice.post('/_matrix/media/v3/upload', 'ciphertext of room keys')).body
    const bundle = { algorithm: 'm.olm.v1.curve25519-aes-sha2', ciphertext: uri }
    for (const visibility of ['shared', 'joined']) {
      const since = (await sync(bob)).next_batch
      const history = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: visibility } }
      const { room_id: shared } = (await alice.post('/createRoom', { preset: 'private_chat', initial_state: [history] })).body
      const { event_id: before } = (await alice.put(`/rooms/${shared}/send/m.room.message/b`, { msgtype: 'm.text', body: 'before' })).body
      await alice.put(`/sendToDevice/m.room.encrypted/${visibility}`, { messages: { [bob.userId]: { [bob.deviceId]: bundle } } })
      expect((await alice.post(`/rooms/${shared}/invite`, { user_id: bob.userId })).status).to.equal(200)
      const told = await sync(bob, since)
      expect(told.to_device.events.map(({ content }: { content: object }) => content)).to.deep.equal([bundle])
      expect(told.rooms.invite).to.have.property(shared)
      await bob.post(`/rooms/${shared}/join`)
      expect((await bob.get(`/rooms/${shared}/event/${before}`)).status, visibility).to.equal(visibility === 'shared' ? 200 : 404)
    }
    expect((await bob.get(`/_matrix/client/v1/media/download/${uri.slice('mxc://'.length)}`)).text).to.equal('ciphertext of room keys')
  })

  it('wire 12: a signature on another’s master key is shown to who signed, and to nobody else', async () => {
    await sign(alice)
    await sign(bob)
    const { master_key: master } = crossSigningKeysOf(bob.userId).body
    const { userSigning } = crossSigningKeysOf(alice.userId)
    const signed = signAs(master, alice.userId, userSigning.text, userSigning)
    const { body } = await alice.post('/keys/signatures/upload', {
      [bob.userId]: { [Object.values(master.keys)[0]!]: signed },
    })
    expect(body.failures).to.deep.equal({})
    const carol = await server.register(`carol${people}`)
    const signersFor = async (user: TestUser) => {
      const { master_keys: masters } = (await user.post('/keys/query', { device_keys: { [bob.userId]: [] } })).body
      return Object.keys(masters[bob.userId].signatures ?? {})
    }
    expect(await signersFor(alice)).to.deep.equal([alice.userId])
    expect([await signersFor(bob), await signersFor(carol)]).to.deep.equal([[], []])
  })

  for (const [what, change] of [
    ['a device that is deleted', () => alice.post('/logout')],
    ['a device that is signed by its owner', () => signOwnDevice()],
  ] as const) {
    it(`wire 13: ${what} ends the others’ long polls at once, with its owner among the changed`, async () => {
      await alice.post('/keys/upload', { device_keys: deviceKeysOf(alice).json })
      await sign(alice)
      const since = (await sync(bob)).next_batch
      const poll = sync(bob, since, '30000')
      expect((await change()).status).to.equal(200)
      expect((await poll).device_lists.changed).to.deep.equal([alice.userId])
    })
  }

  function signOwnDevice() {
    const { selfSigning } = crossSigningKeysOf(alice.userId)
    const signed = signAs(deviceKeysOf(alice).json, alice.userId, selfSigning.text, selfSigning)
    return alice.post('/keys/signatures/upload', { [alice.userId]: { [alice.deviceId]: signed } })
  }
})
