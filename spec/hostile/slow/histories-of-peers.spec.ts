import { expect } from 'chai'
import type { EventId } from '../../../server/core/ids.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { type AmongPeers, type Peer, type PeerReply, startServerWithPeers } from '../../support/peer.ts'
import { type HostedRoom, hostRoom, type Signed } from '../../support/peers/hosted-room.ts'
import type { Body, TestUser } from '../../support/server.ts'

const mostPages = 60

/** S-24, further back: history that another server holds is read to its end, whatever it gives as history. */
describe('histories that another server tells (S-24)', () => {
  let among: AmongPeers
  let peer: Peer
  let bob: TestUser
  let people = 0
  before(async () => {
    among = (await startServerWithPeers(1)) as AmongPeers
    peer = among.peers[0] as Peer
  })
  after(() => among?.close())
  beforeEach(async () => {
    bob = await among.server.register(`bob${people++}`)
  })

  const join = async ({ roomId }: HostedRoom) => {
    const { status, text } = await bob.post(`/join/${encodeURIComponent(roomId)}?via=${peer.serverName}`)
    expect(status, text).to.equal(200)
  }
  /** What is said in a room, read backwards page by page until there is no further page; and how many pages that were. */
  async function readBack({ roomId }: HostedRoom, limit = 10): Promise<{ bodies: string[]; pages: number; isWhole: boolean }> {
    const bodies: string[] = []
    let from: string | undefined
    for (let pages = 1; pages <= mostPages; pages++) {
      const query: Record<string, string> = { dir: 'b', limit: `${limit}`, ...(from === undefined ? {} : { from }) }
      const { status, body, text } = await bob.get(`/rooms/${encodeURIComponent(roomId)}/messages`, { query })
      expect(status, text).to.equal(200)
      for (const { type, content } of body.chunk as Body[]) if (type === 'm.room.message') bodies.push(content.body)
      const isWhole = body.chunk.some(({ type }: Body) => type === 'm.room.create')
      from = body.end
      if (from === undefined) return { bodies, pages, isWhole }
    }
    return { bodies, pages: mostPages + 1, isWhole: false }
  }
  const mallory = (room: HostedRoom) => ({ sender: `@mallory:${peer.serverName}` as const, room })

  for (const version of ['6', '12']) {
    it(`are read behind a long run of what is refused, in version ${version}`, async () => {
      const room = hostRoom(peer, version)
      const { sender } = mallory(room)
      room.message('first')
      room.add({ type: 'm.room.member', sender, state_key: sender, content: { membership: 'join' } })
      for (let n = 0; n < (version === '12' ? 1800 : 250); n++)
        room.take(room.make({ type: 'm.room.message', sender: `@nobody:${peer.serverName}`, content: { body: `canary ${n}` } }).pdu)
      room.message('last')
      await join(room)
      const { bodies, isWhole, pages } = await readBack(room)
      expect([bodies, isWhole]).to.deep.equal([['last', 'first'], true])
      expect(pages).to.be.at.most(mostPages)
    })
  }

  const told = (pdus: readonly Pdu[]): PeerReply => ({ body: { origin: peer.serverName, origin_server_ts: 1, pdus } })
  const lies: Readonly<Record<string, (room: HostedRoom) => () => PeerReply>> = {
    nothing: () => () => told([]),
    'that it does not tell': () => () => ({ status: 403, body: { errcode: 'M_FORBIDDEN', error: 'no' } }),
    'that it failed': () => () => ({ status: 500, body: {} }),
    'no list': () => () => ({ body: { pdus: { 0: 'x' } } }),
    'the same again and again': (room) => () => told(room.timeline.slice(-3).map(({ pdu }) => pdu)),
    'events of another room': () => {
      const another = hostRoom(peer)
      for (let n = 0; n < 20; n++) another.message(`canary ${n}`)
      return () => told(another.timeline.map(({ pdu }) => pdu))
    },
    'events that are in no relation to what was asked for': (room) => () =>
      told(
        Array.from(
          { length: 20 },
          (_, n) =>
            room.make({ type: 'm.room.message', content: { body: `canary ${n} ${Math.random()}` }, prev_events: [`$gone${n}`], depth: n })
              .pdu,
        ),
      ),
    'events that come after': (room) => () =>
      told(
        Array.from(
          { length: 20 },
          (_, n) => room.make({ type: 'm.room.message', content: { body: `canary ${n} ${Math.random()}` }, depth: 2 ** 53 - 1 }).pdu,
        ),
      ),
    'unsigned events': (room) => () => told(room.timeline.map(({ pdu }) => ({ ...pdu, signatures: {} }))),
    'a hundred thousand things that are no events': () => () => told(Array.from({ length: 100_000 }, () => null as never)),
  }
  for (const [words, lie] of Object.entries(lies)) {
    it(`have an end, and what follows is read, where it gives ${words}`, async () => {
      const room = hostRoom(peer)
      for (let n = 0; n < 30; n++) room.message(`told ${n}`)
      const give = lie(room)
      peer.on('GET', room.path('backfill'), give)
      await join(room)
      const asked = peer.asked.length
      const { bodies, pages } = await readBack(room)
      expect(pages, words).to.be.at.most(mostPages)
      expect(peer.asked.length - asked, 'what it was asked').to.be.at.most(200)
      if (words !== 'the same again and again') expect(bodies.filter((body) => body.startsWith('told'))).to.deep.equal([])
      expect(bodies.filter((body) => body.startsWith('canary')).length).to.be.at.most(
        words.includes('relation') || words.includes('after') ? 1000 : 0,
      )
      const next = room.message('news')
      const content = { origin: peer.serverName, origin_server_ts: 1, pdus: [next.pdu as never] }
      const answer = await peer.ask(among.server, 'PUT', `/_matrix/federation/v1/send/${people++}`, content)
      expect(answer.body.pdus[next.eventId]).to.deep.equal({})
      expect((await bob.get(`/rooms/${encodeURIComponent(room.roomId)}/messages?dir=b&limit=1`)).body.chunk[0].content.body).to.equal(
        'news',
      )
    })
  }

  it('cost a bounded number of questions a page where they never end', async () => {
    const room = hostRoom(peer)
    room.message('told')
    const made = new Map<EventId, Signed>()
    let depth = 2 ** 40
    const cited = room.timeline.at(-1) as Signed
    const earlier = (): Signed => {
      const prev = room.make({
        type: 'm.room.message',
        content: { body: `endless ${depth}` },
        prev_events: [`$never${depth}`],
        depth: --depth,
      })
      made.set(prev.eventId, prev)
      return prev
    }
    // Each answer ends with an event that cites one more.
    let next = earlier()
    const top = room.take(room.make({ type: 'm.room.message', content: { body: 'top' }, prev_events: [next.eventId], depth: 2 ** 41 }).pdu)
    peer.on('GET', room.path('backfill'), () => {
      const before = earlier()
      const { hashes: _h, signatures: _s, ...event } = next.pdu
      const linked = peer.sign({ ...event, prev_events: [before.eventId] }, room.rules)
      next = before
      return told([linked.pdu])
    })
    await join(room)
    expect([cited, top].length).to.equal(2)
    for (let pages = 0; pages < 5; pages++) {
      const asked = peer.asked.length
      const { status } = await bob.get(`/rooms/${encodeURIComponent(room.roomId)}/messages?dir=b&limit=10`)
      expect([status, peer.asked.length - asked < 60]).to.deep.equal([200, true])
    }
    expect(among.server.log()).to.not.match(/a request failed/)
  })

  for (const way of ['history', 'a history that holds it', 'an answer about what is missing']) {
    for (const version of ['6', '12']) {
      it(`do not make a ban a thing of the past by ${way} that this server is yet to be told of, in version ${version}`, () =>
        hideBan(way, version))
    }
  }

  async function hideBan(way: string, version: string): Promise<void> {
    const host = await among.addPeer()
    const room = hostRoom(host, version)
    const [eve, mallory] = [`@eve:${peer.serverName}`, `@mallory:${peer.serverName}`] as const
    for (const userId of [eve, mallory, `@more:${peer.serverName}` as const]) {
      room.add({ type: 'm.room.member', sender: userId, state_key: userId, content: { membership: 'join' } }, peer)
    }
    room.message('first')
    const joined = await bob.post(`/join/${encodeURIComponent(room.roomId)}?via=${host.serverName}`)
    expect(joined.status, joined.text).to.equal(200)
    const ban = room.make({ type: 'm.room.member', state_key: mallory, content: { membership: 'ban' } })
    // Eve's server says something that stands on something that stands on the ban, of which it tells another state.
    const over = room.make({ type: 'm.room.message', sender: eve, content: { body: 'over' }, prev_events: [ban.eventId], depth: 30 }, peer)
    const top = room.make({ type: 'm.room.message', sender: eve, content: { body: 'top' }, prev_events: [over.eventId], depth: 31 }, peer)
    const ids = room.state().map(({ eventId }) => eventId)
    peer.on('POST', room.path('get_missing_events'), () => ({ body: { events: [] } }))
    peer.on('GET', room.path('state_ids'), () => ({ body: { pdu_ids: ids, auth_chain_ids: ids } }))
    for (const { eventId, pdu } of [ban, over])
      peer.on('GET', `/_matrix/federation/v1/event/${encodeURIComponent(eventId)}`, () => told([pdu]))
    peer.on('GET', room.path('backfill'), ({ query }) =>
      told(query.getAll('v').includes(over.eventId) ? [over.pdu, ...(way === 'history' ? [] : [ban.pdu])] : []),
    )
    const send = (by: Peer, { pdu }: Signed) =>
      by.ask(among.server, 'PUT', `/_matrix/federation/v1/send/${people++}`, {
        origin: by.serverName,
        origin_server_ts: 1,
        pdus: [pdu as never],
      })
    await send(peer, top)
    if (way.includes('history')) await bob.get(`/rooms/${encodeURIComponent(room.roomId)}/messages?dir=b&limit=20`)
    else {
      peer.on('POST', room.path('get_missing_events'), () => ({ body: { events: [over.pdu, ban.pdu] } }))
      await send(
        peer,
        room.make({ type: 'm.room.message', sender: eve, content: { body: 'more' }, prev_events: [over.eventId], depth: 32 }, peer),
      )
    }
    const answer = await send(host, ban)
    expect(answer.body.pdus[ban.eventId]).to.deep.equal({})
    // What was told as history is known when it comes as news: then it counts with the next event that stands on it.
    if (way === 'a history that holds it') {
      await send(host, room.make({ type: 'm.room.message', content: { body: 'next' }, prev_events: [ban.eventId], depth: 40 }))
    }
    const member = await bob.get(`/rooms/${encodeURIComponent(room.roomId)}/state/m.room.member/${encodeURIComponent(mallory)}`)
    expect(member.body.membership, version).to.equal('ban')
  }
})
