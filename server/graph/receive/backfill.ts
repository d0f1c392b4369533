import { type EventId, type RoomId, type ServerName, serverNameOf } from '../../core/ids.ts'
import type { ReadState } from '../../core/pdu.ts'
import { isOfOneServer } from '../../core/redaction.ts'
import { selectOlder } from '../events.store.ts'
import type { Filled, Moment, Place } from '../graph.ts'
import type { Lanes } from '../lanes.ts'
import { type Room, stateKeyOf } from '../room.ts'
import { createBudget, createTime, withBudget } from './budget.ts'
import { type Incoming, mayBeChanged } from './check-incoming.ts'
import { fetchBackfill, fetchClosest, fetchEvent, type Source } from './fetch-missing.ts'
import { inOrder, reachable } from './in-order.ts'
import { depthOf, loadStored } from './known-events.ts'
import { receiveOne } from './receive.ts'
import type { ReceiveTools } from './receive-tools.ts'
import { mayRedactAll, readWaiting, targetOf } from './redactions.ts'
import { selectMissingBelow } from './stored.store.ts'

const atOnce = 100
const mostFrom = 10
/** So many servers may answer, or so many be asked: the largest of a room may have been away for years. */
const mostAnswers = 3
const mostServers = 10
const patience = 60_000
const mostBatches = 5
/** Of a page of history so many events that may have been changed are asked of others, in so much time: somebody waits for it. */
const mostChanged = 20
const mostAsked = 2
const patienceForChanged = 5000

/**
 * Asks other servers for what a page of history before a place lacks: events that known ones cite and that are not here. What comes has its place in the
 * past and changes nothing now.
 * https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events
 */
export async function fillBack(tools: ReceiveTools, inTurn: Lanes, roomId: RoomId, from: Place, limit: number): Promise<Filled> {
  const room = await tools.rooms.load(roomId)
  const until = AbortSignal.timeout(patience)
  for (let batches = 0; room !== undefined && batches < mostBatches && !until.aborted; batches++) {
    const wanted = await missingIn(tools, roomId, from, limit)
    if (wanted.length === 0) return 'whole'
    const { rules, servers } = room
    const isFilled = await askInTurn(likely(servers, tools.serverName), until, (origin) =>
      fillFrom(tools, inTurn, { origin, roomId, rules }, wanted),
    )
    // Where others were slow there may be more, for whoever asks again.
    if (!isFilled) return until.aborted && batches > 0 ? 'more' : 'silent'
  }
  return room === undefined ? 'whole' : 'more'
}

/**
 * Brings in the event that other servers have closest to a moment, where history is missing here and theirs is closer than what we have (`than`).
 * https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid
 */
export async function bringClosest(
  tools: ReceiveTools,
  inTurn: Lanes,
  { roomId, timestamp, direction, than }: Moment,
): Promise<EventId | undefined> {
  const room = await tools.rooms.load(roomId)
  const [missing] = room ? await tools.database.select(selectMissingBelow, roomId, Number.MAX_SAFE_INTEGER, 1) : []
  if (room === undefined || missing === undefined) return undefined
  let closest: EventId | undefined
  await askInTurn(likely(room.servers, tools.serverName), AbortSignal.timeout(patience), async (origin) => {
    const source = { origin, roomId, rules: room.rules }
    const found = await fetchClosest(tools, source, timestamp, direction)
    if (found === undefined) return 'silent'
    const distance = direction === 'f' ? found.timestamp - timestamp : timestamp - found.timestamp
    if (distance < 0 || (than !== undefined && Math.abs(than - timestamp) <= distance)) return 'done'
    // What lies higher up than all that is missing may be news, which comes by itself.
    const outcome = await fillFrom(tools, inTurn, source, [found.eventId], missing.depth)
    if (outcome === 'done') closest = found.eventId
    return outcome
  })
  return closest
}

/** What came of asking a server: nobody else need be asked, it had nothing of use, or it gave no answer. */
type Outcome = 'done' | 'answered' | 'silent'

/** Asks one server after the other until one is enough, or enough of them had nothing. */
async function askInTurn(
  servers: readonly ServerName[],
  until: AbortSignal,
  ask: (origin: ServerName) => Promise<Outcome>,
): Promise<boolean> {
  let answers = 0
  for (const origin of servers.slice(0, mostServers)) {
    const outcome = await ask(origin)
    if (outcome === 'done') return true
    if (outcome === 'answered') answers++
    if (answers === mostAnswers || until.aborted) return false
  }
  return false
}

