import type { ServerName } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { parseStored } from '../../core/lossless-json.ts'
import { checkPduShape, type Pdu } from '../../core/pdu.ts'
import type { Home } from '../../home.ts'
import { type Write, write } from '../../storage/database.ts'
import { idOf } from '../receive/check-incoming.ts'
import { bytesOfReceived, depthOf } from '../receive/known-events.ts'
import type { Room } from '../room.ts'
import { countHeld, deleteHeld, insertHeld, selectHeld } from './partial.store.ts'

type Tools = Pick<Home, 'database' | 'log'>
/** Receives PDUs of a room, in its lane. */
export type ReceiveNow = (origin: ServerName, roomId: Room['roomId'], pdus: readonly JsonObject[]) => Promise<unknown>

/** What comes beyond is left: later events cite it, and it is asked for then. */
const mostHeld = 5000
const mostOfOne = 1000
const atOnce = 50

/** Keeps PDUs of a room whose memberships are not here yet: nobody can say whether they are allowed. */
export async function holdEvents({ database, log }: Tools, room: Room, origin: ServerName, pdus: readonly JsonObject[]): Promise<void> {
  const { roomId, rules } = room
  const held = await database.selectOne(countHeld, origin, roomId)
  if ((held?.total ?? 0) >= mostHeld || (held?.own ?? 0) >= mostOfOne) {
    log.info('events of other servers are not held: too many are', { room: roomId, origin })
    return
  }
  const writes: Write[] = []
  for (const pdu of pdus.filter((value) => checkPduShape(value, rules).allowed) as unknown as Pdu[]) {
    const eventId = idOf(pdu, rules)
    if (eventId !== undefined) writes.push(write(insertHeld, roomId, eventId, origin, depthOf(pdu), bytesOfReceived(pdu, rules)))
  }
  await database.commit({ writes })
}

/** Receives what was held of a room that is whole by now, what is deepest down first. */
export async function receiveHeld({ database }: Tools, room: Room, receiveNow: ReceiveNow): Promise<void> {
  for (;;) {
    const rows = await database.select(selectHeld, room.roomId, atOnce)
    for (const [origin, those] of Map.groupBy(rows, (row) => row.origin as ServerName)) {
      const pdus = those.map(({ json }) => parseStored(json) as JsonObject)
      await receiveNow(origin, room.roomId, pdus)
    }
    const ids = rows.map((row) => row.event_id)
    await database.commit({ writes: [write(deleteHeld, room.roomId, ids)] })
    if (rows.length < atOnce) return
  }
}
