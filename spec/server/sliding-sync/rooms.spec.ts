import { expect } from 'chai'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { allRooms, bodiesIn, slidingReader, speaker } from './sliding-reader.ts'

const typesIn = (events: Body[] = []): string[] => events.map((event: Body) => `${event.type} ${event.state_key}`).sort()

for (const engine of engines) {
  describe(`rooms in sliding sync on ${engine}`, () => {
    const { say, makeRoom } = speaker()
    let server: TestServer
    let alice: TestUser
    let bob: TestUser
    let carol: TestUser

    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
    })
    after(() => server?.close())
    let people = 0
    beforeEach(async () => {
      alice = await server.register(`alice${people++}`)
      bob = await server.register(`bob${people++}`)
      carol = await server.register(`carol${people++}`)
    })
    const memberOf = (user: TestUser) => `m.room.member ${user.userId}`

    it('come with the members of the timeline, oneself and wildcards, as asked', async () => {
      const roomId = await makeRoom(alice)
      for (const user of [bob, carol]) await user.post(`/join/${roomId}`)
      await alice.put(`/rooms/${roomId}/state/m.space.child/!a:hs.test`, { via: ['hs.test'] })
      await alice.put(`/rooms/${roomId}/state/m.space.child/!b:hs.test`, { via: ['hs.test'] })
      await say(bob, roomId, 'hello')
      const required_state = [
        ['m.room.member', '$LAZY'],
        ['m.room.member', '$ME'],
        ['m.space.child', '*'],
      ]
      const reader = slidingReader(alice, allRooms({ timeline_limit: 1, required_state }))
      const { [roomId]: first } = (await reader.next()).rooms
      const children = ['m.space.child !a:hs.test', 'm.space.child !b:hs.test']
      expect(typesIn(first.required_state)).to.deep.equal([memberOf(alice), memberOf(bob), ...children].sort())

      await say(bob, roomId, 'again')
      expect((await reader.next()).rooms[roomId]).not.to.have.property('required_state')
      await say(carol, roomId, 'me too')
      expect(typesIn((await reader.next()).rooms[roomId].required_state)).to.deep.equal([memberOf(carol)])
      await alice.put(`/rooms/${roomId}/state/m.space.child/!b:hs.test`, {})
      const { [roomId]: next } = (await reader.next()).rooms
      expect(next.required_state.map((event: Body) => [event.state_key, event.content])).to.deep.equal([['!b:hs.test', {}]])
      await bob.post(`/rooms/${roomId}/leave`)
      const { [roomId]: last } = (await reader.next()).rooms
      expect(typesIn(last.required_state)).to.deep.equal([memberOf(bob)])
      expect(last.joined_count).to.equal(2)
    })

    it('tell over a gap the state that changed in it, the members of what is shown, and those named', async () => {
      const roomId = await makeRoom(alice, { name: 'Old' })
      await bob.post(`/join/${roomId}`)
      const required_state = [
        ['m.room.topic', ''],
        ['m.room.member', '$LAZY'],
        ['m.room.member', carol.userId],
      ]
      const reader = slidingReader(alice, allRooms({ timeline_limit: 2, required_state }))
      await reader.next()
      await alice.put(`/rooms/${roomId}/state/m.room.topic`, { topic: 'first' })
      await alice.put(`/rooms/${roomId}/state/m.room.topic`, { topic: 'last' })
      await alice.put(`/rooms/${roomId}/state/m.room.name`, {})
      await carol.post(`/join/${roomId}`)
      for (const body of ['1', '2', '3']) await say(bob, roomId, body)
      const { [roomId]: room } = (await reader.next()).rooms
      expect(bodiesIn(room)).to.deep.equal(['2', '3'])
      expect(room).to.deep.include({ limited: true, num_live: 2, name: null, joined_count: 3 })
      expect(typesIn(room.required_state)).to.deep.equal([memberOf(bob), memberOf(carol), 'm.room.topic '])
      expect(room.required_state.find(({ type }: Body) => type === 'm.room.topic').content.topic).to.equal('last')
      expect(room.heroes.map((hero: Body) => hero.user_id)).to.have.members([bob.userId, carol.userId])
    })

    it('are called by a few of their members when they have no name', async () => {
      await bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'Bob' })
      const roomId = await makeRoom(alice)
      await bob.post(`/join/${roomId}`)
      const reader = slidingReader(alice, allRooms())
      expect((await reader.next()).rooms[roomId].heroes).to.deep.equal([{ user_id: bob.userId, displayname: 'Bob' }])
      await alice.put(`/rooms/${roomId}/state/m.room.name`, { name: 'Named' })
      await alice.put(`/rooms/${roomId}/state/m.room.avatar`, { url: 'mxc://hs.test/a' })
      const { [roomId]: room } = (await reader.next()).rooms
      expect(room).to.deep.include({ name: 'Named', avatar: 'mxc://hs.test/a' })
      expect(room).not.to.have.property('heroes')
    })

    it('are told as direct chats, also when that changes alone', async () => {
      const roomId = await makeRoom(alice)
      const direct = (content: object) => alice.put(`/user/${alice.userId}/account_data/m.direct`, content)
      const reader = slidingReader(alice, allRooms())
      expect((await reader.next()).rooms[roomId]).not.to.have.property('is_dm')
      const poll = reader.next({}, { timeout: '170000' })
      await direct({ [bob.userId]: [roomId] })
      expect((await poll).rooms[roomId].is_dm).to.equal(true)
      await direct({})
      expect((await reader.next()).rooms[roomId].is_dm).to.equal(false)
    })

    it('tell invitations and knocks by stripped state, and what became of them', async () => {
      const roomId = await makeRoom(alice, { preset: 'private_chat', name: 'Secret', topic: 'plans' })
      await say(alice, roomId, 'hidden')
      const reader = slidingReader(bob, allRooms({ required_state: [['*', '*']] }))
      await reader.next()
      const poll = reader.next({}, { timeout: '170000' })
      await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
      const { [roomId]: invited } = (await poll).rooms
      expect(invited).to.deep.include({ initial: true, membership: 'invite' })
      expect(typesIn(invited.invite_state)).to.include.members(['m.room.name ', 'm.room.create ', memberOf(alice), memberOf(bob)])
      expect(invited).not.to.have.any.keys('timeline', 'required_state', 'joined_count', 'name')
      expect((await reader.next()).rooms).to.deep.equal({})
      await bob.post(`/join/${roomId}`)
      const { [roomId]: joined } = (await reader.next()).rooms
      expect(joined).to.deep.include({ initial: true, membership: 'join', name: 'Secret' })

      const second = await makeRoom(alice, { preset: 'private_chat', name: 'Other' })
      await alice.post(`/rooms/${second}/invite`, { user_id: bob.userId })
      await reader.next()
      await bob.post(`/rooms/${second}/leave`)
      const { [second]: refused } = (await reader.next()).rooms
      expect(refused.membership).to.equal('leave')
      expect(typesIn([...refused.timeline, ...refused.required_state])).to.deep.equal([memberOf(bob), memberOf(bob)])
      expect(JSON.stringify(refused)).not.to.include('Other')
      expect((await reader.next()).lists.all.count).to.equal(1)
    })

    it('leave out invitations of those who are ignored', async () => {
      await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: { [alice.userId]: {} } })
      await makeRoom(alice, { invite: [bob.userId] })
      const fromCarol = await makeRoom(carol, { invite: [bob.userId] })
      expect(Object.keys((await slidingReader(bob, allRooms()).next()).rooms)).to.deep.equal([fromCarol])
    })

    it('end where one left, and tell nothing from after', async () => {
      const roomId = await makeRoom(alice, { name: 'Before' })
      await bob.post(`/join/${roomId}`)
      const reader = slidingReader(bob, allRooms({ required_state: [['*', '*']] }))
      await reader.next()
      await say(alice, roomId, 'seen')
      await bob.post(`/rooms/${roomId}/leave`)
      await alice.put(`/rooms/${roomId}/state/m.room.name`, { name: 'After' })
      await say(alice, roomId, 'unseen')
      const { rooms, lists } = await reader.next()
      expect(rooms[roomId]).to.deep.include({ membership: 'leave', num_live: 2, limited: false })
      expect(bodiesIn(rooms[roomId])).to.deep.equal(['seen'])
      expect(JSON.stringify(rooms[roomId])).not.to.match(/After|unseen/)
      expect(lists.all.count).to.equal(1)
      const later = await reader.next()
      expect(later.rooms).to.deep.equal({})
      expect(later.lists.all.count).to.equal(0)
      const anew = slidingReader(bob, { conn_id: 'anew', ...allRooms() })
      expect((await anew.next()).rooms).to.deep.equal({})
      const subscribed = { conn_id: 'anew', room_subscriptions: { [roomId]: { timeline_limit: 20, required_state: [['*', '*']] } } }
      const { [roomId]: left } = (await slidingReader(bob, subscribed).next()).rooms
      expect(left.name).to.equal('Before')
      expect(JSON.stringify(left)).not.to.match(/After|unseen/)
      await bob.post(`/join/${roomId}`)
      expect((await reader.next()).rooms[roomId]).to.deep.include({ initial: true, membership: 'join', name: 'After' })
    })

    it('tell kicks and bans to those who were in, and hide bans from those who never were', async () => {
      const [kicked, banned, foreign] = [await makeRoom(alice), await makeRoom(alice), await makeRoom(alice)]
      for (const roomId of [kicked, banned]) await bob.post(`/join/${roomId}`)
      await alice.post(`/rooms/${kicked}/kick`, { user_id: bob.userId, reason: 'out' })
      for (const roomId of [banned, foreign]) await alice.post(`/rooms/${roomId}/ban`, { user_id: bob.userId })
      await say(alice, kicked, 'unseen')
      const { rooms, lists } = await slidingReader(bob, allRooms()).next()
      expect(lists.all.count).to.equal(2)
      expect(rooms[kicked]).to.deep.include({ membership: 'leave', initial: true })
      expect(rooms[kicked].timeline.at(-1).content.reason).to.equal('out')
      expect(rooms[banned].membership).to.equal('ban')
      expect(JSON.stringify(rooms)).not.to.include('unseen')
      await bob.post(`/rooms/${kicked}/forget`)
      expect(Object.keys((await slidingReader(bob, allRooms()).next()).rooms)).to.deep.equal([banned])
    })

    it('are not shown to those who have nothing to do with them', async () => {
      const roomId = await makeRoom(alice)
      const subscribed = { room_subscriptions: { [roomId]: { timeline_limit: 20 }, '!nowhere:hs.test': { timeline_limit: 1 } } }
      expect((await slidingReader(bob, subscribed).next()).rooms).to.deep.equal({})
    })

    it('come back with what happened while they were out of the window', async () => {
      const [first, second] = [await makeRoom(alice), await makeRoom(alice)]
      const narrow = allRooms({ ranges: [[0, 0]], timeline_limit: 5 })
      const reader = slidingReader(alice, narrow)
      expect(Object.keys((await reader.next()).rooms)).to.deep.equal([second])
      await say(alice, first, 'up')
      expect(Object.keys((await reader.next()).rooms)).to.deep.equal([first])
      await say(alice, second, 'missed')
      await say(alice, first, 'still first')
      expect(Object.keys((await reader.next()).rooms)).to.deep.equal([first])
      await say(alice, second, 'seen')
      const { [second]: room } = (await reader.next()).rooms
      expect(bodiesIn(room)).to.deep.equal(['missed', 'seen'])
      expect(room.num_live).to.equal(1)
      expect(room).not.to.have.property('initial')
    })

    it('tell that they were read, on all devices', async () => {
      const roomId = await makeRoom(alice)
      await bob.post(`/join/${roomId}`)
      const eventId = await say(bob, roomId, 'hello')
      const reader = slidingReader(alice, allRooms())
      expect((await reader.next()).rooms[roomId].notification_count).to.equal(1)
      const poll = reader.next({}, { timeout: '170000' })
      await alice.post(`/rooms/${roomId}/receipt/m.read/${eventId}`)
      const { [roomId]: room } = (await poll).rooms
      expect(room.notification_count).to.equal(0)
      expect(room).not.to.have.any.keys('timeline', 'initial')
    })

    it('stand in the lists whose filters they pass', async () => {
      const space = await makeRoom(alice, { creation_content: { type: 'm.space' } })
      const secret = await makeRoom(alice, {
        initial_state: [{ type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
      })
      const plain = await makeRoom(alice)
      await alice.put(`/rooms/${space}/state/m.space.child/${plain}`, { via: ['hs.test'] })
      await alice.put(`/user/${alice.userId}/rooms/${plain}/tags/u.work`, {})
      const lists = Object.entries({
        spaces: { room_types: ['m.space'] },
        rooms: { not_room_types: ['m.space'] },
        encrypted: { is_encrypted: true },
        inSpace: { spaces: [space] },
        work: { tags: ['u.work'] },
        others: { not_tags: ['u.work'], room_types: [null] },
        invites: { is_invite: true },
      }).map(([name, filters]) => [name, { ranges: [[0, 9]], timeline_limit: 0, required_state: [], filters, sort: ['by_recency'] }])
      const reader = slidingReader(alice, { lists: Object.fromEntries(lists) })
      const answer = await reader.next()
      const shown = (name: string) => Object.keys(answer.rooms).filter((roomId) => answer.rooms[roomId].lists?.includes(name))
      expect(shown('spaces')).to.deep.equal([space])
      expect(shown('rooms')).to.have.members([secret, plain])
      expect(shown('encrypted')).to.deep.equal([secret])
      expect(shown('inSpace')).to.deep.equal([plain])
      expect(shown('work')).to.deep.equal([plain])
      expect(shown('others')).to.deep.equal([secret])
      expect(answer.lists.invites.count).to.equal(0)
      await alice.delete(`/user/${alice.userId}/rooms/${plain}/tags/u.work`)
      await alice.put(`/rooms/${plain}/state/m.room.encryption`, { algorithm: 'm.megolm.v1.aes-sha2' })
      const { lists: counts } = await reader.next()
      expect([counts.work.count, counts.encrypted.count]).to.deep.equal([0, 2])
    })
  })
}
