import { expect } from 'chai'
import type { TestServer, TestUser } from '../../support/server.ts'
import { asToken, type FakeService, fakeService, ghost, registration, serverWith } from './fake-bridge.ts'

describe('asking an application service for what is not known', () => {
  let service: FakeService
  let server: TestServer
  let alice: TestUser
  let asked: string[]

  beforeEach(async () => {
    service = await fakeService()
    server = await serverWith(registration(service.url))
    alice = await server.register('alice')
    asked = []
    service.asked = async (id) => {
      asked.push(id)
      if (id.includes('_none')) return false
      if (id.startsWith('@')) await ghost(server, id.slice(1, id.indexOf(':')))
      else await server.as(asToken).post('/createRoom', { preset: 'public_chat', room_alias_name: id.slice(1, id.indexOf(':')) })
      return true
    }
  })
  afterEach(async () => {
    await server.close()
    await service.close()
  })
  const byAlias = (alias: string) => `/directory/room/${encodeURIComponent(alias)}`

  it('lets it make the ghost that somebody invites, with a room or into one', async () => {
    const made = await alice.post('/createRoom', { invite: ['@bridge_1:hs.test'], is_direct: true })
    expect(made.status).to.equal(200)
    const invited = await alice.post(`/rooms/${made.body['room_id']}/invite`, { user_id: '@bridge_2:hs.test' })
    expect(invited.status).to.equal(200)
    expect(asked).to.deep.equal(['@bridge_1:hs.test', '@bridge_2:hs.test'])
    const none = await alice.post(`/rooms/${made.body['room_id']}/invite`, { user_id: '@bridge_none:hs.test' })
    expect([none.status, none.body['errcode']]).to.deep.equal([404, 'M_NOT_FOUND'])
  })

  it('lets it make the room that somebody looks up or joins by an alias', async () => {
    expect((await alice.get(byAlias('#bridge_1:hs.test'))).status).to.equal(200)
    expect((await alice.post(`/join/${encodeURIComponent('#bridge_2:hs.test')}`)).status).to.equal(200)
    expect((await alice.get(byAlias('#bridge_2:hs.test'))).status).to.equal(200)
    expect(asked).to.deep.equal(['#bridge_1:hs.test', '#bridge_2:hs.test'])
    expect((await alice.get(byAlias('#bridge_none:hs.test'))).status).to.equal(404)
  })

  it('is not done outside its namespaces, for other servers, or when it asks itself', async () => {
    expect((await alice.get(byAlias('#other:hs.test'))).status).to.equal(404)
    // An alias of another server is that server's to tell, which is nowhere.
    expect((await alice.get(byAlias('#bridge_1:elsewhere.test'))).status).to.equal(502)
    const { body } = await alice.post('/createRoom', {})
    await alice.post(`/rooms/${body['room_id']}/invite`, { user_id: '@nobody:hs.test' })
    await server.as(asToken).post(`/join/${encodeURIComponent('#bridge_3:hs.test')}`)
    expect(asked).to.deep.equal([])
  })

  it('is no error when it cannot be reached', async () => {
    await service.close()
    expect((await alice.get(byAlias('#bridge_1:hs.test'))).status).to.equal(404)
  })
})
