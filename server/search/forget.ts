import type { EventId, RoomId } from '../core/ids.ts'
import { type Database, write } from '../storage/database.ts'
import { deleteDocument, deleteRoom, selectDocumentsIn, selectDocumentsOf } from './search.store.ts'
import type { WordIndex } from './word-index.ts'

type Port = Pick<Database, 'select' | 'commit'>

const atOnce = 200

/** Takes everything that was said in a room out of the index, a few events at a time. */
export async function forgetRoom(database: Port, index: WordIndex, roomId: RoomId): Promise<void> {
  for (;;) {
    const rows = await database.select(selectDocumentsIn, roomId, atOnce)
    await remove(database, index, rows)
    if (rows.length < atOnce) break
  }
  await database.commit({ writes: [write(deleteRoom, roomId)] })
}

/** Takes an event out of the index, also where it is the edit that gave another one its text. */
export async function forgetEvent(database: Port, index: WordIndex, eventId: EventId): Promise<void> {
  await remove(database, index, await database.select(selectDocumentsOf, eventId, eventId))
}

async function remove(database: Port, index: WordIndex, rows: readonly { document: number }[]): Promise<void> {
  if (rows.length === 0) return
  await database.commit({ writes: rows.flatMap(({ document }) => [...index.remove(document), write(deleteDocument, document)]) })
}
