import type { EventId, RoomId, ServerName } from '../../core/ids.ts'
import { selectOlder } from '../events.store.ts'
import type { Filled, Moment, Place } from '../graph.ts'
import type { Lanes } from '../lanes.ts'
import { withBudget } from './budget.ts'
import { fetchBackfill, fetchClosest, type Source } from './fetch-missing.ts'
import { inOrder, reachable } from './in-order.ts'
import { depthOf, loadStored } from './known-events.ts'
import { receiveOne } from './receive.ts'
import type { ReceiveTools } from './receive-tools.ts'
import { selectMissingBelow } from './stored.store.ts'

const atOnce = 100
const mostFrom = 10
const mostServers = 3
const mostBatches = 5

/**
 * Asks other servers for what a page of history before a place lacks: events that known ones cite and that are not here. What comes has its place in the
 * past and changes nothing now.
 * https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events
 */
export async function fillBack(tools: ReceiveTools, inTurn: Lanes, roomId: RoomId, from: Place, limit: number): Promise<Filled> {
  const room = await tools.rooms.load(roomId)
  for (let batches = 0; room !== undefined && batches < mostBatches; batches++) {
    const wanted = await missingIn(tools, roomId, from, limit)
    if (wanted.length === 0) return 'whole'
    let isFilled = false
    for (const origin of likely(room.servers, tools.serverName)) {
      isFilled ||= await fillFrom(tools, inTurn, { origin, roomId, rules: room.rules }, wanted)
    }
    if (!isFilled) return 'silent'
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
  for (const origin of likely(room.servers, tools.serverName)) {
    const source = { origin, roomId, rules: room.rules }
    const found = await fetchClosest(tools, source, timestamp, direction)
    if (found === undefined) continue
    const distance = direction === 'f' ? found.timestamp - timestamp : timestamp - found.timestamp
    if (distance < 0 || (than !== undefined && Math.abs(than - timestamp) <= distance)) return undefined
    // What lies higher up than all that is missing may be news, which comes by itself.
    if (await fillFrom(tools, inTurn, source, [found.eventId], missing.depth)) return found.eventId
  }
  return undefined
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
  return others
    .sort((a, b) => b[1] - a[1])
    .slice(0, mostServers)
    .map(([server]) => server)
}

async function fillFrom(
  tools: ReceiveTools,
  inTurn: Lanes,
  source: Source,
  wanted: readonly EventId[],
  highest = Number.MAX_SAFE_INTEGER,
): Promise<boolean> {
  // Only what was asked for and what lies before it: anything else may be news.
  const events = inOrder(reachable(await fetchBackfill(tools, source, wanted, atOnce), wanted))
  if (events.some(({ pdu }) => depthOf(pdu) > highest)) return false
  await inTurn(source.roomId, async () => {
    // All of them together may hold the room up for no longer than one event.
    const together = withBudget(source)
    for (const event of events) await receiveOne(tools, together, event, 'history')
  })
  const known = await loadStored(tools.database.select, wanted)
  return wanted.some((id) => known.get(id)?.outlier === false)
}
