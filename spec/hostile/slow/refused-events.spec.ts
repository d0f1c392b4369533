import { expect } from 'chai'
import type { EventId, RoomId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { type Pdu, prevEventIdsOf } from '../../../server/core/pdu.ts'
import { readEverything, readerOf } from '../../support/hostile/everybody.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { idsOf, isWhole } from '../../support/peers/asked-by-peers.ts'
import type { Signed } from '../../support/peers/hosted-room.ts'
import { joinAsPeer, type PeerMember } from '../../support/peers/peer-room.ts'
import { type Body, engines, type TestUser } from '../../support/server.ts'

const slidingSync = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
const list = { lists: { all: { ranges: [[0, 5]], timeline_limit: 50, required_state: [['*', '*']] } } }

/** S-24. What is rejected or soft-failed hides nothing, becomes nothing and is told to nobody. */
for (const engine of engines) {
  describe(`a long run of refused events (S-24) on ${engine}`, () => {
    const many = engine === 'sqlite' ? 500 : 60
    let among: AmongPeers
    let [peer, far]: Peer[] = []
    let alice: TestUser
    let roomId: RoomId
    let member: PeerMember
    let transactions = 0
    before(async function () {
      const started = await startServerWithPeers(2, { engine })
      if (started === undefined) return this.skip()
      among = started
      ;[peer, far] = among.peers as [Peer, Peer]
      alice = await among.server.register('alice')
    })
    after(() => among?.close())
    beforeEach(async () => {
      roomId = (await alice.post('/createRoom', { preset: 'public_chat', room_version: '12' })).body.room_id
      await joinAsPeer(far!, among.server, roomId, 'far')
      member = await joinAsPeer(peer!, among.server, roomId, 'mallory')
    })

    const send = async (events: readonly Signed[]): Promise<Body> => {
      const told: Body = {}
      for (let from = 0; from < events.length; from += 50) {
        const pdus = events.slice(from, from + 50).map(({ pdu }) => pdu as unknown as JsonObject)
        const { status, body, text } = await peer!.ask(among.server, 'PUT', `/_matrix/federation/v1/send/${transactions++}`, {
          origin: peer!.serverName,
          origin_server_ts: 1,
          pdus,
        })
        expect(status, text).to.equal(200)
        Object.assign(told, body.pdus)
      }
      return told
    }
    let said = 0
    const say = async (body: string): Promise<EventId> =>
      (await alice.put(`/rooms/${roomId}/send/m.room.message/${said++}`, { msgtype: 'm.text', body })).body.event_id
    const bodiesOf = (events: readonly Body[]): string[] =>
      events.flatMap(({ type, content }) => (type === 'm.room.message' ? [content.body] : []))
    const view = async () => (await among.server.server.graph.room(roomId))!
    const get = (by: Peer, path: string) => by.ask(among.server, 'GET', `/_matrix/federation/v1/${path}`)

    /** Everything that reading on gives, page by page, and how many pages were needed. */
    async function readOn(direction: 'b' | 'f', limit: number): Promise<string[]> {
      const bodies: string[] = []
      let from: string | undefined
      for (let pages = 0; pages < 40; pages++) {
        const query: Record<string, string> = { dir: direction, limit: `${limit}`, ...(from === undefined ? {} : { from }) }
        const { status, body, text } = await alice.get(`/rooms/${roomId}/messages`, { query })
        expect(status, text).to.equal(200)
        bodies.push(...bodiesOf(body.chunk))
        from = body.end
        if (from === undefined) return bodies
      }
      expect.fail('the pages have no end')
    }

    /** A chain of events, each on top of the one before. */
    async function chain(after: EventId, depth: number, make: (n: number) => { type: string; state_key?: string; content: JsonObject }) {
      const events: Signed[] = []
      for (let n = 0; n < many; n++) events.push(await member.event({ ...make(n), depth: depth + n }, [events.at(-1)?.eventId ?? after]))
      return events
    }

    it('that are rejected hides nothing before or after it, and is nowhere itself', async () => {
      const first = await say('first')
      const since = (await alice.get('/sync')).body.next_batch
      const depth = 20
      const types = ['m.room.topic', 'm.room.name', 'm.room.power_levels', 'm.room.tombstone', 'm.room.member']
      const run = await chain(first, depth, (n) => {
        const type = types[n % types.length] as string
        if (type === 'm.room.member') return { type, state_key: alice.userId, content: { membership: 'ban', reason: 'canary' } }
        return { type, state_key: '', content: { topic: 'canary', name: 'canary', body: 'canary', users: { [member.userId]: 1000 } } }
      })
      const last = await member.event({ type: 'm.room.message', content: { msgtype: 'm.text', body: 'last' }, depth: depth + many }, [
        run.at(-1)!.eventId,
      ])
      const told = await send([...run, last])
      expect(run.filter(({ eventId }) => told[eventId]?.error === undefined)).to.deep.equal([])
      expect(told[last.eventId]).to.deep.equal({})
      for (const limit of [1, 10, 100]) {
        expect(await readOn('b', limit), `${limit}`).to.deep.equal(['last', 'first'])
        expect(await readOn('f', limit), `${limit}`).to.deep.equal(['first', 'last'])
      }
      const sync = await alice.get('/sync', { query: { since } })
      expect(bodiesOf(sync.body.rooms.join[roomId].timeline.events)).to.deep.equal(['last'])
      const sliding = await alice.post(slidingSync, list)
      expect(bodiesOf(sliding.body.rooms[roomId].timeline)).to.include.members(['first', 'last'])
      const context = await alice.get(`/rooms/${roomId}/context/${encodeURIComponent(last.eventId)}?limit=10`)
      expect(bodiesOf(context.body.events_before)).to.deep.equal(['first'])
      const state = await alice.get(`/rooms/${roomId}/state`)
      for (const { text } of [sync, sliding, context, state, await alice.get('/sync')]) expect(text).to.not.include('canary')
      // What builds on refused events stands on what those do.
      expect((await view()).extremities).to.deep.equal([last.eventId])
      expect((await view()).membership(alice.userId)).to.equal('join')
      for (const { eventId } of run.slice(0, 6)) {
        for (const what of ['event', 'context']) {
          expect((await alice.get(`/rooms/${roomId}/${what}/${encodeURIComponent(eventId)}`)).status, what).to.equal(404)
        }
      }
      const before = await get(far!, `backfill/${roomId}?limit=2&v=${encodeURIComponent(last.eventId)}`)
      expect(idsOf(before.body.pdus)).to.deep.equal([last.eventId, first])
      expect(before.text).to.not.include('canary')
      expect(await readEverything(among.server, roomId, [await readerOf(alice, 'join')])).to.deep.equal([])
    })

    it('that are rejected authorises nothing', async () => {
      const levels = await member.event({ type: 'm.room.power_levels', state_key: '', content: { users: { [member.userId]: 100 } } })
      const joined = await member.event({ type: 'm.room.member', state_key: alice.userId, content: { membership: 'leave' } })
      const told = await send([levels, joined])
      for (const { eventId } of [levels, joined]) expect(told[eventId].error).to.be.a('string')
      const room = await view()
      const standing = room.state('m.room.power_levels', '')!.eventId
      const cites = [
        [levels.eventId, member.joinId],
        [standing, member.joinId, joined.eventId],
        [standing, levels.eventId, member.joinId],
        [joined.eventId, standing],
      ]
      const wrong: Signed[] = []
      for (const auth_events of cites) {
        const prev_events = [...room.extremities]
        for (const type of ['m.room.message', 'm.room.topic']) {
          wrong.push(
            await member.event({
              type,
              content: { body: 'canary', topic: 'canary' },
              auth_events,
              prev_events,
              ...(type === 'm.room.topic' ? { state_key: '' } : {}),
            }),
          )
        }
      }
      const answered = await send(wrong)
      for (const { eventId } of wrong) expect(answered[eventId]?.error, eventId).to.be.a('string')
      expect((await alice.get(`/rooms/${roomId}/messages?dir=b&limit=50`)).text).to.not.include('canary')
      expect((await view()).extremities).to.deep.equal([...room.extremities])
      // What cites an event that cites a rejected one is rejected too.
      const later = await member.event({
        type: 'm.room.topic',
        state_key: '',
        content: { topic: 'canary' },
        auth_events: [standing, wrong[0]!.eventId],
      })
      expect((await send([later]))[later.eventId].error).to.be.a('string')
    })

    it('that are soft-failed is no extremity, is told to nobody, and hides nothing', async () => {
      const base = await say('base')
      await alice.post(`/rooms/${roomId}/ban`, { user_id: member.userId })
      const since = (await alice.get('/sync')).body.next_batch
      const heads = (await view()).extremities
      const side: Signed[] = []
      for (let n = 0; n < many; n++) {
        const isState = n % 3 === 0
        side.push(
          await member.event(
            {
              type: isState ? 'm.room.member' : 'm.room.message',
              ...(isState ? { state_key: member.userId } : {}),
              content: { membership: 'join', displayname: 'canary', body: 'canary', n },
              depth: 10 + n,
            },
            [n % 2 === 0 ? base : (side.at(-1)?.eventId ?? base)],
          ),
        )
      }
      const told = await send(side)
      expect(Object.values(told).filter((one) => (one as Body).error !== undefined)).to.deep.equal([])
      expect((await view()).extremities).to.deep.equal(heads)
      expect((await view()).membership(member.userId)).to.equal('ban')
      const head = await say('head')
      const pdu = (await among.server.server.graph.event(head))?.pdu as Pdu
      expect(prevEventIdsOf(pdu)).to.deep.equal(heads)
      const sync = await alice.get('/sync', { query: { since } })
      const answers = [sync, await alice.get('/sync'), await alice.post(slidingSync, list), await alice.get(`/rooms/${roomId}/members`)]
      answers.push(await alice.get(`/rooms/${roomId}/state`), await alice.get(`/rooms/${roomId}/messages?dir=b&limit=100`))
      for (const { text, status } of answers) {
        expect(status).to.equal(200)
        expect(text).to.not.include('canary')
      }
      expect(bodiesOf(sync.body.rooms.join[roomId].timeline.events)).to.deep.equal(['head'])
      expect(await readOn('b', 10)).to.deep.equal(['head', 'base'])
      for (const { eventId } of side.slice(0, 4)) {
        expect((await alice.get(`/rooms/${roomId}/event/${encodeURIComponent(eventId)}`)).status).to.equal(404)
        expect((await get(far!, `event/${encodeURIComponent(eventId)}`)).text).to.not.include(far!.serverName)
      }
      const page = await get(far!, `backfill/${roomId}?limit=100&v=${encodeURIComponent(head)}`)
      expect(page.text).to.not.include('canary')
      expect(isWhole(page.body.pdus[0])).to.equal(true)
      const carried = far!.asked.filter(({ text }) => text.includes('canary'))
      expect(carried).to.deep.equal([])
    })
  })
}
