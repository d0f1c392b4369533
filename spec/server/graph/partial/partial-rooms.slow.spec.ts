import { expect } from 'chai'
import type { RoomId, UserId } from '../../../../server/core/ids.ts'
import type { OutgoingRequest } from '../../../../server/remote/egress.ts'
import { type Neighbours, startNeighbours, syncUntil } from '../../../support/federation.ts'
import { type Body, type Engine, engines, type TestServer, type TestUser } from '../../../support/server.ts'
import { joinOf, largeRoom, memberAt, memberCount } from './large-room.ts'

const lazy = JSON.stringify({ room: { state: { lazy_load_members: true }, timeline: { limit: 50 } } })

for (const engine of engines) {
  describe(`rooms that are entered before their members are here (${engine})`, () => {
    let neighbours: Neighbours
    let [here, there]: TestServer[] = []
    let alice: TestUser
    let bob: TestUser
    let roomId: RoomId
    /** Whether what the joining server asks of the state gets through. */
    let isOpen = true
    /** The EDUs of devices that went out. */
    const updates: Body[] = []

    const passes = ({ url, body }: OutgoingRequest) => {
      const { edus = [] } = url.includes('/federation/v1/send/') ? JSON.parse(String(body)) : {}
      updates.push(...edus.filter(({ edu_type }: Body) => edu_type === 'm.device_list_update'))
      return isOpen || !/\/federation\/v1\/(state|state_ids)\//.test(url)
    }

    before(async function () {
      const started = await startNeighbours(2, engine as Engine, passes)
      if (started === undefined) return this.skip()
      neighbours = started
      ;[there, here] = neighbours.servers
      alice = await there!.register('alice')
      bob = await here!.register('bob')
    })

    after(() => neighbours?.close())

    beforeEach(async () => {
      isOpen = false
      roomId = await largeRoom(there!, alice)
    })

    afterEach(() => {
      isOpen = true
    })

    const path = (rest: string) => `/rooms/${encodeURIComponent(roomId)}/${rest}`
    const join = async (user = bob) => {
      const via = there!.config.server_name
      const { status, body } = await user.post(`/join/${encodeURIComponent(roomId)}?server_name=${via}&via=${via}`, {})
      expect(status, JSON.stringify(body)).to.equal(200)
    }
    const say = async (user: TestUser, body: string) => {
      const sent = await user.put(path(`send/m.room.message/${body}`), { msgtype: 'm.text', body })
      expect(sent.status, JSON.stringify(sent.body)).to.equal(200)
      return sent.body.event_id as string
    }
    const heard = (user: TestUser, body: string) =>
      syncUntil(user, (answer) => timelineOf(answer, roomId).find((event: Body) => event.content?.body === body))
    const joinedOf = async (user: TestUser) => Object.keys((await user.get(path('joined_members'))).body.joined)
    const stateOf = async ({ server }: TestServer) => {
      const room = (await server.graph.room(roomId))!
      const state = await server.graph.stateOf(room.stateGroup)
      return state.map(({ eventId }) => eventId).sort()
    }

    it('lets a user in, and speak, at once; all members are there as soon as they can be had', async () => {
      await join()
      expect((await here!.server.graph.room(roomId))!.isPartial).to.equal(true)
      const told = await bob.get('/sync', { query: { filter: lazy } })
      expect(told.body.rooms.join[roomId].state.events.map(({ type }: Body) => type)).to.include('m.room.name')
      await say(bob, 'hello')
      await heard(alice, 'hello')
      expect(await here!.server.graph.sharedRooms([roomId])).to.deep.equal([roomId])
      const members = joinedOf(bob)
      isOpen = true
      expect(await members).to.have.length(memberCount + 2)
      expect(await stateOf(here!)).to.deep.equal(await stateOf(there!))
      expect((await here!.server.graph.room(roomId))!.servers).to.deep.equal((await there!.server.graph.room(roomId))!.servers)
    })

    it('tells of the room whoever wants all members once they are here, and then whole', async () => {
      const before = await bob.get('/sync')
      await join()
      await say(bob, 'early')
      const early = await bob.get('/sync', { query: { since: before.body.next_batch, timeout: '0' } })
      expect(early.body.rooms?.join ?? {}).not.to.have.property(roomId)
      isOpen = true
      const whole = await syncUntil(bob, (answer) => answer.rooms?.join?.[roomId], early.body.next_batch)
      const members = [...whole.state.events, ...whole.timeline.events].filter(({ type }: Body) => type === 'm.room.member')
      expect(new Set(members.map(({ state_key }: Body) => state_key)).size).to.equal(memberCount + 2)
      expect(whole.timeline.events.map(({ content }: Body) => content.body)).to.include('early')
    })

    it('holds what others say and do meanwhile, and takes it in afterwards, in order', async () => {
      await join()
      for (const words of ['one', 'two']) await say(alice, words)
      await alice.put(path('state/m.room.topic'), { topic: 'new' })
      await alice.post(path('kick'), { user_id: memberAt(there!, 1) })
      await say(alice, 'three')
      isOpen = true
      const told = await syncUntil(bob, (answer) => (bodies(timelineOf(answer, roomId)).includes('three') ? answer : undefined))
      expect(bodies(timelineOf(told, roomId)).slice(-3)).to.deep.equal(['one', 'two', 'three'])
      expect(await joinedOf(bob)).to.have.length(memberCount + 1)
      expect(await stateOf(here!)).to.deep.equal(await stateOf(there!))
    })

    it('goes on after a restart, with what was held', async () => {
      await join()
      await say(alice, 'kept')
      await bob.get('/sync')
      here = await here!.restart()
      bob = { ...bob, ...here.as(bob.token) }
      isOpen = true
      await heard(bob, 'kept')
      expect(await joinedOf(bob)).to.have.length(memberCount + 2)
    })

    it('tells the others once of the devices of who came in', async () => {
      const dora = await here!.register(`dora${Date.now()}`)
      // That there is Dora at all is of no concern to others; it is read before what is said after it.
      const { room_id: small } = (await alice.post('/createRoom', { preset: 'public_chat' })).body
      await bob.post(`/join/${small}?via=${there!.config.server_name}`, {})
      await bob.put(`/rooms/${small}/send/m.room.message/read`, { msgtype: 'm.text', body: 'read' })
      await syncUntil(alice, (answer) => timelineOf(answer, small).find((event: Body) => event.content?.body === 'read'))
      await join(dora)
      expect((await here!.server.graph.room(roomId))!.isPartial).to.equal(true)
      isOpen = true
      await joinedOf(dora)
      await say(dora, 'last')
      await heard(alice, 'last')
      expect(updates.filter(({ content }) => content.user_id === dora.userId)).to.have.length(1)
    })

    it('refuses to other servers what it does not know: proposals of memberships, and states', async () => {
      await join()
      const { graph } = here!.server
      const proposal = graph.propose(
        roomId,
        { type: 'm.room.member', stateKey: '@x:y', sender: '@x:y', content: { membership: 'join' } },
        [],
      )
      expect((await proposal.catch((error) => error)).errcode).to.equal('M_NOT_FOUND')
      const [eventId] = (await graph.room(roomId))!.extremities
      const asked = graph.forServers.stateIds({ roomId, eventId: eventId!, server: there!.config.server_name })
      expect((await asked.catch((error) => error)).errcode).to.equal('M_NOT_FOUND')
    })

    it('is left, and entered again, before the members are here: what was said then is readable afterwards', async () => {
      await join()
      expect((await bob.post(path('leave'), {})).status).to.equal(200)
      await syncUntil(alice, (answer) => timelineOf(answer, roomId).find((event: Body) => event.content?.membership === 'leave'))
      const missed = await say(alice, 'missed')
      isOpen = true
      await join()
      expect(await joinedOf(bob)).to.have.length(memberCount + 2)
      expect(await stateOf(here!)).to.deep.equal(await stateOf(there!))
      const page = await bob.get(path('messages'), { query: { dir: 'b', limit: '20' } })
      expect(page.body.chunk.map(({ event_id }: Body) => event_id)).to.include(missed)
      expect((await here!.server.graph.room(roomId))!.isPartial).to.equal(false)
    })

    it('lets go of a user who is kicked before the members are here', async () => {
      await join()
      await syncUntil(alice, (answer) => timelineOf(answer, roomId).find(({ state_key }: Body) => state_key === bob.userId))
      expect((await alice.post(path('kick'), { user_id: bob.userId, reason: 'out' })).status).to.equal(200)
      await syncUntil(bob, (answer) => answer.rooms?.leave?.[roomId])
      expect((await here!.server.graph.room(roomId))!.servers.has(here!.config.server_name)).to.equal(false)
    })

    it('is whole although nobody can tell whether some of its members were ever there', async () => {
      const ghost: UserId = '@ghost:dead.invalid'
      await there!.server.graph.append(roomId, [joinOf(ghost)])
      await join()
      isOpen = true
      expect(await joinedOf(bob)).to.have.length(memberCount + 2)
    })

    it('is joined by whoever was invited', async () => {
      await alice.put(path('state/m.room.join_rules'), { join_rule: 'invite' })
      expect((await alice.post(path('invite'), { user_id: bob.userId })).status).to.equal(200)
      await join()
      isOpen = true
      expect(await joinedOf(bob)).to.have.length(memberCount + 2)
    })

    it('is joined by whoever was banned once', async () => {
      for (const action of ['ban', 'unban']) expect((await alice.post(path(action), { user_id: bob.userId })).status).to.equal(200)
      await join()
      isOpen = true
      expect(await joinedOf(bob)).to.have.length(memberCount + 2)
    })
  })
}

function timelineOf(answer: Body, roomId: RoomId): Body[] {
  return answer.rooms?.join?.[roomId]?.timeline?.events ?? []
}

function bodies(events: readonly Body[]): string[] {
  return events.flatMap(({ content }) => (content?.body === undefined ? [] : [content.body as string]))
}
