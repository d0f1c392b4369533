import { expect } from 'chai'
import { travellingClock } from '../../support/apart/travelling-clock.ts'
import { type Neighbours, startNeighbours, syncUntil } from '../../support/federation.ts'
import { type Body, engines, type TestServer, type TestUser } from '../../support/server.ts'

const clock = travellingClock()
const everything = JSON.stringify({ limit: 100 })

for (const engine of engines) {
  describe(`search in what other servers said before this one joined (${engine})`, () => {
    let neighbours: Neighbours
    let [there, here]: TestServer[] = []
    let alice: TestUser
    let bob: TestUser
    let people = 0
    let sent = 0

    before(async function () {
      const started = await startNeighbours(2, engine, undefined, clock)
      if (started === undefined) return this.skip()
      neighbours = started
      ;[there, here] = neighbours.servers
    })

    after(() => neighbours?.close())

    beforeEach(async () => {
      alice = await there!.register(`alice${people}`)
      bob = await here!.register(`bob${people++}`)
    })

    const room = async (user: TestUser, more: object = {}): Promise<string> =>
      (await user.post('/createRoom', { preset: 'public_chat', ...more })).body.room_id
    const say = async (user: TestUser, to: string, body: string, more: object = {}): Promise<string> => {
      clock.travel(1000)
      const content = { msgtype: 'm.text', body, ...more }
      return (await user.put(`/rooms/${to}/send/m.room.message/t${sent++}`, content)).body.event_id
    }
    const edit = (to: string, eventId: string, body: string) =>
      say(alice, to, `* ${body}`, {
        'm.new_content': { msgtype: 'm.text', body },
        'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
      })
    const redact = async (to: string, eventId: string): Promise<string> =>
      (await alice.put(`/rooms/${to}/redact/${eventId}/t${sent++}`)).body.event_id
    const join = async (to: string) => {
      const { status, body } = await bob.post(`/join/${encodeURIComponent(to)}?via=${there!.config.server_name}`, {})
      expect(status, JSON.stringify(body)).to.equal(200)
    }
    /** Has the history brought here, as far as one page. */
    const read = async (of: string, limit = 100): Promise<string> =>
      (await bob.get(`/rooms/${of}/messages`, { query: { dir: 'b', limit: String(limit), filter: everything } })).body.end
    const search = async (term: string, more: object = {}, next?: string): Promise<Body> => {
      const criteria = { search_term: term, order_by: 'recent', ...more }
      const asking = next === undefined ? {} : { query: { next_batch: next } }
      const { status, body } = await bob.request('POST', '/search', { search_categories: { room_events: criteria } }, asking)
      expect(status, JSON.stringify(body)).to.equal(200)
      return body.search_categories.room_events
    }
    const ids = ({ results }: Body): string[] => results.map(({ result }: Body) => result.event_id)
    const found = async (term: string) => ids(await search(term))

    it('finds it once it is here, between what was said elsewhere at the time', async () => {
      const own = await room(bob)
      const shared = await room(alice)
      const byTime: string[] = []
      for (let n = 0; n < 8; n++) byTime.unshift(n % 2 === 0 ? await say(alice, shared, 'a kestrel') : await say(bob, own, 'a kestrel'))
      await join(shared)
      byTime.unshift(await say(bob, shared, 'our kestrel'))
      expect(await found('kestrel')).to.have.length.below(byTime.length)
      await read(shared)
      expect(await found('kestrel')).to.deep.equal(byTime)
      const ranked = await search('kestrel', { order_by: 'rank' })
      expect([ids(ranked).sort(), ranked.count]).to.deep.equal([byTime.toSorted(), 9])
    })

    it('gives it in pages, none of it twice and nothing left out, by room too', async () => {
      const own = await room(bob)
      const shared = await room(alice)
      const byTime: string[] = []
      for (let n = 0; n < 7; n++) byTime.unshift(await say(n % 3 === 0 ? bob : alice, n % 3 === 0 ? own : shared, 'a merlin'))
      await join(shared)
      await read(shared)
      for (const order_by of ['recent', 'rank']) {
        for (const filter of [{ limit: 2 }, { limit: 3, rooms: [shared] }]) {
          const all: string[] = []
          let next: string | undefined
          do {
            const page = await search('merlin', { order_by, filter, groupings: { group_by: [{ key: 'room_id' }] } }, next)
            all.push(...ids(page))
            next = page.next_batch
            expect(all.length).to.be.at.most(byTime.length)
          } while (next !== undefined)
          const wanted = 'rooms' in filter ? byTime.filter((_, at) => (6 - at) % 3 !== 0) : byTime
          expect(order_by === 'rank' ? all.toSorted() : all).to.deep.equal(order_by === 'rank' ? wanted.toSorted() : wanted)
        }
      }
      const { groups } = await search('merlin', { filter: { limit: 3 }, groupings: { group_by: [{ key: 'room_id' }] } })
      const rest = await search('merlin', { filter: { limit: 10 } }, groups.room_id[shared].next_batch)
      expect([...groups.room_id[shared].results, ...ids(rest)]).to.deep.equal(byTime.filter((_, at) => (6 - at) % 3 !== 0))
    })

    it('has names and topics that a room had, and what is around', async () => {
      const shared = await room(alice, { name: 'the osprey' })
      clock.travel(1000)
      await alice.put(`/rooms/${shared}/state/m.room.topic`, { topic: 'an osprey' })
      await say(alice, shared, 'before')
      const hit = await say(alice, shared, 'one osprey')
      await say(alice, shared, 'after')
      await join(shared)
      await read(shared)
      const { results } = await search('osprey', { event_context: { before_limit: 1, after_limit: 1 } })
      expect(results.map(({ result }: Body) => result.type)).to.deep.equal(['m.room.message', 'm.room.topic', 'm.room.name'])
      expect(results[0].result.event_id).to.equal(hit)
      const around = [...results[0].context.events_before, ...results[0].context.events_after]
      expect(around.map(({ content }: Body) => content.body)).to.deep.equal(['before', 'after'])
    })

    it('shows nobody what was said before they could read', async () => {
      const visibility = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } }
      const closed = await room(alice, { initial_state: [visibility] })
      await say(alice, closed, 'a secret harrier')
      await join(closed)
      const mine = await say(bob, closed, 'my harrier')
      await read(closed)
      const { count, results } = await search('harrier')
      expect([ids({ results }), count]).to.deep.equal([[mine], 1])
    })

    it('finds nothing that was redacted, whatever came first, and edits by their newest text', async () => {
      const shared = await room(alice)
      const gone = await say(alice, shared, 'a buzzard')
      const changed = await say(alice, shared, 'a second buzzard')
      await redact(shared, gone)
      await edit(shared, changed, 'a vulture')
      const later = await say(alice, shared, 'a third buzzard')
      const unchanged = await say(alice, shared, 'a fourth buzzard')
      const undone = await edit(shared, unchanged, 'a condor')
      await join(shared)
      // In many pages: redactions and edits come before what they are of.
      for (let pages = 0; pages < 3; pages++) await read(shared, 1)
      await read(shared)
      expect(await found('buzzard')).to.deep.equal([later])
      expect(await found('vulture')).to.deep.equal([changed])
      expect(await found('condor')).to.deep.equal([unchanged])
      const redaction = await redact(shared, later)
      const redactions = [redaction, await redact(shared, undone)]
      for (const eventId of redactions) await arrived(shared, eventId)
      expect(await found('buzzard')).to.deep.equal([unchanged])
      expect(await found('condor')).to.deep.equal([])
      const again = await edit(shared, unchanged, 'an albatross')
      await arrived(shared, again)
      expect([await found('albatross'), await found('buzzard')]).to.deep.equal([[unchanged], []])
    })

    it('finds what says that it was sent in the future, and goes on behind it', async () => {
      const shared = await room(alice)
      const day = 24 * 3_600_000
      clock.travel(day)
      const ahead = await say(alice, shared, 'an osprey')
      for (const body of ['a harrier', 'two harriers', 'three kites']) await edit(shared, ahead, body)
      clock.travel(-day)
      const now = await say(alice, shared, 'a shrike')
      await join(shared)
      await read(shared)
      expect([await found('kites'), await found('harriers'), await found('shrike')]).to.deep.equal([[ahead], [], [now]])
    })

    it('finds it after a restart, though nobody searched before', async () => {
      const shared = await room(alice)
      const said = await say(alice, shared, 'a goshawk')
      await join(shared)
      await read(shared)
      here = await here!.restart()
      bob = { ...bob, ...here.as(bob.token) }
      expect(await found('goshawk')).to.deep.equal([said])
    })

    /** Bob is told of it: what he asks for from then on follows it. */
    const arrived = (of: string, eventId: string) =>
      syncUntil(bob, ({ rooms }) => rooms?.join?.[of]?.timeline.events.find(({ event_id }: Body) => event_id === eventId))
  })
}
