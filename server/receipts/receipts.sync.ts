import type { RoomId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import type { Between, Section } from '../slice.ts'
import { type ReceiptRow, selectPrivateReceipts, selectReceiptsOfRooms } from './receipts.store.ts'

/** Receipts as one `m.receipt` a room; private ones go to their owner alone. https://spec.matrix.org/v1.19/client-server-api/#receipts */
export function receiptSection({ database }: Pick<Home, 'database'>): Section {
  return {
    name: 'receipts',
    kinds: ['receipt', 'private_receipt', 'membership'],
    between: async (between) => {
      const { audience, after, upTo, rooms, newRooms } = between
      const isOld = ({ room_id }: ReceiptRow) => rooms.has(room_id as RoomId) && !newRooms.has(room_id as RoomId)
      const touched = touchedRooms(between)
      const found = [
        ...(touched.length > 0 ? await database.select(selectReceiptsOfRooms, touched, after, upTo) : []),
        ...(newRooms.size > 0 ? await database.select(selectReceiptsOfRooms, [...newRooms], 0, upTo) : []),
      ]
      if (audience.kind === 'device') {
        found.push(...(await database.select(selectPrivateReceipts, audience.userId, after, upTo)).filter(isOld))
        const ofNewRooms = newRooms.size > 0 ? await database.select(selectPrivateReceipts, audience.userId, 0, upTo) : []
        found.push(...ofNewRooms.filter(({ room_id }) => newRooms.has(room_id as RoomId)))
      }
      if (found.length === 0) return undefined
      const byRoom = Map.groupBy(found, ({ room_id }) => room_id as RoomId)
      return { rooms: new Map([...byRoom].map(([roomId, rows]) => [roomId, { ephemeral: [receiptEvent(rows)] }])) }
    },
  }
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
