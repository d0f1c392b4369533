import { expect } from 'chai'
import type { EventId, ServerName } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import type { UnsignedPdu } from '../../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../../server/core/room-versions.ts'
import { hashAndSignPdu } from '../../../../server/core/signatures.ts'
import { createBudget, createTime } from '../../../../server/graph/receive/budget.ts'
import type { Incoming } from '../../../../server/graph/receive/check-incoming.ts'
import { checkAll, type Source } from '../../../../server/graph/receive/fetch-missing.ts'
import type { ReceiveTools } from '../../../../server/graph/receive/receive-tools.ts'
import { stateBefore } from '../../../../server/graph/receive/state-before.ts'
import type { Peers, SignedRequest } from '../../../../server/remote/signed-request.ts'
import { pduOf, type Side, startTwoServers, type TwoServers } from './two-servers.ts'

const rules = roomRules('11') as RoomRules

describe('what an event of another server may cost', () => {
  let town: TwoServers
  let template: UnsignedPdu
  beforeEach(async () => {
    town = await startTwoServers('11', { bob: 0 })
    const { alice, room } = town
    const message = { type: 'm.room.message', sender: alice.user.userId, content: { msgtype: 'm.text', body: 'M' } }
    template = (await alice.server.server.graph.propose(room, message, [alice.name])).event
  })
  afterEach(() => town.close())

  const sign = (side: Side, pdu: object) => hashAndSignPdu(pdu as UnsignedPdu, rules, side.name, side.server.server.home.signingKey)
  const said = (body: string, prevs: readonly string[] = template.prev_events as string[]) =>
    sign(town.alice, { ...template, content: { msgtype: 'm.text', body }, prev_events: prevs })
  const give = async (...pdus: object[]) => {
    const { alice, bob, room } = town
    return [...(await bob.server.server.graph.receive(alice.name, room, pdus as JsonObject[])).values()]
  }
  const source = (): Source => ({ origin: town.alice.name, roomId: town.room, rules })
  const toolsOf = ({ server }: Side) => server.server.home as unknown as ReceiveTools

  /** What Bob's server asks of others; an answer of a spec goes before that of the other server. */
  function listen(answer: (uri: string) => JsonObject | undefined): string[] {
    const asked: string[] = []
    const peers = town.bob.server.server.home.peers as { -readonly [key in keyof Peers]: Peers[key] }
    const fetchJson = peers.fetchJson
    peers.fetchJson = async (of: SignedRequest) => {
      asked.push(of.uri)
      const body = answer(of.uri)
      return body === undefined ? fetchJson(of) : { ok: true, status: 200, headers: {}, body }
    }
    return asked
  }
  const states = (asked: readonly string[]) => asked.filter((uri) => uri.includes('/state_ids/'))

  it('is dropped, and no state asked for, where it cites many events that nobody gives', async () => {
    const asked = listen((uri) => (uri.includes('get_missing_events') ? { events: [] } : undefined))
    const prevs = Array.from({ length: 20 }, (_, n) => said(`${n}`).eventId)
    expect(await give(said('top', prevs).pdu)).to.deep.equal([{ dropped: 'the events before it could not be had' }])
    expect(states(asked)).to.deep.equal([])
  })

  it('counts what lies between: of ten missing events the state is asked for, and of each once', async () => {
    const gone = Array.from({ length: 11 }, (_, n) => said(`gone ${n}`))
    const cited = [0, 0, 1, 1, ...gone.keys()].map((at) => gone[at]!.eventId)
    const between = cited.map((eventId, n) => said(`between ${n}`, [eventId]))
    const pdu_ids = Object.values(await town.state(town.alice))
    const asked = listen((uri) => {
      if (uri.includes('get_missing_events')) return { events: between.map(({ pdu }) => pdu as unknown as JsonObject) }
      if (uri.includes('/state_ids/')) return { pdu_ids, auth_chain_ids: [] }
      const found = gone.find(({ eventId }) => uri.includes(`/event/${encodeURIComponent(eventId)}`))
      return found && { pdus: [found.pdu as unknown as JsonObject] }
    })
    const ids = between.map(({ eventId }) => eventId)
    expect((await give(said('top', ids).pdu))[0]).to.have.property('dropped')
    expect(states(asked)).to.have.length(10)
    expect(new Set(states(asked)).size).to.equal(10)
  })

  it('counts a page of history as one', async () => {
    const gone = Array.from({ length: 12 }, (_, n) => said(`gone ${n}`))
    const earlier = gone.map(({ eventId }, n) => said(`earlier ${n}`, [eventId]))
    const missing = said(
      'missing',
      earlier.map(({ eventId }) => eventId),
    )
    const top = said('top', [missing.eventId])
    const pdu_ids = Object.values(await town.state(town.alice))
    const asked = listen((uri) => {
      if (uri.includes('get_missing_events')) return { events: [] }
      if (uri.includes('/state_ids/')) return { pdu_ids, auth_chain_ids: [] }
      if (uri.includes('/backfill/')) return { pdus: [missing, ...earlier].map(({ pdu }) => pdu as unknown as JsonObject) }
      const found = [...gone, missing].find(({ eventId }) => uri.includes(`/event/${encodeURIComponent(eventId)}`))
      return found && { pdus: [found.pdu as unknown as JsonObject] }
    })
    expect(await give(top.pdu)).to.deep.equal(['accepted'])
    expect(states(asked)).to.have.length(1)
    await town.bob.server.server.graph.fillBack(town.room, { depth: Number.MAX_SAFE_INTEGER, order: 0 }, 10)
    expect(asked.filter((uri) => uri.includes('/backfill/'))).not.to.deep.equal([])
    expect(states(asked).filter((uri) => gone.some(({ eventId }) => uri.includes(encodeURIComponent(eventId))))).to.have.length(10)
  })

  it('ends when the origin has had its time, however many questions are left', async () => {
    const { bob } = town
    const peers = bob.server.server.home.peers
    const never = async ({ signal }: SignedRequest) => {
      if (!signal?.aborted) await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      return { ok: false, reason: 'aborted', words: 'over' } as const
    }
    const tools = { ...toolsOf(bob), peers: { ...peers, fetchJson: never } }
    const { pdu, eventId } = said('top', [said('one').eventId, said('two').eventId])
    const event: Incoming = { eventId, pdu, signedBy: new Set([town.alice.name]) }
    // A signal's timer holds no process; another one does until it is over.
    const holding = setInterval(() => {}, 1000)
    const before = await stateBefore(tools, { ...source(), budget: createBudget(createTime(1)) }, event)
    clearInterval(holding)
    expect(before).to.equal(undefined)
  })

  it('is shared with all that come in the same transaction: together they have no more time than one', async () => {
    const { bob } = town
    const peers = bob.server.server.home.peers as { -readonly [key in keyof Peers]: Peers[key] }
    const times: (AbortSignal | undefined)[] = []
    peers.fetchJson = async ({ signal, uri }) => {
      if (uri.includes('get_missing_events')) times.push(signal)
      return { ok: false, reason: 'unreachable', words: 'nobody is there' }
    }
    const pdus = [1, 2, 3].map((n) => said(`${n}`, [said(`before ${n}`).eventId]).pdu)
    await give(...pdus)
    expect(times).to.have.length(3)
    expect([new Set(times).size, times[0]]).to.deep.equal([1, times[2]])
    expect(times[0]).not.to.equal(undefined)
  })

  it('leaves turns to others while many signatures are checked', async () => {
    const pdus = Array.from({ length: 400 }, (_, n) => said(`${n}`).pdu as unknown as JsonObject)
    let [turns, isOver] = [0, false]
    const turn = () => {
      turns++
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    const events = await checkAll(toolsOf(town.bob), source(), pdus)
    isOver = true
    expect(events).to.have.length(400)
    expect(turns).to.be.at.least(40)
  })

  it('waits for servers that are away side by side when a room is entered, and for none of them for ever', async () => {
    const { keyRing } = town.bob.server.server.home
    const waiting = new Set<ServerName>()
    let most = 0
    const find: typeof keyRing.find = async (wanted) => {
      if (wanted.isHere || wanted.serverName === town.alice.name) return keyRing.find(wanted)
      waiting.add(wanted.serverName)
      most = Math.max(most, waiting.size)
      return new Promise(() => {})
    }
    const dead = Array.from({ length: 30 }, (_, n) => {
      const name = `s${n}.test`
      return { ...said(`${n}`).pdu, sender: `@u:${name}`, signatures: { [name]: { 'ed25519:a': 'x' } } } as unknown as JsonObject
    })
    const holding = setInterval(() => {}, 1000)
    const tools = { ...town.bob.server.server.home, keyRing: { ...keyRing, find } }
    const given = [...dead, said('known').pdu as unknown as JsonObject]
    let events: readonly Incoming[] = []
    // On a machine that stood still the time was over for all.
    for (const time of [300, 3000, 12_000]) if (events.length === 0) events = await checkAll(tools, source(), given, time)
    clearInterval(holding)
    expect(events).to.have.length(1)
    expect(most).to.equal(30)
  })

  it('asks few of the servers that an answer names for their keys', async () => {
    const { keyRing, peers } = town.bob.server.server.home
    const asked = new Set<ServerName>()
    const find: typeof keyRing.find = async (wanted) => {
      if (!wanted.isHere) asked.add(wanted.serverName)
      return wanted.serverName === town.alice.name ? keyRing.find(wanted) : undefined
    }
    const strangers = Array.from({ length: 200 }, (_, n) => {
      const name = `s${n}.test`
      return { ...said(`${n}`).pdu, sender: `@u:${name}`, signatures: { [name]: { 'ed25519:a': 'x' } } } as unknown as JsonObject
    })
    const known = said('known').pdu as unknown as JsonObject
    const events = await checkAll(
      { ...town.bob.server.server.home, peers, keyRing: { ...keyRing, find } },
      { ...source(), budget: createBudget() },
      [...strangers, known],
    )
    expect(events).to.have.length(1)
    expect(asked.size).to.equal(50)
  })
})

describe('a join that a user of another server vouches for', () => {
  it('is dropped while that server’s key cannot be had, and taken when it can', async () => {
    const town = await startTwoServers('11', { bob: 0 })
    const { alice, bob, room, carry, setState } = town
    const allowed = (await alice.user.post('/createRoom', { preset: 'public_chat', room_version: '11' })).body.room_id
    const allow = [{ type: 'm.room_membership', room_id: allowed }]
    await carry(alice, await setState(alice, 'm.room.join_rules', '', { join_rule: 'restricted', allow }))
    const carol = await alice.server.register('carol')
    await carol.post(`/join/${allowed}`, {})
    expect((await carol.post(`/join/${room}`, {})).status).to.equal(200)
    const path = `/rooms/${room}/state/m.room.member/${carol.userId}?format=event`
    const join = await pduOf(alice, (await carol.get(path)).body.event_id)
    const content = { ...(join['content'] as JsonObject), join_authorised_via_users_server: '@x:third.test' }
    const { hashes: _h, signatures: _s, ...unsigned } = join
    const key = alice.server.server.home.signingKey
    const { pdu } = hashAndSignPdu({ ...unsigned, content } as unknown as UnsignedPdu, rules, alice.name, key)
    const result = await bob.server.server.graph.receive(alice.name, room, [pdu as unknown as JsonObject])
    expect([...result]).to.deep.equal([])
    const taken = await carry(alice, (await carol.get(path)).body.event_id as EventId)
    expect([...taken.values()]).to.deep.equal(['accepted'])
    await town.close()
  })
})
