import { statement } from '../storage/database.ts'
import type { MembershipName } from './graph.ts'

export type MembershipRow = {
  user_id: string
  room_id: string
  membership: MembershipName
  event_id: string
  sender: string
  position: number
  joined_at: number
  forgotten: number
}

export const upsertMembership = statement<
  [
    userId: string,
    roomId: string,
    membership: string,
    eventId: string,
    sender: string,
    positionOf: number,
    same: string,
    joinedAtOf: number,
  ]
>(
  `INSERT INTO memberships (user_id, room_id, membership, event_id, sender, position, joined_at, forgotten)
  VALUES (?, ?, ?, ?, ?, position_of(?), CASE WHEN CAST(? AS TEXT) = 'join' THEN position_of(?) ELSE 0 END, 0)
  ON CONFLICT (user_id, room_id) DO UPDATE SET
    joined_at = CASE WHEN excluded.membership <> 'join' THEN 0
      WHEN memberships.membership = 'join' THEN memberships.joined_at ELSE excluded.joined_at END,
    membership = excluded.membership, event_id = excluded.event_id, sender = excluded.sender, position = excluded.position,
    forgotten = CASE WHEN memberships.forgotten = 1 AND excluded.membership IN ('leave', 'ban') THEN 1 ELSE 0 END`,
)

export const deleteMembership = statement<[userId: string, roomId: string]>('DELETE FROM memberships WHERE user_id = ? AND room_id = ?')

export const updateForgotten = statement<[userId: string, roomId: string]>(
  `UPDATE memberships SET forgotten = 1 WHERE user_id = ? AND room_id = ? AND membership IN ('leave', 'ban')`,
)

export const selectMembershipsOfUser = statement<[userId: string], MembershipRow>(
  'SELECT user_id, room_id, membership, event_id, sender, position, joined_at, forgotten FROM memberships WHERE user_id = ?',
)

export const selectMembershipsOfRoom = statement<[roomId: string], { user_id: string; membership: MembershipName; event_id: string }>(
  'SELECT user_id, membership, event_id FROM memberships WHERE room_id = ?',
)

export const selectMemberEvents = statement<
  [roomId: string, userIds: readonly string[]],
  { user_id: string; event_id: string; json: Uint8Array }
>(
  `SELECT m.user_id, m.event_id, e.json FROM memberships m JOIN events e ON e.event_id = m.event_id
  WHERE m.room_id = ? AND m.user_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

export const selectSharing = statement<[userId: string, same: string], { user_id: string }>(
  `SELECT DISTINCT other.user_id FROM memberships mine JOIN memberships other ON other.room_id = mine.room_id
  WHERE mine.user_id = ? AND mine.membership = 'join' AND other.membership = 'join' AND other.user_id <> ?`,
)

export const selectMembershipChanges = statement<
  [roomIds: readonly string[], after: number, upTo: number],
  { room_id: string; user_id: string; membership: MembershipName; position: number }
>(
  `SELECT c.room_id, c.state_key AS user_id, m.membership, c.position
  FROM json_each(CAST(? AS TEXT)) AS wanted
  JOIN state_changes c ON c.room_id = wanted.value
  JOIN memberships m ON m.room_id = c.room_id AND m.user_id = c.state_key
  WHERE c.position > ? AND c.position <= ? AND c.type = 'm.room.member' ORDER BY c.position`,
)

/** Of so many membership changes, those who joined by one of them and stayed; a change of name or picture is none. */
export const selectNewcomers = statement<
  [roomIds: readonly string[], after: number, upTo: number, mostChanges: number, sameAfter: number, limit: number],
  { user_id: string }
>(
  `SELECT DISTINCT m.user_id
  FROM (SELECT c.room_id, c.state_key FROM json_each(CAST(? AS TEXT)) AS wanted JOIN state_changes c ON c.room_id = wanted.value
    WHERE c.position > ? AND c.position <= ? AND c.type = 'm.room.member' LIMIT ?) AS changed
  JOIN memberships m ON m.room_id = changed.room_id AND m.user_id = changed.state_key
  WHERE m.membership = 'join' AND m.joined_at > ? LIMIT ?`,
)
