import { expect } from 'chai'
import { startServer } from '../../support/server.ts'

describe('one event by its id alone', () => {
  it('is shown to those who may see it', async () => {
    const server = await startServer()
    try {
      const [alice, bob] = [await server.register('alice'), await server.register('bob')]
      const { room_id } = (await alice.post('/createRoom', {})).body
      const { event_id } = (await alice.put(`/rooms/${room_id}/send/m.room.message/1`, { body: 'x' })).body
      expect((await alice.get(`/events/${event_id}`)).body).to.deep.include({ event_id, room_id, content: { body: 'x' } })
      for (const asked of [bob.get(`/events/${event_id}`), alice.get('/events/$none')])
        expect((await asked).body.errcode).to.equal('M_NOT_FOUND')
      expect((await alice.get('/events/none')).status).to.equal(400)
    } finally {
      await server.close()
    }
  })
})
