import { expect } from 'chai'
import { type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { asToken, registration } from '../appservice/fake-bridge.ts'

for (const engine of engines) describe(`the directories of networks on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let roomId: string
  before(async function () {
    const started = await startServer({ engine, config: { appservice_files: [registration(null)] } })
    if (!started) return this.skip()
    server = started
    alice = await server.register('alice')
  })
  after(() => server?.close())
  beforeEach(async () => {
    roomId = (await alice.post('/createRoom', { preset: 'public_chat', name: 'Bridged' })).body.room_id
  })

  const listPath = (id = roomId, network = 'irc') => `/directory/list/appservice/${network}/${encodeURIComponent(id)}`
  const show = (visibility: unknown) => server.as(asToken).put(listPath(), { visibility })
  const rooms = async (question: object) =>
    (await alice.post('/publicRooms', question)).body.chunk.map(({ room_id }: { room_id: string }) => room_id)
  const irc = { third_party_instance_id: 'bridge|irc' }
  const code = ({ status, body }: { status: number; body: { errcode?: string } }) => [status, body.errcode]

  it('hold what their application service lists, until it takes it out', async () => {
    expect((await show('public')).status).to.equal(200)
    expect((await show('public')).status).to.equal(200)
    expect(await rooms(irc)).to.deep.equal([roomId])
    expect(await rooms({ third_party_instance_id: 'bridge|xmpp' })).to.deep.equal([])
    expect(await rooms({})).to.deep.equal([])
    expect(await rooms({ include_all_networks: true })).to.deep.equal([roomId])
    expect((await show('private')).status).to.equal(200)
    expect(await rooms({ include_all_networks: true })).to.deep.equal([])
  })

  it("go on with a room's replacement", async () => {
    await show('public')
    const { replacement_room } = (await alice.post(`/rooms/${roomId}/upgrade`, { new_version: '11' })).body
    expect(await rooms(irc)).to.deep.equal([replacement_room])
    roomId = replacement_room
    await show('private')
  })

  it('are closed to users, and take rooms that there are', async () => {
    expect(code(await alice.put(listPath(), { visibility: 'public' }))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await show('hidden'))).to.deep.equal([400, 'M_BAD_JSON'])
    const service = server.as(asToken)
    expect(code(await service.put(listPath('!none:hs.test'), { visibility: 'public' }))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(code(await service.put(listPath(roomId, 'x'.repeat(256)), { visibility: 'public' }))).to.deep.equal([400, 'M_INVALID_PARAM'])
    const both = { ...irc, include_all_networks: true }
    expect(code(await alice.post('/publicRooms', both))).to.deep.equal([400, 'M_INVALID_PARAM'])
  })
}
