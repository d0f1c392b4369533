import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import { receipts } from '../../../server/receipts/index.ts'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { putMember, type Speaking, speakAs } from '../edus.ts'

const bea = '@bea:elsewhere.test'

for (const engine of engines) {
  describe(`receipts across servers on ${engine}`, () => {
    let server: TestServer | undefined
    let alice: TestUser
    let roomId: RoomId
    let speaking: Speaking
    const sent: string[] = []
    before(async function () {
      server = await startServer({ engine })
      if (server === undefined) return this.skip()
      alice = await server.register('alice')
      roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
      await putMember(server, roomId, bea)
      for (let n = 0; n < 3; n++) sent.push((await alice.put(`/rooms/${roomId}/send/m.room.message/${n}`, { body: 'x' })).body.event_id)
      speaking = speakAs(server, receipts)
    })
    after(() => server?.close())

    /** Where somebody's receipts are, as /sync has it from the beginning. */
    async function read(userId: string): Promise<Body[]> {
      const { body } = await alice.get('/sync')
      const events: Body[] = body.rooms.join[roomId].ephemeral.events
      const content: Body = events.find(({ type }) => type === 'm.receipt')?.content ?? {}
      return Object.entries(content).flatMap(([eventId, types]: [string, Body]) => {
        const of = types['m.read']?.[userId]
        return of === undefined ? [] : [{ eventId, ...of }]
      })
    }
    const receipt = (of: object = {}) => ({ event_ids: [sent[0]], data: { ts: 5 }, ...of })
    const hear = (users: object, origin = 'elsewhere.test', room: string = roomId, type = 'm.read') =>
      speaking.receive('m.receipt', { [room]: { [type]: users } } as never, origin)

    const ignored: Readonly<Record<string, () => Promise<void>>> = {
      'of a user of another server': () => hear({ [bea]: receipt() }, 'other.test'),
      'of one who is not in the room': () => hear({ '@nobody:elsewhere.test': receipt() }),
      'in a room that is not here': () => hear({ [bea]: receipt() }, undefined, '!elsewhere'),
      'in private': () => hear({ [bea]: receipt() }, undefined, undefined, 'm.read.private'),
      'of no event': () => hear({ [bea]: receipt({ event_ids: [] }) }),
      'of what is no event': () => hear({ [bea]: receipt({ event_ids: [7] }) }),
      'in what is no thread': () => hear({ [bea]: receipt({ data: { thread_id: 'x' } }) }),
      'in a thread that the event is not in': () => hear({ [bea]: receipt({ data: { thread_id: '$other' } }) }),
      'without a form': () => hear({ [bea]: 'x' }),
      'of an event of another room': async () => {
        const other = (await alice.post('/createRoom')).body.room_id
        const { body } = await alice.put(`/rooms/${other}/send/m.room.message/1`, { body: 'x' })
        await hear({ [bea]: receipt({ event_ids: [body.event_id] }) })
      },
    }
    for (const [words, say] of Object.entries(ignored)) {
      it(`leave out what is said ${words}`, async () => {
        await say()
        expect(await read(bea)).to.deep.equal([])
        expect(await read('@nobody:elsewhere.test')).to.deep.equal([])
      })
    }

    it('leave out what is no receipt, and take what is', async () => {
      await speaking.receive('m.receipt', { x: 1, [roomId]: [], '!other': { 'm.read': null } } as never, 'elsewhere.test')
      await hear({ '@cem:other.test': receipt(), [bea]: receipt() })
      expect(await read(bea)).to.deep.equal([{ eventId: sent[0], ts: 5 }])
      expect(await read('@cem:other.test')).to.deep.equal([])
    })

    it('move forwards only, in threads and out of them', async () => {
      await hear({ [bea]: receipt({ event_ids: [sent[2]] }) })
      await hear({ [bea]: receipt({ event_ids: [sent[1]] }) })
      expect(await read(bea)).to.deep.equal([{ eventId: sent[2], ts: 5 }])
      await hear({ [bea]: receipt({ event_ids: [sent[1]], data: { ts: 6, thread_id: 'main' } }) })
      const both = await read(bea)
      expect(both).to.have.deep.members([
        { eventId: sent[2], ts: 5 },
        { eventId: sent[1], ts: 6, thread_id: 'main' },
      ])
    })

    it('have no times of the future, nor any that are none', async () => {
      for (const ts of [Number.MAX_SAFE_INTEGER, 'x', null, -1]) {
        const { body } = await alice.put(`/rooms/${roomId}/send/m.room.message/${ts}`, { body: 'x' })
        await hear({ [bea]: receipt({ event_ids: [body.event_id], data: { ts } }) })
        const at = (await read(bea)).find(({ eventId }) => eventId === body.event_id).ts
        expect(at).to.be.at.least(0).and.at.most(Date.now())
      }
    })

    it('tell the other servers of the room what was read here in public', async () => {
      await speaking.told()
      const mark = (type: string, of: object = {}) => alice.post(`/rooms/${roomId}/receipt/${type}/${sent[1]}`, of)
      await mark('m.read.private')
      await mark('m.fully_read')
      await mark('m.read')
      await mark('m.read', { thread_id: 'main' })
      await hear({ [bea]: receipt() })
      const told = await speaking.told()
      const times = told.map(({ content }) => (content as Body)[roomId]['m.read'][alice.userId].data.ts)
      const edu = (ts: number, thread: string, data: object) => ({
        type: 'm.receipt',
        content: { [roomId]: { 'm.read': { [alice.userId]: { event_ids: [sent[1]], data: { ts, ...data } } } } },
        servers: ['elsewhere.test'],
        key: `receipt ${roomId} ${alice.userId} ${thread}`,
      })
      expect(told).to.deep.equal([edu(times[0], '', {}), edu(times[1], 'main', { thread_id: 'main' })])
    })
  })
}