/** What a page lacks. */
async function missingIn({ database }: ReceiveTools, roomId: RoomId, { depth, order }: Place, limit: number): Promise<EventId[]> {
  const missing = await database.select(selectMissingBelow, roomId, depth, mostFrom)
  if (missing.length === 0) return []
  const page = await database.select(selectOlder, roomId, depth, depth, order, limit)
  const lowest = page.length < limit ? 0 : (page.at(-1)?.depth ?? 0)
  return missing.filter((one) => one.depth >= lowest).map(({ event_id }) => event_id as EventId)
}

/** Servers with many members in the room first: they have been there long. */
function likely(servers: ReadonlyMap<ServerName, number>, own: ServerName): ServerName[] {
  const others = [...servers].filter(([server]) => server !== own)
  return others.sort((a, b) => b[1] - a[1]).map(([server]) => server)
}

async function fillFrom(
  tools: ReceiveTools,
  inTurn: Lanes,
  source: Source,
  wanted: readonly EventId[],
  highest = Number.MAX_SAFE_INTEGER,
): Promise<Outcome> {
  // Only what was asked for and what lies before it: anything else may be news.
  const answer = await fetchBackfill(tools, source, wanted, atOnce)
  if (answer === undefined) return 'silent'
  const given = inOrder(reachable(answer, wanted))
  if (given.some(({ pdu }) => depthOf(pdu) > highest)) return 'answered'
  const room = await tools.rooms.load(source.roomId)
  if (room === undefined) return 'answered'
  const events = await asTheyWere(tools, room, source, given, likely(room.servers, tools.serverName))
  await inTurn(source.roomId, async () => {
    // All of them together may hold the room up for no longer than one event.
    const together = withBudget(source)
    for (const event of events) await receiveOne(tools, together, event, 'history')
  })
  const known = await loadStored(tools.database.select, wanted)
  return wanted.some((id) => known.get(id)?.outlier === false) ? 'done' : 'answered'
}

/**
 * Events of an answer as they were sent: those that a server may have changed on their way are asked of others, the server of their sender first. What is
 * redacted is what it is, and what nobody gives whole stays what is left of it.
 */
async function asTheyWere(
  tools: ReceiveTools,
  room: Room,
  source: Source,
  events: readonly Incoming[],
  servers: readonly ServerName[],
): Promise<readonly Incoming[]> {
  const doubtful = events.filter((event) => mayBeChanged(source.origin, event)).slice(0, mostChanged)
  if (doubtful.length === 0) return events
  const here = await loadStored(
    tools.database.select,
    doubtful.map(({ eventId }) => eventId),
  )
  const asking = { ...source, budget: createBudget(createTime(patienceForChanged)) }
  const found = await Promise.all(
    doubtful.map(async (event) => {
      if (here.has(event.eventId) || (await isRedacted(tools, room, event, events))) return event
      return fetchWhole(tools, asking, event, servers)
    }),
  )
  const whole = new Map(found.map((event) => [event.eventId, event]))
  return events.map((event) => whole.get(event.eventId) ?? event)
}

/** Whether a redaction of it is known, or comes with it. */
async function isRedacted(tools: ReceiveTools, room: Room, event: Incoming, events: readonly Incoming[]): Promise<boolean> {
  const { rules } = room
  if ((await readWaiting(tools, room, event)).by !== undefined) return true
  const powers: ReadState = (type, stateKey) => room.state.get(stateKeyOf(type, stateKey))?.pdu
  const target = { eventId: event.eventId, sender: event.pdu.sender }
  return events.some(({ eventId, pdu }) => {
    if (targetOf({ pdu }, rules, new Map()).id !== event.eventId) return false
    return mayRedactAll(pdu.sender, rules, powers) || isOfOneServer({ eventId, sender: pdu.sender }, target, rules)
  })
}

async function fetchWhole(tools: ReceiveTools, source: Source, event: Incoming, servers: readonly ServerName[]): Promise<Incoming> {
  const own = serverNameOf(event.pdu.sender)
  const asked = servers.filter((server) => server !== source.origin && server !== tools.serverName)
  const first = asked.includes(own) ? [own] : []
  for (const origin of [...first, ...asked.filter((server) => server !== own)].slice(0, mostAsked)) {
    const given = await fetchEvent(tools, { ...source, origin }, event.eventId)
    if (given !== undefined && !given.isPruned) return given
    // It tells no more of what its own users said, or not to us: nobody else will.
    if (given !== undefined && origin === own) break
  }
  return event
}
