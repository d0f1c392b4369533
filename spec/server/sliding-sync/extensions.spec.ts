import { expect } from 'chai'
import type { Database } from '../../../server/storage/database.ts'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { allRooms, slidingReader, slidingSyncPath, speaker } from './sliding-reader.ts'

const on = { enabled: true }

for (const engine of engines) {
  describe(`extensions of sliding sync on ${engine}`, () => {
    const { say, makeRoom } = speaker()
    let server: TestServer
    let alice: TestUser
    let bob: TestUser
    let transactions = 0

    before(async function () {
      const started = await startServer({ engine, config: { presence: { enabled: true } } })
      if (!started) return this.skip()
      server = started
    })
    after(() => server?.close())
    let people = 0
    beforeEach(async () => {
      alice = await server.register(`alice${people++}`)
      bob = await server.register(`bob${people++}`)
    })
    const send = (to: TestUser, n: number) =>
      bob.put(`/sendToDevice/x.note/d${transactions++}`, { messages: { [to.userId]: { [to.deviceId]: { n } } } })
    const notes = ({ extensions }: Body): number[] => extensions.to_device.events.map((event: Body) => event.content.n)

    describe('to_device', () => {
      const withSince = (since?: string, more: object = {}) => ({ extensions: { to_device: { ...on, since, ...more } } })

      it('gives messages until they are acknowledged, whatever becomes of the connection', async () => {
        await send(alice, 1)
        const reader = slidingReader(alice, { conn_id: 'encryption' })
        const first = await reader.next(withSince())
        expect(notes(first)).to.deep.equal([1])
        expect(first.extensions.to_device.events[0]).to.deep.equal({ type: 'x.note', sender: bob.userId, content: { n: 1 } })
        await send(alice, 2)
        expect(notes(await reader.next(withSince()))).to.deep.equal([1, 2])
        expect(notes(await slidingReader(alice).next(withSince()))).to.deep.equal([1, 2])
        const { next_batch: since } = first.extensions.to_device
        expect(notes(await reader.next(withSince(since)))).to.deep.equal([2])
        // What was acknowledged is gone, for an older token as well.
        expect(notes(await slidingReader(alice).next(withSince()))).to.deep.equal([2])
      })

      it('gives no more than was asked for, the oldest first', async () => {
        for (const n of [1, 2, 3]) await send(alice, n)
        const reader = slidingReader(alice)
        const first = await reader.next(withSince(undefined, { limit: 2 }))
        expect(notes(first)).to.deep.equal([1, 2])
        const second = await reader.next(withSince(first.extensions.to_device.next_batch, { limit: 2 }))
        expect(notes(second)).to.deep.equal([3])
        expect(notes(await reader.next(withSince(second.extensions.to_device.next_batch)))).to.deep.equal([])
      })

      it('wakes a connection without lists', async () => {
        const reader = slidingReader(alice, { conn_id: 'encryption' })
        const { next_batch: since } = (await reader.next(withSince())).extensions.to_device
        const poll = reader.next(withSince(since), { timeout: '170000' })
        await send(alice, 7)
        const answer = await poll
        expect(notes(answer)).to.deep.equal([7])
        expect(answer.rooms).to.deep.equal({})
      })

      it('refuses a token that it cannot have given', async () => {
        const { status, body } = await alice.post(slidingSyncPath, withSince('yesterday'))
        expect([status, body.errcode]).to.deep.equal([400, 'M_INVALID_PARAM'])
        await send(alice, 1)
        const { next_batch: next } = (await slidingReader(alice).next(withSince('999999999999999'))).extensions.to_device
        await send(alice, 2)
        expect(notes(await slidingReader(alice).next(withSince(next)))).to.deep.equal([2])
      })

      it('looks for a token that nobody has given out once, and only where another process could have', async () => {
        const database = server.server.home.database as { commit: Database['commit'] }
        const { commit } = database
        let looked = 0
        database.commit = (part) => {
          if (part.writes.length === 0 && part.log === undefined) looked++
          return commit(part)
        }
        try {
          const reader = slidingReader(alice)
          for (let polls = 0; polls < 3; polls++) await reader.next(withSince('999999999999999'))
        } finally {
          database.commit = commit
        }
        expect(looked).to.equal(engine === 'postgres' ? 1 : 0)
      })
    })

    describe('e2ee', () => {
      const e2ee = { extensions: { e2ee: on } }
      const oneTimeKey = { one_time_keys: { 'signed_curve25519:A': { key: 'k', signatures: {} } } }

      it('gives key counts, empty ones too, and is woken when they change', async () => {
        const reader = slidingReader(alice, e2ee)
        expect((await reader.next()).extensions.e2ee).to.deep.equal({
          device_one_time_keys_count: { signed_curve25519: 0 },
          device_unused_fallback_key_types: [],
        })
        const poll = reader.next({}, { timeout: '170000' })
        await alice.post('/keys/upload', oneTimeKey)
        expect((await poll).extensions.e2ee.device_one_time_keys_count).to.deep.equal({ signed_curve25519: 1 })
      })

      it('tells whose devices changed since the last answer, on this connection', async () => {
        const roomId = await makeRoom(alice)
        const reader = slidingReader(alice, e2ee)
        expect((await reader.next()).extensions.e2ee).not.to.have.property('device_lists')
        const poll = reader.next({}, { timeout: '170000' })
        await bob.post(`/join/${roomId}`)
        expect((await poll).extensions.e2ee.device_lists).to.deep.equal({ changed: [bob.userId], left: [] })
        expect((await reader.again()).extensions.e2ee.device_lists.changed).to.deep.equal([bob.userId])
        await bob.post(`/rooms/${roomId}/leave`)
        expect((await reader.next()).extensions.e2ee.device_lists).to.deep.equal({ changed: [], left: [bob.userId] })
        expect((await reader.next()).extensions.e2ee).not.to.have.property('device_lists')
      })
    })

    describe('account_data', () => {
      const accountData = { extensions: { account_data: on } }

      it('gives all that belongs to the account first, and of rooms what belongs to those shown', async () => {
        const [hidden, shown] = [await makeRoom(alice), await makeRoom(alice)]
        await alice.put(`/user/${alice.userId}/account_data/x.global`, { a: 1 })
        for (const roomId of [hidden, shown]) await alice.put(`/user/${alice.userId}/rooms/${roomId}/account_data/x.room`, { in: roomId })
        const reader = slidingReader(alice, { ...allRooms({ ranges: [[0, 0]] }), ...accountData })
        const { global, rooms } = (await reader.next()).extensions.account_data
        expect(global.map(({ type }: Body) => type)).to.have.members(['m.push_rules', 'x.global'])
        expect(rooms).to.deep.equal({ [shown]: [{ type: 'x.room', content: { in: shown } }] })

        const poll = reader.next({}, { timeout: '170000' })
        await alice.put(`/user/${alice.userId}/account_data/x.global`, { a: 2 })
        expect((await poll).extensions.account_data).to.deep.equal({ global: [{ type: 'x.global', content: { a: 2 } }] })
        await alice.put(`/user/${alice.userId}/rooms/${hidden}/account_data/x.room`, { new: true })
        expect((await reader.next()).extensions).to.deep.equal({})
        await say(alice, hidden, 'up')
        const later = (await reader.next()).extensions.account_data
        expect(later).to.deep.equal({ rooms: { [hidden]: [{ type: 'x.room', content: { new: true } }] } })
      })
    })

    describe('receipts', () => {
      const receipts = (scope: object = {}) => ({ extensions: { receipts: { ...on, ...scope } } })

      it('tells of a room first what belongs to its timeline, and one’s own; then what is new', async () => {
        const roomId = await makeRoom(alice)
        await bob.post(`/join/${roomId}`)
        const early = await say(alice, roomId, 'early')
        await bob.post(`/rooms/${roomId}/receipt/m.read/${early}`)
        await alice.post(`/rooms/${roomId}/receipt/m.read.private/${early}`)
        const late = await say(alice, roomId, 'late')
        const reader = slidingReader(alice, { ...allRooms({ timeline_limit: 1 }), ...receipts() })
        const first = (await reader.next()).extensions.receipts.rooms[roomId]
        expect(first.type).to.equal('m.receipt')
        expect(Object.keys(first.content)).to.deep.equal([early])
        expect(Object.keys(first.content[early])).to.deep.equal(['m.read.private'])
        const poll = reader.next({}, { timeout: '170000' })
        await bob.post(`/rooms/${roomId}/receipt/m.read/${late}`)
        expect(Object.keys((await poll).extensions.receipts.rooms[roomId].content[late]['m.read'])).to.deep.equal([bob.userId])
        const anew = slidingReader(alice, { ...allRooms({ timeline_limit: 1 }), ...receipts({ rooms: ['*'], lists: [] }) })
        expect((await anew.next()).extensions).to.deep.equal({})
      })

      it('does not tell others what somebody reads in private', async () => {
        const roomId = await makeRoom(alice)
        await bob.post(`/join/${roomId}`)
        const eventId = await say(alice, roomId, 'hello')
        await bob.post(`/rooms/${roomId}/receipt/m.read.private/${eventId}`)
        expect((await slidingReader(alice, { ...allRooms(), ...receipts() }).next()).extensions).to.deep.equal({})
      })

      it('tells what was read while a room was out of view', async () => {
        const [first, second] = [await makeRoom(alice), await makeRoom(alice)]
        await bob.post(`/join/${first}`)
        const eventId = await say(alice, first, 'read me')
        const reader = slidingReader(alice, { ...allRooms({ ranges: [[0, 0]], timeline_limit: 1 }), ...receipts() })
        await reader.next()
        await say(alice, second, 'up')
        await reader.next()
        await bob.post(`/rooms/${first}/receipt/m.read/${eventId}`)
        expect((await reader.next()).extensions).to.deep.equal({})
        await say(alice, first, 'back')
        expect(Object.keys((await reader.next()).extensions.receipts.rooms[first].content)).to.deep.equal([eventId])
      })
    })

    describe('typing', () => {
      it('tells who types in the rooms of its scope', async () => {
        const [listed, subscribed] = [await makeRoom(alice), await makeRoom(alice)]
        for (const roomId of [listed, subscribed]) await bob.post(`/join/${roomId}`)
        const reader = slidingReader(alice, {
          lists: { one: { ranges: [[0, 9]], timeline_limit: 0, filters: { tags: ['u.one'] } } },
          room_subscriptions: { [subscribed]: { timeline_limit: 0 } },
          extensions: { typing: { ...on, lists: [], rooms: [subscribed] } },
        })
        await alice.put(`/user/${alice.userId}/rooms/${listed}/tags/u.one`, {})
        expect((await reader.next()).extensions).to.deep.equal({})
        const poll = reader.next({}, { timeout: '170000' })
        for (const roomId of [listed, subscribed]) await bob.put(`/rooms/${roomId}/typing/${bob.userId}`, { typing: true })
        const event = { type: 'm.typing', content: { user_ids: [bob.userId] } }
        expect((await poll).extensions.typing).to.deep.equal({ rooms: { [subscribed]: event } })
      })
    })

    it('are not needed to be seen as one wants to be', async () => {
      const roomId = await makeRoom(alice)
      await bob.post(`/join/${roomId}`)
      const seen = async () => (await bob.get(`/presence/${alice.userId}/status`)).body.presence
      const reader = slidingReader(alice)
      await reader.next({}, { set_presence: 'offline' })
      expect(await seen()).to.equal('offline')
      await reader.next({}, { set_presence: 'unavailable' })
      expect(await seen()).to.equal('unavailable')
      await reader.next()
      expect(await seen()).to.equal('online')
    })

    it('say nothing unless they are on', async () => {
      await send(alice, 1)
      const extensions = { to_device: {}, e2ee: { enabled: false }, account_data: {}, receipts: {}, typing: {}, 'x.unknown': on }
      expect((await slidingReader(alice, { ...allRooms(), extensions }).next()).extensions).to.deep.equal({})
    })
  })
}
