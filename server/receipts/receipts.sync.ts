import type { RoomId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import type { Between, Section } from '../slice.ts'
import { type ReceiptRow, selectOwnReceipts, selectPrivateReceipts, selectReceiptsOfRooms, selectReceiptsSince } from './receipts.store.ts'

/** Receipts as one `m.receipt` a room; private ones go to their owner alone. https://spec.matrix.org/v1.19/client-server-api/#receipts */
export function receiptSection({ database }: Pick<Home, 'database'>): Section {
  return {
    name: 'receipts',
    kinds: ['receipt', 'private_receipt', 'membership'],
    between: async (between) => {
      const { audience, after, upTo, rooms, newRooms, shownFrom } = between
      const whole = shownFrom === undefined ? newRooms : none
      const isOld = ({ room_id }: ReceiptRow) => rooms.has(room_id as RoomId) && !newRooms.has(room_id as RoomId)
      const touched = touchedRooms(between)
      const found = [
        ...(touched.length > 0 ? await database.select(selectReceiptsOfRooms, touched, after, upTo) : []),
        ...(whole.size > 0 ? await database.select(selectReceiptsOfRooms, [...whole], 0, upTo) : []),
      ]
      if (audience.kind === 'device') {
        const mayBeOld = newRooms.size < rooms.size
        found.push(...(mayBeOld ? (await database.select(selectPrivateReceipts, audience.userId, after, upTo)).filter(isOld) : []))
        const ofNewRooms = whole.size > 0 ? await database.select(selectPrivateReceipts, audience.userId, 0, upTo) : []
        found.push(...ofNewRooms.filter(({ room_id }) => whole.has(room_id as RoomId)))
      }
      if (shownFrom !== undefined && newRooms.size > 0) found.push(...(await ofShown(database, between, shownFrom)))
      if (found.length === 0) return undefined
      const byRoom = Map.groupBy(found, ({ room_id }) => room_id as RoomId)
      return { rooms: new Map([...byRoom].map(([roomId, rows]) => [roomId, { ephemeral: [receiptEvent(rows)] }])) }
    },
  }
}

const none: ReadonlySet<RoomId> = new Set()

/** In rooms of which only the newest events are shown: those for what is shown, and the reader's own. */
async function ofShown(
  database: Home['database'],
  { audience, upTo, newRooms }: Between,
  shownFrom: ReadonlyMap<RoomId, number>,
): Promise<ReceiptRow[]> {
  const asked = [...newRooms]
  const from = asked.map((roomId) => shownFrom.get(roomId) ?? 0)
  const others = await database.select(selectReceiptsSince, asked, from, upTo)
  if (audience.kind !== 'device') return others
  const own = await database.select(selectOwnReceipts, asked, audience.userId, upTo)
  return [...others.filter(({ user_id }) => user_id !== audience.userId), ...own]
}

/** The rooms, but the new ones, in which there may be something. */
function touchedRooms({ rows, rooms, newRooms }: Between): RoomId[] {
  const touched = rows && new Set(rows.filter(({ kind }) => kind === 'receipt').map(({ key }) => key))
  return [...rooms].filter((roomId) => !newRooms.has(roomId) && (touched?.has(roomId) ?? true))
}

type Receipts = Record<string, Record<string, Record<string, JsonObject>>>

/** An event names a user once for each type: the unthreaded receipt goes before a threaded one (MSC4102). */
function receiptEvent(rows: readonly ReceiptRow[]): JsonObject {
  const content: Receipts = {}
  for (const { event_id, type, user_id, thread_id, at } of rows) {
    content[event_id] ??= {}
    content[event_id][type] ??= {}
    const users = content[event_id][type]
    if (users[user_id] !== undefined && thread_id !== '') continue
    users[user_id] = thread_id === '' ? { ts: at } : { ts: at, thread_id }
  }
  return { type: 'm.receipt', content }
}
