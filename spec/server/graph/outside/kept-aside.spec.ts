import { expect } from 'chai'
import type { EventId, RoomId, UserId } from '../../../../server/core/ids.ts'
import type { OutsideNote } from '../../../../server/graph/graph.ts'
import { rowWrite } from '../../../../server/graph/outside/outside.ts'
import { createHomeserver } from '../../../../server/homeserver.ts'
import { createLog } from '../../../../server/http/log.ts'
import { statement } from '../../../../server/storage/database.ts'
import { engines, startServer, type TestServer, type TestUser } from '../../../support/server.ts'

const day = 24 * 3_600_000
const selectKept = statement<[roomId: string], { user_id: string }>('SELECT user_id FROM outside_memberships WHERE room_id = ?')

for (const engine of engines) {
  describe(`an invitation that comes ahead of the end of this server's stay in a room (${engine})`, () => {
    let here: TestServer
    let alice: TestUser
    let bob: TestUser
    let room: RoomId
    let people = 0

    before(async function () {
      const started = await startServer({ engine })
      if (started === undefined) return this.skip()
      here = started
    })
    after(() => here?.close())
    beforeEach(async () => {
      alice = await here.register(`alice${people}`)
      bob = await here.register(`bob${people++}`)
      room = (await alice.post('/createRoom', { preset: 'private_chat' })).body.room_id
    })

    const invitation = (age = 0): OutsideNote => ({
      userId: bob.userId,
      roomId: room,
      version: '12',
      event: {
        eventId: `$invitation${people}` as EventId,
        pdu: {
          type: 'm.room.member',
          room_id: room,
          sender: '@carol:elsewhere.test' as UserId,
          state_key: bob.userId,
          content: { membership: 'invite' },
          auth_events: [],
          prev_events: [],
          depth: 100,
          origin_server_ts: Date.now() - age,
          hashes: { sha256: '' },
          signatures: {},
        },
      },
      servers: ['elsewhere.test'],
      state: [{ type: 'm.room.name', state_key: '', sender: '@carol:elsewhere.test', content: { name: 'Elsewhere' } }],
    })
    const leave = () => here.as(alice.token).post(`/rooms/${room}/leave`)
    const invited = async () => {
      const reader = here.as(bob.token)
      let since: string | undefined
      for (;;) {
        const { body } = await reader.get('/sync', { query: since === undefined ? {} : { since, timeout: '30000' } })
        if (body.rooms?.invite?.[room] !== undefined) return
        since = body.next_batch
      }
    }
    const kept = async () => (await here.server.home.database.select(selectKept, room)).length

    it('is told when the last of its users leaves the room', async () => {
      await here.server.graph.outside.note(invitation())
      expect((await bob.get('/sync')).body.rooms?.invite).to.equal(undefined)
      await leave()
      await invited()
    })

    it('is told after a restart, where the server ended before it was', async () => {
      await leave()
      await here.server.home.database.commit({ writes: [rowWrite(invitation())] })
      here = await here.restart()
      await invited()
    })

    it('is told when the stay ends after a restart', async () => {
      await here.server.graph.outside.note(invitation())
      here = await here.restart()
      await leave()
      await invited()
    })

    it('is forgotten in time, where the stay goes on', async () => {
      await here.server.graph.outside.note(invitation(8 * day))
      const one = await here.register(`dora${people}`)
      const young = { ...invitation(), userId: one.userId }
      await here.server.graph.outside.note(young)
      expect(await kept()).to.equal(2)
      here = await here.restart()
      while ((await kept()) > 1) await new Promise((resolve) => setImmediate(resolve))
      expect(await here.server.home.database.select(selectKept, room)).to.deep.equal([{ user_id: one.userId }])
    })

    if (engine === 'postgres') {
      for (const when of ['early', 'late'])
        it(`is told by the process that it came to, ${when === 'late' ? 'after' : 'before'} another one ended the stay`, async () => {
          const log = createLog({ level: 'error', format: 'text', write: () => undefined })
          const other = await createHomeserver(here.config, { log })
          const { promise: held, resolve: release } = Promise.withResolvers<void>()
          try {
            await other.graph.room(room)
            if (when === 'early') await other.graph.outside.note(invitation())
            other.home.notifier.beforeAdvance(() => held)
            await leave()
            const noted = when === 'late' ? other.graph.outside.note(invitation()) : undefined
            release()
            await noted
            await invited()
          } finally {
            release()
            await other.close()
          }
        })
    }
  })
}
