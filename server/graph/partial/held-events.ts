import type { EventId, ServerName } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { parseStored } from '../../core/lossless-json.ts'
import { checkPduShape, type Pdu } from '../../core/pdu.ts'
import type { Home } from '../../home.ts'
import { errorFields } from '../../http/log.ts'
import { guard, type Write, write } from '../../storage/database.ts'
import type { Lanes } from '../lanes.ts'
import { idOf } from '../receive/check-incoming.ts'
import { bytesOfReceived, depthOf } from '../receive/known-events.ts'
import { createOnceMore } from '../receive/once-more.ts'
import type { Room } from '../room.ts'
import { countHeld, deleteHeld, insertHeld, selectHeld, selectPartialRoom } from './partial.store.ts'

type Tools = Pick<Home, 'database' | 'log'>

/** Receives PDUs of a room, in its lane. */
export type ReceiveNow = (origin: ServerName, roomId: Room['roomId'], pdus: readonly JsonObject[]) => Promise<unknown>

/** What comes beyond is left: later events cite it, and it is asked for then. */
const mostHeld = 5000
const mostOfOne = 1000
const atOnce = 50

/** Keeps PDUs of a room whose memberships are not here yet: nobody can say whether they are allowed. False when the room is whole by now. What is ours (`isOurs`) nobody sends again. */
export async function holdEvents(
  { database, log }: Tools,
  room: Room,
  origin: ServerName,
  pdus: readonly JsonObject[],
  isOurs = false,
): Promise<boolean> {
  const { roomId, rules } = room
  const writes: Write[] = []
  for (const pdu of pdus.filter((value) => checkPduShape(value, rules).allowed) as unknown as Pdu[]) {
    const eventId = idOf(pdu, rules)
    if (eventId !== undefined) writes.push(write(insertHeld, roomId, eventId, origin, depthOf(pdu), bytesOfReceived(pdu, rules)))
  }
  const held = await database.selectOne(countHeld, origin, roomId)
  const isFull = !isOurs && ((held?.total ?? 0) >= mostHeld || (held?.own ?? 0) >= mostOfOne)
  if (isFull) log.info('events of other servers are not held: too many are', { room: roomId, origin })
  const outcome = await database.commit({ guards: [guard('partial', 'row', selectPartialRoom, roomId)], writes: isFull ? [] : writes })
  return outcome.ok
}

/** Receives what was held of a room that is whole by now, what is deepest down first. Rejects when the disk cannot be written to: then it stays held. */
export async function receiveHeld(tools: Tools, inTurn: Lanes, { roomId }: Room, receiveNow: ReceiveNow, stop: AbortSignal): Promise<void> {
  const onceMore = createOnceMore(tools)
  const receive = async (origin: ServerName, pdus: readonly JsonObject[]) => {
    try {
      await receiveNow(origin, roomId, pdus)
    } catch (error) {
      tools.log.warn('what was held of a room could not be received', { room: roomId, origin, ...errorFields(error) })
      // One of them may be to blame: the others are not to suffer from it.
      for (const pdu of pdus) await onceMore({ origin, room: roomId }, async () => void (await receiveNow(origin, roomId, [pdu])))
    }
  }
  const some = async () => {
    const rows = await tools.database.select(selectHeld, roomId, atOnce)
    for (const [origin, those] of Map.groupBy(rows, (row) => row.origin as ServerName)) {
      if (stop.aborted) return false
      await receive(
        origin,
        those.map(({ json }) => parseStored(json) as JsonObject),
      )
      const ids = those.map((row) => row.event_id as EventId)
      await tools.database.commit({ writes: [write(deleteHeld, roomId, origin, ids)] })
    }
    return rows.length === atOnce
  }
  while (!stop.aborted && (await inTurn(roomId, some)));
}
