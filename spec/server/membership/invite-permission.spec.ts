import { expect } from 'chai'
import { type Engine, engines, type TestServer, type TestUser } from '../../support/server.ts'
import { playPushScene, pusher, startPushing } from '../push/push-scene.ts'
import { slidingReader } from '../sliding-sync/sliding-reader.ts'

for (const engine of engines) describe(`the invite permission on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let people = 0
  before(async function () {
    const started = await startPushing(engine)
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`inviter${people}`)
    bob = await server.register(`invitee${people++}`)
  })

  const newRoom = async (more: object = {}) => (await alice.post('/createRoom', more)).body.room_id as string
  const set = async (type: string, content: object) =>
    expect((await bob.put(`/user/${bob.userId}/account_data/${type}`, content)).status).to.equal(200)
  const rules = (content: object) => set('org.matrix.msc4155.invite_permission_config', content)
  const invite = (roomId: string) => alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
  const invitations = async () => Object.keys((await bob.get('/sync')).body.rooms?.invite ?? {})
  const listed = async () => {
    const list = { ranges: [[0, 19]], timeline_limit: 1, required_state: [] }
    return Object.keys((await slidingReader(bob, { lists: { all: list } }).next()).rooms)
  }

  it('that blocks all refuses them in every way there is to invite', async () => {
    const roomId = await newRoom()
    await set('m.invite_permission_config', { default_action: 'block' })
    const state = `/rooms/${roomId}/state/m.room.member/${bob.userId}`
    const tries = [invite(roomId), alice.put(state, { membership: 'invite' }), alice.post('/createRoom', { invite: [bob.userId] })]
    for (const { status, body } of await Promise.all(tries)) expect([status, body.errcode]).to.deep.equal([403, 'M_INVITE_BLOCKED'])
    expect(await invitations()).to.deep.equal([])
    await set('m.invite_permission_config', {})
    expect((await invite(roomId)).status).to.equal(200)
    expect(await invitations()).to.deep.equal([roomId])
  })

  it('that blocks later hides what came before, and shows it when it ends', async () => {
    const roomId = await newRoom({ invite: [bob.userId] })
    await set('m.invite_permission_config', { default_action: 'block' })
    expect([await invitations(), await listed()]).to.deep.equal([[], []])
    await set('m.invite_permission_config', {})
    expect([await invitations(), await listed()]).to.deep.equal([[roomId], [roomId]])
  })

  it('that blocks a server lets in the one who is allowed', async () => {
    const roomId = await newRoom()
    await rules({ blocked_servers: ['hs.*'] })
    expect((await invite(roomId)).body.errcode).to.equal('M_INVITE_BLOCKED')
    await rules({ blocked_servers: ['hs.*'], allowed_users: [alice.userId] })
    expect((await invite(roomId)).status).to.equal(200)
  })

  it('that ignores somebody tells neither them nor, anywhere, the invited', async () => {
    const roomId = await newRoom()
    await rules({ ignored_users: [alice.userId] })
    expect((await invite(roomId)).status).to.equal(200)
    expect([await invitations(), await listed()]).to.deep.equal([[], []])
    const subscription = { conn_id: 'other', room_subscriptions: { [roomId]: { timeline_limit: 1, required_state: [] } } }
    expect((await slidingReader(bob, subscription).next()).rooms).to.deep.equal({})
    expect((await alice.get(`/rooms/${roomId}/state/m.room.member/${bob.userId}`)).body.membership).to.equal('invite')
    expect((await bob.post(`/join/${roomId}`)).status).to.equal(200)
  })

  it('is kept by pushers too', async () => {
    const scene = await playPushScene(server)
    try {
      await bob.post('/pushers/set', pusher(scene.gateway))
      await rules({ ignored_users: [alice.userId] })
      await newRoom({ invite: [bob.userId] })
      const heard = (await scene.alice.post('/createRoom', { invite: [bob.userId] })).body.room_id
      const [told] = await scene.gateway.took(1)
      expect(told.room_id).to.equal(heard)
    } finally {
      await scene.close()
    }
  })

  it('is announced', async () => {
    const { unstable_features } = (await bob.get('/_matrix/client/versions')).body
    expect(unstable_features).to.include({ 'org.matrix.msc4155': true, 'org.matrix.msc4380.stable': true })
  })
}
