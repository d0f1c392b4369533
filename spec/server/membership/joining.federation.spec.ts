import { expect } from 'chai'
import { type Neighbours, startNeighbours } from '../../support/federation.ts'
import type { TestServer, TestUser } from '../../support/server.ts'

describe('joining a room of another server', () => {
  let neighbours: Neighbours
  let [here, there]: TestServer[] = []
  let [alice, bob]: TestUser[] = []

  before(async () => {
    neighbours = (await startNeighbours(2)) as Neighbours
    ;[here, there] = neighbours.servers
    alice = await here?.register('alice')
    bob = await there?.register('bob')
  })
  after(() => neighbours?.close())

  for (const version of ['1', '3', '6', '10', '11', '12']) {
    it(`takes over its state, in version ${version}`, async () => {
      const made = await alice!.post('/createRoom', {
        preset: 'public_chat',
        room_version: version,
        name: 'a room',
        room_alias_name: `v${version}`,
      })
      expect(made.status, made.text).to.equal(200)
      const room = made.body.room_id
      await alice!.put(`/rooms/${room}/send/m.room.message/1`, { msgtype: 'm.text', body: 'before' })
      const joined = await bob!.post(`/join/${encodeURIComponent(`#v${version}:${here!.config.server_name}`)}`, {})
      expect(joined.body, joined.text).to.deep.equal({ room_id: room })
      for (const user of [alice, bob]) {
        const { body } = await user!.get(`/rooms/${room}/joined_members`)
        expect(Object.keys(body.joined).sort()).to.deep.equal([alice!.userId, bob!.userId].sort())
      }
      const states = await Promise.all([alice, bob].map((user) => user!.get(`/rooms/${room}/state`)))
      const ids = states.map(({ body }) => body.map((event: { event_id: string }) => event.event_id).sort())
      expect(ids[1]).to.deep.equal(ids[0])
      const told = (await bob!.get('/sync')).body.rooms.join[room]
      const events = [...told.state.events, ...told.timeline.events].filter((event) => event.state_key !== undefined)
      expect(events.map((event: { event_id: string }) => event.event_id).sort(), 'the sync').to.deep.equal(ids[0])
    })
  }

  it('is refused in the words of the server that has the room', async () => {
    const { body } = await alice!.post('/createRoom', { preset: 'private_chat' })
    const refused = await bob!.post(`/join/${body.room_id}?via=${here!.config.server_name}`, {})
    expect(refused.status, refused.text).to.equal(403)
    expect(refused.body.errcode).to.equal('M_FORBIDDEN')
  })

  it('asks nobody for a room that nobody is named for', async () => {
    const refused = await bob!.post(`/join/!nobody:${here!.config.server_name}`, {})
    expect(refused.body.errcode).to.equal('M_NOT_FOUND')
  })
})
