import { expect } from 'chai'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`unread counts in /sync on ${engine}`, () => {
    let server: TestServer
    let alice: TestUser
    let bob: TestUser
    let room: string
    let people = 0
    let sent = 0
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
      room = String((await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id)
      await bob.post(`/rooms/${room}/join`)
    })

    const say = async (more: object = {}, by = alice): Promise<string> =>
      (await by.put(`/rooms/${room}/send/m.room.message/${sent++}`, { msgtype: 'm.text', body: 'hello', ...more })).body.event_id
    const inThread = (rootId: string) => ({ 'm.relates_to': { rel_type: 'm.thread', event_id: rootId } })
    const mention = () => ({ 'm.mentions': { user_ids: [bob.userId] } })
    const read = (eventId: string, thread_id?: string) => bob.post(`/rooms/${room}/receipt/m.read/${eventId}`, { thread_id })
    const joined = async (filter: object = {}): Promise<Body> =>
      (await bob.get('/sync', { query: { filter: JSON.stringify(filter) } })).body.rooms.join[room]
    const threaded = { room: { timeline: { unread_thread_notifications: true } } }
    const numbers = (count: Body) => [count.notification_count, count.highlight_count]
    /** Without the filter; with it; and of the thread. */
    const counts = async (rootId: string) => {
      const [plain, apart] = [await joined(), await joined(threaded)]
      expect(plain).to.not.have.property('unread_thread_notifications')
      const threads = apart.unread_thread_notifications
      return [plain.unread_notifications, apart.unread_notifications, ...(threads ? [threads[rootId]] : [])].map(numbers)
    }

    it('are of the room, or of its main timeline and its threads, and go with the receipts of each', async () => {
      const rootId = await say()
      const first = await say(inThread(rootId))
      await say({ ...inThread(rootId), ...mention() })
      const last = await say(mention())
      const after = await say(inThread(rootId))
      expect(await counts(rootId)).to.deep.equal([
        [5, 2],
        [2, 1],
        [3, 1],
      ])
      await read(rootId, 'main')
      expect(await counts(rootId)).to.deep.equal([
        [4, 2],
        [1, 1],
        [3, 1],
      ])
      await read(first, rootId)
      expect(await counts(rootId)).to.deep.equal([
        [3, 2],
        [1, 1],
        [2, 1],
      ])
      await read(last)
      expect(await counts(rootId)).to.deep.equal([
        [1, 0],
        [0, 0],
        [1, 0],
      ])
      await read(after, rootId)
      expect(await counts(rootId)).to.deep.equal([
        [0, 0],
        [0, 0],
      ])
    })

    it('go with what one says oneself: in a thread that thread, outside all but the threads', async () => {
      const rootId = await say()
      await say(inThread(rootId))
      await say({}, bob)
      expect(await counts(rootId)).to.deep.equal([
        [1, 0],
        [0, 0],
        [1, 0],
      ])
      await say()
      await say(inThread(rootId), bob)
      expect(await counts(rootId)).to.deep.equal([
        [1, 0],
        [1, 0],
      ])
    })

    it('follow the rules as they are, redactions and those who are ignored', async () => {
      const rootId = await say(mention())
      const gone = await say(mention())
      expect(await counts(rootId)).to.deep.equal([
        [2, 2],
        [2, 2],
      ])
      await alice.put(`/rooms/${room}/redact/${gone}/${sent++}`, {})
      expect(await counts(rootId)).to.deep.equal([
        [1, 1],
        [1, 1],
      ])
      await bob.put(`/pushrules/global/override/${encodeURIComponent(room)}`, {
        conditions: [{ kind: 'event_match', key: 'room_id', pattern: room }],
        actions: [],
      })
      expect(await counts(rootId)).to.deep.equal([
        [0, 0],
        [0, 0],
      ])
      await bob.delete(`/pushrules/global/override/${encodeURIComponent(room)}`)
      expect(await counts(rootId)).to.deep.equal([
        [1, 1],
        [1, 1],
      ])
      await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: { [alice.userId]: {} } })
      expect(await counts(rootId)).to.deep.equal([
        [0, 0],
        [0, 0],
      ])
    })

    it('are told to a waiting sync as they change', async () => {
      const unseen = { set_presence: 'offline' }
      const { next_batch: since } = (await bob.get('/sync', { query: unseen })).body
      const waiting = bob.get('/sync', { query: { since, timeout: '170000', ...unseen } })
      await say(mention())
      const { rooms } = (await waiting).body
      expect(numbers(rooms.join[room].unread_notifications)).to.deep.equal([1, 1])
    })
  })
}
