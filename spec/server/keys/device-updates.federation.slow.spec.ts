import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import { crossSigningKeysOf, deviceKeysOf, signAs } from '../../support/device-keys.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { edusOf } from '../../support/peers/edus.ts'
import { setMembership } from '../../support/peers/joined-peer.ts'
import { type Body, type Engine, engines, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`what other servers hear of devices on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let among: AmongPeers
  let [near, far]: Peer[] = []
  let alice: TestUser
  let roomId: RoomId
  let people = 0
  before(async function () {
    const started = await startServerWithPeers(2, { engine })
    if (!started) return this.skip()
    among = started
    ;[near, far] = started.peers as [Peer, Peer]
  })
  after(() => among?.close())

  const makeRoom = async (user: TestUser): Promise<RoomId> => (await user.post('/createRoom', { preset: 'public_chat' })).body.room_id
  beforeEach(async () => {
    alice = await among.server.register(`alice${++people}`)
    roomId = await makeRoom(alice)
    await setMembership(among.server, near!, roomId, 'join')
  })

  const told = async (peer: Peer, act: () => Promise<unknown>): Promise<Body[]> => {
    const edus = edusOf(among.server)
    const after = edus.position()
    await act()
    return (await edus.told(peer.serverName, after)) as Body[]
  }
  const upload = (user: TestUser) => user.post('/keys/upload', { device_keys: deviceKeysOf(user).json })
  const addDevice = async (user: TestUser): Promise<TestUser> => {
    const identifier = { type: 'm.id.user', user: user.userId }
    const { body } = await among.server.anonymous.post('/login', { type: 'm.login.password', identifier, password: user.password })
    return { ...among.server.as(body.access_token), ...user, token: body.access_token, deviceId: body.device_id }
  }
  const as = (user: TestUser) => among.server.as(user.token)

  it('is every change, each with the one before it, to servers that share a room alone', async () => {
    const { body: before } = await near!.ask(among.server, 'GET', `/_matrix/federation/v1/user/devices/${alice.userId}`)
    let second: TestUser | undefined
    const all = async () => {
      await upload(alice)
      second = await addDevice(alice)
      await as(second).post('/keys/upload', { device_keys: deviceKeysOf(second).json })
      await as(second).post('/logout')
    }
    const edus = await told(near!, all)
    expect(edus.map(({ edu_type }) => edu_type)).to.deep.equal(Array(4).fill('m.device_list_update'))
    const contents = edus.map(({ content }) => content)
    expect(contents.map(({ device_id }) => device_id)).to.deep.equal([alice, second, second, second].map((one) => one!.deviceId))
    expect(contents[0]).to.deep.include({ user_id: alice.userId, keys: deviceKeysOf(alice).json, prev_id: [before.stream_id] })
    for (const [at, { prev_id }] of contents.entries()) if (at > 0) expect(prev_id).to.deep.equal([contents[at - 1].stream_id])
    expect(contents[3]).to.deep.include({ deleted: true }).and.not.to.have.property('keys')
    const { body: after } = await near!.ask(among.server, 'GET', `/_matrix/federation/v1/user/devices/${alice.userId}`)
    expect(after.stream_id).to.equal(contents[3].stream_id)
    expect(await told(far!, all)).to.deep.equal([])
  })

  it('is the names of devices nowhere', async () => {
    await upload(alice)
    const edus = await told(near!, () => alice.put(`/devices/${alice.deviceId}`, { display_name: 'A telling name' }))
    expect(edus).to.have.length(1)
    expect(JSON.stringify(edus)).not.to.include('A telling name')
  })

  it('is cross-signing keys, but for what is the user’s alone, and signatures on devices', async () => {
    await upload(alice)
    const { body: keys, selfSigning } = crossSigningKeysOf(alice.userId)
    const [edu, ...more] = await told(near!, () => alice.post('/keys/device_signing/upload', keys))
    expect(more).to.deep.equal([])
    expect(edu.edu_type).to.equal('m.signing_key_update')
    expect(Object.keys(edu.content).sort()).to.deep.equal(['master_key', 'self_signing_key', 'user_id'])
    expect(edu.content.self_signing_key).to.deep.include(keys.self_signing_key)
    const signed = signAs(deviceKeysOf(alice).json, alice.userId, selfSigning.text, selfSigning)
    const sign = () => alice.post('/keys/signatures/upload', { [alice.userId]: { [alice.deviceId]: signed } })
    const [update] = await told(near!, sign)
    expect(update).to.deep.include({ edu_type: 'm.device_list_update' })
    expect(update.content.keys.signatures).to.deep.equal(signed.signatures)
  })

  it('is not whom a user signed', async () => {
    const bob = await among.server.register(`bob${people}`)
    for (const user of [alice, bob]) await user.post('/keys/device_signing/upload', crossSigningKeysOf(user.userId).body)
    const { userSigning } = crossSigningKeysOf(alice.userId)
    const { master_key, ...rest } = crossSigningKeysOf(bob.userId).body
    expect(Object.keys(rest)).to.have.length(2)
    const signed = signAs(master_key, alice.userId, userSigning.text, userSigning)
    const master = Object.values(master_key.keys)[0]!
    const sign = () => alice.post('/keys/signatures/upload', { [bob.userId]: { [master]: signed } })
    expect(await told(near!, sign)).to.deep.equal([])
    const { text } = await near!.ask(among.server, 'POST', '/_matrix/federation/v1/user/keys/query', { device_keys: { [bob.userId]: [] } })
    expect(text).to.include(master).and.not.to.include(alice.userId)
  })

  it('is the last change, for a server that comes into a room', async () => {
    await upload(alice)
    const edus = await told(far!, () => setMembership(among.server, far!, roomId, 'join'))
    expect(edus.map(({ content }) => [content.user_id, content.device_id])).to.deep.equal([[alice.userId, alice.deviceId]])
    const [{ content }] = edus
    expect(content.prev_id, 'it follows itself: it is no news').to.deep.equal([content.stream_id])
    expect(await told(near!, async () => {})).to.deep.equal([])
    const second = await told(far!, () => setMembership(among.server, far!, roomId, 'join', 'carol'))
    expect(second, 'for its second user').to.deep.equal([])
    const other = await makeRoom(alice)
    const again = await told(far!, () => setMembership(among.server, far!, other, 'join'))
    expect(again, 'where it shares a room already').to.deep.equal([])
  })

  it('is the last change, for the servers of a room that a user comes into', async () => {
    const dora = await among.server.register(`dora${people}`)
    await upload(dora)
    const edus = await told(near!, () => dora.post(`/join/${roomId}`))
    expect(edus.map(({ content }) => content.user_id)).to.deep.equal([dora.userId])
    expect(edus[0].content.keys).to.deep.equal(deviceKeysOf(dora).json)
  })

  it('is nothing any more once no room is shared', async () => {
    await setMembership(among.server, near!, roomId, 'leave')
    expect(await told(near!, () => upload(alice))).to.deep.equal([])
  })
}
