import { expect } from 'chai'
import { crossSigningKeysOf, deviceKeysOf, signAs } from '../../support/device-keys.ts'
import { type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`device lists on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let people = 0
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    people++
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people}`)
  })

  const roomOf = async (user: TestUser) => String((await user.post('/createRoom', { preset: 'public_chat' })).body['room_id'])
  const join = (user: TestUser, roomId: string) => user.post(`/rooms/${roomId}/join`)
  const share = async () => {
    const roomId = await roomOf(alice)
    await join(bob, roomId)
    return roomId
  }
  const position = async (user: TestUser) => String((await user.get('/sync')).body['next_batch'])
  const lists = async (user: Pick<TestUser, 'get'>, since: string, timeout = '0') => {
    const { body } = await user.get('/sync', { query: { since, timeout } })
    return { changed: body['device_lists']?.changed ?? [], left: body['device_lists']?.left ?? [], next: String(body['next_batch']) }
  }
  const uploadKeys = (user: TestUser) => user.post('/keys/upload', { device_keys: deviceKeysOf(user).json })

  it('change when a user with whom one shares a room uploads keys, and wake a long poll', async () => {
    await share()
    const since = await position(bob)
    const poll = lists(bob, since, '10000')
    await uploadKeys(alice)
    const { changed, next } = await poll
    expect(changed).to.deep.equal([alice.userId])
    expect((await lists(bob, next)).changed).to.deep.equal([])
  })

  it('of oneself change too, without any room', async () => {
    const since = await position(alice)
    await uploadKeys(alice)
    expect((await lists(alice, since)).changed).to.deep.equal([alice.userId])
  })

  it('of strangers are nobody’s business', async () => {
    const since = await position(bob)
    await uploadKeys(alice)
    expect((await lists(bob, since)).changed).to.deep.equal([])
  })

  it('change when a device ends', async () => {
    await share()
    await uploadKeys(alice)
    const since = await position(bob)
    await alice.post('/logout')
    expect((await lists(bob, since)).changed).to.deep.equal([alice.userId])
  })

  it('change after a restart, when nobody is in memory', async () => {
    await share()
    const since = await position(bob)
    server = await server.restart()
    await server.as(alice.token).post('/keys/upload', { device_keys: deviceKeysOf(alice).json })
    expect((await lists(server.as(bob.token), since)).changed).to.deep.equal([alice.userId])
  })

  it('change for both when one joins the room of the other', async () => {
    const roomId = await roomOf(alice)
    const [ofAlice, ofBob] = [await position(alice), await position(bob)]
    await join(bob, roomId)
    expect((await lists(alice, ofAlice)).changed).to.deep.equal([bob.userId])
    expect((await lists(bob, ofBob)).changed.sort(), 'for his other devices too').to.deep.equal([alice.userId, bob.userId])
  })

  it('do not change when a member changes a name', async () => {
    await share()
    const since = await position(bob)
    await alice.put(`/profile/${alice.userId}/displayname`, { displayname: 'Alice of Wonderland' })
    expect((await lists(bob, since)).changed).to.deep.equal([])
  })

  for (const way of ['leave', 'kick', 'ban'] as const) {
    it(`are left behind by ${way} from the last shared room, on both sides`, async () => {
      const first = await share()
      const last = await share()
      const out = (roomId: string) =>
        way === 'leave' ? bob.post(`/rooms/${roomId}/leave`) : alice.post(`/rooms/${roomId}/${way}`, { user_id: bob.userId })
      const [ofAlice, ofBob] = [await position(alice), await position(bob)]
      expect((await out(first)).status).to.equal(200)
      const [stillAlice, stillBob] = [await lists(alice, ofAlice), await lists(bob, ofBob)]
      expect([stillAlice.left, stillBob.left], 'one room is still shared').to.deep.equal([[], []])
      await out(last)
      expect((await lists(alice, stillAlice.next)).left).to.deep.equal([bob.userId])
      expect((await lists(bob, stillBob.next)).left).to.deep.equal([alice.userId])
    })
  }

  it('change for the signer alone when a user signs another', async () => {
    await share()
    const ofAlice = crossSigningKeysOf(alice.userId)
    const ofBob = crossSigningKeysOf(bob.userId)
    await alice.post('/keys/device_signing/upload', ofAlice.body)
    await bob.post('/keys/device_signing/upload', ofBob.body)
    const since = [await position(alice), await position(bob)] as const
    const signed = signAs(ofBob.body.master_key, alice.userId, ofAlice.userSigning.text, ofAlice.userSigning)
    await alice.post('/keys/signatures/upload', { [bob.userId]: { [ofBob.master.text]: signed } })
    expect((await lists(alice, since[0])).changed).to.deep.equal([bob.userId])
    expect((await lists(bob, since[1])).changed).to.deep.equal([])
  })

  it('are told between two tokens by keys/changes', async () => {
    const roomId = await share()
    const from = await position(bob)
    await uploadKeys(alice)
    const middle = await position(bob)
    await alice.post(`/rooms/${roomId}/leave`)
    const to = await position(bob)
    const changes = async (query: Record<string, string>) => (await bob.get('/keys/changes', { query })).body
    expect(await changes({ from: middle, to })).to.deep.equal({ changed: [], left: [alice.userId] })
    await join(alice, roomId)
    expect((await changes({ from, to }))['changed']).to.deep.equal([alice.userId])
    expect((await changes({ from: 'nonsense', to }))['errcode']).to.equal('M_INVALID_PARAM')
    expect((await changes({ to }))['errcode']).to.equal('M_MISSING_PARAM')
  })
}
