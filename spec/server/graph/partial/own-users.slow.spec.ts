import { expect } from 'chai'
import type { RoomId, UserId } from '../../../../server/core/ids.ts'
import { type Neighbours, startNeighbours, syncUntil } from '../../../support/federation.ts'
import { type Body, type Engine, engines, type TestServer, type TestUser } from '../../../support/server.ts'
import { largeRoom, memberAt, memberCount } from './large-room.ts'

const lazy = JSON.stringify({ room: { state: { lazy_load_members: true }, timeline: { limit: 50 } } })

for (const engine of engines) {
  describe(`users of a server that has entered a room before its members are here (${engine})`, () => {
    let neighbours: Neighbours
    let [here, there]: TestServer[] = []
    let alice: TestUser
    let bob: TestUser
    let carol: TestUser
    let roomId: RoomId
    let people = 0
    /** Whether what the joining server asks of the state gets through. */
    let isOpen = true

    before(async function () {
      const passes = ({ url }: { url: string }) => isOpen || !/\/federation\/v1\/(state|state_ids)\//.test(url)
      const started = await startNeighbours(2, engine as Engine, passes)
      if (started === undefined) return this.skip()
      neighbours = started
      ;[there, here] = neighbours.servers
      alice = await there!.register('alice')
    })
    after(() => neighbours?.close())

    beforeEach(async () => {
      isOpen = false
      bob = await here!.register(`bob${people}`)
      carol = await here!.register(`carol${people++}`)
      roomId = await largeRoom(there!, alice)
      await join(bob)
      expect(await isPartial()).to.equal(true)
    })
    afterEach(() => {
      isOpen = true
    })

    const path = (rest: string) => `/rooms/${encodeURIComponent(roomId)}/${rest}`
    const isPartial = async () => (await here!.server.graph.room(roomId))!.isPartial
    const done = async (of: Promise<{ status: number; body: Body }>) => {
      const { status, body } = await of
      expect(status, JSON.stringify(body)).to.equal(200)
      return body
    }
    const join = (user: TestUser) => done(user.post(`/join/${encodeURIComponent(roomId)}?via=${there!.config.server_name}`, {}))
    const say = async (user: TestUser, body: string): Promise<string> =>
      (await done(user.put(path(`send/m.room.message/${body}`), { msgtype: 'm.text', body }))).event_id
    const timelineOf = (answer: Body): Body[] => answer.rooms?.join?.[roomId]?.timeline?.events ?? []
    const heard = (user: TestUser, body: string) =>
      syncUntil(user, (answer) => timelineOf(answer).find((event: Body) => event.content?.body === body))
    const becomes = (user: TestUser, membership: string) =>
      syncUntil(alice, (answer) =>
        timelineOf(answer).find(({ state_key, content }: Body) => state_key === user.userId && content.membership === membership),
      )
    const isClosed = () => done(alice.put(path('state/m.room.join_rules'), { join_rule: 'invite' }))
    const invite = (user: TestUser) => done(alice.post(path('invite'), { user_id: user.userId }))
    const invited = (user: TestUser) => syncUntil(user, ({ rooms }) => rooms?.invite?.[roomId])
    const stateOf = async ({ server }: TestServer) => {
      const room = (await server.graph.room(roomId))!
      return (await server.graph.stateOf(room.stateGroup)).map(({ eventId }) => eventId).sort()
    }
    const isWhole = async (joined: number) => {
      isOpen = true
      const { body } = await bob.get(path('joined_members'))
      expect(Object.keys(body.joined)).to.have.length(joined)
      // What was held comes after the members.
      while ((await stateOf(here!)).join() !== (await stateOf(there!)).join()) await new Promise((resolve) => setTimeout(resolve, 20))
    }

    it('are told at once that they are invited, and come in', async () => {
      await isClosed()
      await invite(carol)
      const { invite_state } = await invited(carol)
      expect(invite_state.events.map(({ type }: Body) => type)).to.include('m.room.name')
      expect(await isPartial()).to.equal(true)
      await join(carol)
      await becomes(carol, 'join')
      await say(carol, 'from carol')
      await heard(alice, 'from carol')
      expect(await isPartial()).to.equal(true)
      await isWhole(memberCount + 3)
    })

    it('decline, and hear when an invitation is taken back', async () => {
      const dora = await here!.register(`dora${people}`)
      await invite(carol)
      await invite(dora)
      await invited(carol)
      await invited(dora)
      await done(carol.post(path('leave'), {}))
      await becomes(carol, 'leave')
      await done(alice.post(path('kick'), { user_id: dora.userId }))
      await syncUntil(dora, ({ rooms }) => (rooms?.invite?.[roomId] === undefined ? {} : undefined))
      expect(await isPartial()).to.equal(true)
      await isWhole(memberCount + 2)
    })

    for (const isEarly of [true, false]) {
      it(`are told of an invitation after a ban ${isEarly ? 'of before ' : ''}that was lifted`, async () => {
        if (isEarly) roomId = await largeRoom(there!, alice)
        await done(alice.post(path('ban'), { user_id: carol.userId }))
        if (isEarly) await join(bob)
        await done(alice.post(path('unban'), { user_id: carol.userId }))
        await invite(carol)
        await invited(carol)
        expect(await isPartial()).to.equal(true)
        await isWhole(memberCount + 2)
      })
    }

    it('are not let in who are banned, whatever this server knows of it', async () => {
      await done(alice.post(path('ban'), { user_id: carol.userId }))
      const { status, body } = await carol.post(`/join/${encodeURIComponent(roomId)}`, {})
      expect([status, body.errcode]).to.deep.equal([403, 'M_FORBIDDEN'])
    })

    it('come in at once where everybody may, and see what those who are there say', async () => {
      const joins = join(carol)
      await becomes(carol, 'join')
      await joins
      await say(bob, 'from bob')
      await heard({ ...carol, get: (uri, more = {}) => carol.get(uri, { ...more, query: { ...more.query, filter: lazy } }) }, 'from bob')
      expect(await isPartial()).to.equal(true)
      await isWhole(memberCount + 3)
    })

    it('do not come in where they may not', async () => {
      await isClosed()
      const { status, body } = await carol.post(`/join/${encodeURIComponent(roomId)}`, {})
      expect([status, body.errcode]).to.deep.equal([403, 'M_FORBIDDEN'])
      await isWhole(memberCount + 2)
    })

    it('change their names, set state that they may, and leave at once', async () => {
      await done(bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'Robert' }))
      await syncUntil(alice, (answer) => timelineOf(answer).find(({ content }: Body) => content?.displayname === 'Robert'))
      expect((await bob.put(path('state/m.room.name'), { name: 'mine' })).status).to.equal(403)
      await done(bob.post(path('leave'), {}))
      await becomes(bob, 'leave')
    })

    it('see who types and reads, also of those who are not known yet', async () => {
      const member = await registered(1)
      const { next_batch: since } = (await bob.get('/sync', { query: { filter: lazy } })).body
      await done(member.put(path(`typing/${member.userId}`), { typing: true, timeout: 30_000 }))
      const told = async (find: (ephemeral: Body[]) => boolean) => {
        let from = since
        for (;;) {
          const { body } = await bob.get('/sync', { query: { filter: lazy, since: from, timeout: '1000' } })
          if (find(body.rooms?.join?.[roomId]?.ephemeral?.events ?? [])) return
          from = body.next_batch
        }
      }
      await told((events) => events.some(({ type, content }) => type === 'm.typing' && content.user_ids.includes(member.userId)))
      const said = await say(bob, 'read this')
      await heard(alice, 'read this')
      await done(member.post(path(`receipt/m.read/${said}`), {}))
      await told((events) => events.some(({ type, content }) => type === 'm.receipt' && content[said] !== undefined))
    })

    it('type and read to the others', async () => {
      const { next_batch: since } = (await alice.get('/sync')).body
      await done(bob.put(path(`typing/${bob.userId}`), { typing: true, timeout: 30_000 }))
      await syncUntil(
        alice,
        ({ rooms }) => rooms?.join?.[roomId]?.ephemeral?.events.find(({ content }: Body) => content.user_ids?.includes(bob.userId)),
        since,
      )
    })

    it('send to the devices of others, whose keys they find', async () => {
      const content = { messages: { [alice.userId]: { '*': { words: 'hi' } } } }
      await done(bob.put(`/sendToDevice/some.type/${people}`, content))
      await syncUntil(alice, ({ to_device }) => to_device?.events.find(({ sender }: Body) => sender === bob.userId))
      const { device_keys } = await done(bob.post('/keys/query', { device_keys: { [alice.userId]: [] } }))
      expect(device_keys).to.have.property(alice.userId)
    })

    it('wait for what depends on somebody who is not known yet, and for nothing else', async () => {
      const kick = bob.post(path('kick'), { user_id: memberAt(there!, 3) })
      const asked = bob.post(path('invite'), { user_id: carol.userId })
      const members = bob.get(path('members'))
      await say(bob, 'meanwhile')
      await heard(alice, 'meanwhile')
      isOpen = true
      expect((await kick).status).to.equal(403)
      expect((await asked).status).to.equal(403)
      expect((await done(members)).chunk).to.have.length(memberCount + 2)
    })

    it('are told how many are there once it is known', async () => {
      const first = (await bob.get('/sync', { query: { filter: lazy } })).body
      expect(first.rooms.join).to.have.property(roomId)
      await isWhole(memberCount + 2)
      let from = first.next_batch
      for (let count = 0; count !== memberCount + 2; ) {
        const { body } = await bob.get('/sync', { query: { filter: lazy, since: from, timeout: '1000' } })
        count = body.rooms?.join?.[roomId]?.summary?.['m.joined_member_count'] ?? 0
        from = body.next_batch
      }
    })

    /** One of the members, with an account. */
    async function registered(n: number): Promise<TestUser> {
      const userId: UserId = memberAt(there!, n)
      const known = await there!.register(userId.slice(1, userId.indexOf(':')))
      expect(known.userId).to.equal(userId)
      return known
    }
  })
}
