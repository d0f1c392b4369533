import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import { typing } from '../../../server/typing/index.ts'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { putMember, type Speaking, speakAs } from '../edus.ts'

const bea = '@bea:elsewhere.test'

for (const engine of engines) {
  describe(`typing across servers on ${engine}`, () => {
    let server: TestServer | undefined
    let alice: TestUser
    let roomId: RoomId
    let speaking: Speaking
    before(async function () {
      server = await startServer({ engine })
      if (server === undefined) return this.skip()
      alice = await server.register('alice')
      roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
      await putMember(server, roomId, bea)
      await putMember(server, roomId, '@cem:other.test')
      speaking = speakAs(server, typing)
    })
    after(() => server?.close())

    /** Who types, as /sync has it from the beginning. */
    async function typists(): Promise<string[]> {
      const { body } = await alice.get('/sync')
      const events: Body[] = body.rooms.join[roomId].ephemeral.events
      return events.find(({ type }) => type === 'm.typing')?.content.user_ids ?? []
    }
    /** Who types is answered before it is known to all. */
    async function toldNext() {
      for (;;) {
        const told = await speaking.told()
        if (told.length > 0) return told
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    const hear = (content: object, origin = 'elsewhere.test') => speaking.receive('m.typing', content as never, origin)
    const saying = (of: object = {}) => ({ room_id: roomId, user_id: bea, typing: true, ...of })

    it('shows who types there, until they do no more', async () => {
      const since = (await alice.get('/sync')).body.next_batch
      const waiting = alice.get('/sync', { query: { since, timeout: '170000' } })
      await hear(saying())
      const { body } = await waiting
      expect(body.rooms.join[roomId].ephemeral.events).to.deep.equal([{ type: 'm.typing', content: { user_ids: [bea] } }])
      const again = alice.get('/sync', { query: { since: body.next_batch, timeout: '170000' } })
      await hear(saying({ typing: false }))
      expect((await again).body.rooms.join[roomId].ephemeral.events).to.deep.equal([{ type: 'm.typing', content: { user_ids: [] } }])
    })

    const ignored: Readonly<Record<string, [of: object, origin?: string]>> = {
      'of a user of another server': [{}, 'other.test'],
      'of a user of this server': [{ user_id: '@alice:hs.test' }],
      'of one who is not in the room': [{ user_id: '@nobody:elsewhere.test' }],
      'in a room that is not here': [{ room_id: '!elsewhere' }],
      'in what is no room': [{ room_id: { a: 1 } }],
      'of what is no user': [{ user_id: ['x'] }],
      'that says neither yes nor no': [{ typing: 'true' }],
    }
    for (const [words, [of, origin]] of Object.entries(ignored)) {
      it(`leaves out what is said ${words}`, async () => {
        await hear(saying(of), origin)
        expect(await typists()).to.deep.equal([])
      })
    }

    it('leaves out what a server says that the room keeps out', async () => {
      const deny = (list: string[]) => alice.put(`/rooms/${roomId}/state/m.room.server_acl/`, { allow: ['*'], deny: list })
      await deny(['ELSEWHERE.test'])
      await hear(saying())
      expect(await typists()).to.deep.equal([])
      await deny([])
    })

    it('tells the other servers of the room of who types here, and of nobody else', async () => {
      const type = (of: object) => alice.put(`/rooms/${roomId}/typing/${alice.userId}`, of)
      await speaking.told()
      await hear(saying())
      await type({ typing: true, timeout: 30_000 })
      await alice.get('/sync')
      const edu = (typing: boolean) => ({
        type: 'm.typing',
        content: { room_id: roomId, user_id: alice.userId, typing },
        servers: ['elsewhere.test', 'other.test'],
        key: `typing ${roomId} ${alice.userId}`,
      })
      expect(await toldNext()).to.deep.equal([edu(true)])
      await type({ typing: false })
      await alice.get('/sync')
      expect(await toldNext()).to.deep.equal([edu(false)])
      await hear(saying({ typing: false }))
    })

    it('tells nobody of a room that is on this server alone', async () => {
      const { body } = await alice.post('/createRoom')
      await alice.put(`/rooms/${body.room_id}/typing/${alice.userId}`, { typing: true })
      await alice.get('/sync')
      expect(await speaking.told()).to.deep.equal([])
    })
  })
}
