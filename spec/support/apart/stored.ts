import Database from 'better-sqlite3'

/** An event as a homeserver has it. */
export type StoredEvent = {
  readonly event_id: string
  readonly type: string
  readonly state_key: string | null
  readonly sender: string
  readonly depth: number
  readonly outlier: number
  readonly rejected: number
  readonly soft_failed: number
}
/** What a homeserver has of a room on its disk. */
export type Stored = { readonly events: readonly StoredEvent[]; readonly extremities: number }

/** Reads what one of ours has in its file. */
export function storedBy(file: string, roomId: string): Stored {
  const events = 'SELECT event_id, type, state_key, sender, depth, outlier, rejected, soft_failed FROM events WHERE room_id = ?'
  return readStored(file, roomId, { events, extremities: 'SELECT json_array_length(extremities) AS count FROM rooms WHERE room_id = ?' })
}

/** Reads the events of a room, and the count of its forward extremities, by statements that say so of a homeserver's own tables. */
export function readStored(file: string, roomId: string, sql: { readonly events: string; readonly extremities: string }): Stored {
  const database = new Database(file, { readonly: true })
  try {
    const counted = database.prepare(sql.extremities).get(roomId) as { count: number } | undefined
    return { events: database.prepare(sql.events).all(roomId) as StoredEvent[], extremities: counted?.count ?? 0 }
  } finally {
    database.close()
  }
}
