import type { RoomId } from '../core/ids.ts'
import type { Tools } from '../slice.ts'
import type { SentRoom } from './connections.ts'
import type { SlidingSyncRequest } from './sliding-sync-request.ts'

/** What rooms are told by: for whom, and between which positions. */
export type Look = {
  readonly tools: Tools
  readonly request: SlidingSyncRequest
  /** The position of the connection's last answer; undefined before the first. */
  readonly since: number | undefined
  readonly upTo: number
  /** The user's direct chats. */
  readonly dms: ReadonlySet<RoomId>
  readonly bumps: ReadonlyMap<RoomId, number>
}

/** A room as it is told, and what the client holds of it then. */
export type RoomAnswer = {
  /** A JSON object; undefined when there is nothing to tell. */
  readonly text: string | undefined
  readonly sent: SentRoom
  /** The position of the first event that is told. */
  readonly from: number
}
