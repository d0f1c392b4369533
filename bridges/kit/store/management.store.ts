import type { Store, Waiting } from './store.ts'

export type ManagementRoom = { room: string; user: string; step: Buffer | null }

export function selectManagementRoom({ prepare }: Store, room: string): ManagementRoom | undefined {
  return prepare<[string], ManagementRoom>('SELECT room, user, step FROM management_rooms WHERE room = ?').get(room)
}

/** The room in which a user spoke with the bot for the first time last. */
export function selectManagementRoomOf({ pluck }: Store, user: string): string | undefined {
  return pluck<[string], string>('SELECT room FROM management_rooms WHERE user = ? ORDER BY rowid DESC LIMIT 1').get(user)
}

/** Adds a room; one that is there already stays as it is. */
export function insertManagementRoom({ prepare }: Store, room: string, user: string, now: number): void {
  prepare('INSERT OR IGNORE INTO management_rooms (room, user, at) VALUES (?, ?, ?)').run(room, user, now)
}

export function deleteManagementRoom({ prepare }: Store, room: string): void {
  prepare('DELETE FROM management_rooms WHERE room = ?').run(room)
}

export function updateStep({ prepare }: Store, room: string, step: Buffer | null): void {
  prepare('UPDATE management_rooms SET step = ? WHERE room = ?').run(step, room)
}

export type ChoreRow = { seq: number; key: string; room: string; body: Buffer; attempts: number }

/** Adds something to do; what has the same key was added already. */
export function insertChore({ prepare }: Store, key: string, room: string, body: Buffer, now: number): void {
  prepare('INSERT OR IGNORE INTO chores (key, room, body, at) VALUES (?, ?, ?, ?)').run(key, room, body, now)
}

/** What is to be done in one room. */
export function selectNewChores({ prepare }: Store, after: number, limit: number, room: string): ChoreRow[] {
  const rows = prepare<[number, string, number], ChoreRow>(
    "SELECT seq, key, room, body, attempts FROM chores WHERE state = 'new' AND seq > ? AND room = ? ORDER BY seq LIMIT ?",
  )
  return rows.all(after, room, limit)
}

/** Which chores are to be done, and in which rooms. */
export function selectNewChoreLanes({ prepare }: Store, after: number, limit: number): Waiting[] {
  const rows = prepare<[number, number], Waiting>(
    "SELECT seq, room AS lane FROM chores WHERE state = 'new' AND seq > ? ORDER BY seq LIMIT ?",
  )
  return rows.all(after, limit)
}

export function finishChore({ prepare }: Store, seq: number): void {
  prepare("UPDATE chores SET state = 'done', body = NULL WHERE seq = ?").run(seq)
}

/** One more try has failed; after the last it is given up. */
export function failChore({ prepare }: Store, seq: number, last: boolean): void {
  prepare(
    "UPDATE chores SET attempts = attempts + 1, state = iif(@last, 'failed', 'new'), body = iif(@last, NULL, body) WHERE seq = @seq",
  ).run({ last: last ? 1 : 0, seq })
}

export function forgetChores({ prepare }: Store, before: number): void {
  prepare("DELETE FROM chores WHERE state <> 'new' AND at < ?").run(before)
}
