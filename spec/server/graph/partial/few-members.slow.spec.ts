import { expect } from 'chai'
import type { EventId, UserId } from '../../../../server/core/ids.ts'
import { authEventIdsOf, type Pdu } from '../../../../server/core/pdu.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../../support/peer.ts'
import { type HostedRoom, hostRoom, type Signed } from '../../../support/peers/hosted-room.ts'
import { engines, type TestUser } from '../../../support/server.ts'

for (const engine of engines) {
  describe(`a room with few members, which its server leaves out of the answer to a join (${engine})`, () => {
    let among: AmongPeers
    let host: Peer
    let other: Peer
    let alice: TestUser
    let room: HostedRoom
    let people = 0
    /** Events that a peer says it does not have. */
    const withheld = new Map<Peer, Set<EventId>>()
    /** Events as they are given instead of as they are. */
    const changed = new Map<EventId, Pdu>()

    before(async function () {
      const started = await startServerWithPeers(2, { engine })
      if (started === undefined) return this.skip()
      among = started
      ;[host, other] = among.peers as [Peer, Peer]
    })
    after(() => among?.close())

    beforeEach(async () => {
      alice = await among.server.register(`alice${people++}`)
      withheld.clear()
      changed.clear()
    })

    const member = (n: number, by: Peer = host): UserId => `@member${n}:${by.serverName}`
    const become = (userId: UserId, membership: string, sender: UserId = userId, by: Peer = host) =>
      room.add({ type: 'm.room.member', state_key: userId, sender, content: { membership } }, by)
    const isMember = ({ pdu }: Signed) => pdu.type === 'm.room.member'
    const pdus = (list: readonly Signed[]) => list.map(({ pdu }) => pdu)

    /** All that events stand on. */
    const chainOf = (of: readonly Signed[]): Signed[] => {
      const ids = new Set<EventId>()
      const more = of.flatMap(({ pdu }) => authEventIdsOf(pdu))
      for (let id = more.pop(); id !== undefined; id = more.pop()) {
        if (ids.has(id)) continue
        ids.add(id)
        more.push(...authEventIdsOf(room.timeline.find(({ eventId }) => eventId === id)!.pdu))
      }
      return room.timeline.filter(({ eventId }) => ids.has(eventId))
    }
    /** Answers as Synapse does: the state without the members, and what that stands on; later the state before the join by its ids, and event by event. */
    const answering = () => {
      const roomState = () => room.state().filter(({ pdu }) => pdu.state_key !== alice.userId)
      host.on('PUT', `${room.path('send_join').replace('v1', 'v2')}/{eventId}`, ({ content }) => {
        const { pdu } = room.take(content)
        const state = roomState().filter((one) => !isMember(one))
        const ids = new Set(state.map(({ eventId }) => eventId))
        const chain = chainOf(state).filter(({ eventId }) => !ids.has(eventId))
        const servers = [host.serverName, other.serverName]
        return { body: { event: pdu, members_omitted: true, servers_in_room: servers, state: pdus(state), auth_chain: pdus(chain) } }
      })
      const ids = (list: readonly Signed[]) => list.map(({ eventId }) => eventId)
      host.on('GET', room.path('state_ids'), () => ({ body: { pdu_ids: ids(roomState()), auth_chain_ids: ids(chainOf(roomState())) } }))
      host.on('GET', room.path('state'), () => ({ body: { pdus: pdus(roomState()), auth_chain: pdus(chainOf(roomState())) } }))
      for (const peer of [host, other]) {
        peer.on('GET', '/_matrix/federation/v1/event/{eventId}', ({ params }) => {
          const found = room.timeline.find(({ eventId }) => eventId === params['eventId'])
          const given =
            found === undefined || withheld.get(peer)?.has(found.eventId) ? undefined : (changed.get(found.eventId) ?? found.pdu)
          if (given === undefined) return { status: 404, body: { errcode: 'M_NOT_FOUND', error: 'no such event' } }
          return { body: { origin: peer.serverName, origin_server_ts: 1, pdus: [given] } }
        })
      }
    }
    const join = async () => {
      const { status, body } = await alice.post(`/join/${encodeURIComponent(room.roomId)}?via=${host.serverName}`, {})
      expect(status, JSON.stringify(body)).to.equal(200)
    }
    const joined = async () => Object.keys((await alice.get(`/rooms/${encodeURIComponent(room.roomId)}/joined_members`)).body.joined)
    const asked = (what: string) => host.asked.filter(({ path }) => path.includes(`/${what}/${encodeURIComponent(room.roomId)}`))
    const askedForEvents = () =>
      host.asked.filter(({ path, params }) => path.includes('/v1/event/') && room.timeline.some((one) => one.eventId === params['eventId']))
    const everybody = (count: number) => [room.host, alice.userId, ...Array.from({ length: count }, (_, n) => member(n))]

    for (const version of ['6', '12']) {
      it(`has them asked for one by one, with what they stand on, in version ${version}`, async () => {
        room = hostRoom(host, version)
        for (let n = 0; n < 5; n++) {
          become(member(n), 'invite', room.host)
          become(member(n), 'join')
        }
        for (let n = 5; n < 9; n++) become(member(n), 'join')
        become(member(9), 'join')
        become(member(9), 'ban', room.host)
        answering()
        await join()
        expect(await joined()).to.have.members(everybody(9))
        expect(asked('state')).to.have.length(0)
        expect(asked('state_ids')).to.have.length(1)
        const { graph } = among.server.server
        const here = (await graph.room(room.roomId))!
        expect((await graph.stateOf(here.stateGroup)).map(({ eventId }) => eventId)).to.have.members(
          room.state().map(({ eventId }) => eventId),
        )
        expect((await graph.members(room.roomId, [member(9)])).get(member(9))?.pdu.content['membership']).to.equal('ban')
        // Nothing twice, and nothing that came with the join.
        const events = askedForEvents().map(({ params }) => params['eventId'])
        expect(new Set(events).size).to.equal(events.length)
        expect(events.length).to.be.within(11, 16)
      })
    }

    it('has them asked for at once where they are more', async () => {
      room = hostRoom(host)
      for (let n = 0; n < 30; n++) become(member(n), 'join')
      answering()
      await join()
      expect(await joined()).to.have.members(everybody(30))
      expect(asked('state')).to.have.length(1)
      expect(askedForEvents()).to.have.length(0)
    })

    it('has those whom it does not give asked of another server, and goes without those whom nobody gives', async () => {
      room = hostRoom(host)
      const all = Array.from({ length: 6 }, (_, n) => become(member(n), 'join'))
      withheld.set(host, new Set([all[1]!.eventId, all[2]!.eventId]))
      withheld.set(other, new Set([all[2]!.eventId]))
      answering()
      await join()
      const expected = everybody(6).filter((userId) => userId !== member(2))
      expect(await joined()).to.have.members(expected)
      expect((await among.server.server.graph.room(room.roomId))!.isPartial).to.equal(false)
    })

    it('has none that is not signed, not allowed, or of somebody else', async () => {
      room = hostRoom(host)
      become(member(0), 'join')
      const unsigned = become(member(1), 'join')
      const forged = become(member(2, other), 'join', member(2, other), host)
      const unallowed = become(member(3), 'invite', member(4))
      const swapped = become(member(5), 'join')
      changed.set(unsigned.eventId, { ...unsigned.pdu, signatures: {} })
      changed.set(swapped.eventId, forged.pdu)
      answering()
      await join()
      expect(await joined()).to.have.members([room.host, alice.userId, member(0)])
      const { graph } = among.server.server
      for (const { pdu } of [unallowed, forged, swapped]) {
        expect((await graph.members(room.roomId, [pdu.state_key as UserId])).size, String(pdu.state_key)).to.equal(0)
      }
    })

    it('lets its user speak before they are here', async () => {
      room = hostRoom(host)
      for (let n = 0; n < 3; n++) become(member(n), 'join')
      answering()
      const gate = Promise.withResolvers<void>()
      const ids = {
        pdu_ids: room.state().map(({ eventId }) => eventId),
        auth_chain_ids: chainOf(room.state()).map(({ eventId }) => eventId),
      }
      host.on('GET', room.path('state_ids'), async () => {
        await gate.promise
        return { body: ids }
      })
      await join()
      const { status } = await alice.put(`/rooms/${encodeURIComponent(room.roomId)}/send/m.room.message/1`, {
        msgtype: 'm.text',
        body: 'hi',
      })
      expect([status, (await among.server.server.graph.room(room.roomId))!.isPartial]).to.deep.equal([200, true])
      gate.resolve()
      expect(await joined()).to.have.members(everybody(3))
    })
  })
}
