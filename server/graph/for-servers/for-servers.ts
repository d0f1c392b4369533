import type { EventId, RoomId, ServerName } from '../../core/ids.ts'
import type { LongBody } from '../../http/long-body.ts'

/** An event of a server's choice, in a room that it named. */
export type Asked = { readonly roomId: RoomId; readonly eventId: EventId; readonly server: ServerName }

/** Which events of a room somebody is missing. */
export type Missing = {
  /** Those they have; nothing is looked for behind them. */
  readonly earliest: readonly EventId[]
  readonly latest: readonly EventId[]
  readonly minDepth: number
  readonly limit: number
}

/**
 * What other servers may read of rooms. A server that is not in a room, or denied by its access control list, is told the same as of a room that is not
 * here (403 M_FORBIDDEN); an event of another room is one that is not there (404 M_NOT_FOUND). PDUs come as JSON text.
 */
export type ForServers = {
  /** An event, redacted where a server in the room may not see it. 404 M_NOT_FOUND for one that is not in the room, and may not see it. */
  readonly event: (eventId: EventId, server: ServerName) => Promise<Uint8Array>
  /** The state before an event with its auth chain: two lists as an object ends with them, `[…],"auth_chain":[…]}`. */
  readonly state: (asked: Asked) => Promise<LongBody>
  /**
   * The same without the memberships, but for a few that the room is called by; undefined where they are few, or must not be left out. For whoever has
   * just joined by that event. https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
   */
  readonly stateWithoutMembers: (asked: Asked) => Promise<LongBody | undefined>
  /** The same by ids, as the body of `/state_ids`. */
  readonly stateIds: (asked: Asked) => Promise<LongBody>
  /** The auth chain of an event, without itself. */
  readonly authChain: (asked: Asked) => Promise<readonly Uint8Array[]>
  /** Events of a room and those before them, the newest first, redacted where the server may not see them. */
  readonly backfill: (roomId: RoomId, server: ServerName, from: readonly EventId[], limit: number) => Promise<readonly Uint8Array[]>
  /** The events between others, the oldest first, redacted where the server may not see them. */
  readonly missing: (roomId: RoomId, server: ServerName, missing: Missing) => Promise<readonly Uint8Array[]>
  /** The newest events of a room that a server may read: none where it is not in the room, or denied. */
  readonly newest: (roomId: RoomId, server: ServerName) => Promise<readonly EventId[]>
  /** The event closest to a moment that the server may see, sent then or later (`f`), or then or earlier (`b`). */
  readonly closest: (
    roomId: RoomId,
    server: ServerName,
    timestamp: number,
    direction: 'b' | 'f',
  ) => Promise<{ readonly eventId: EventId; readonly timestamp: number } | undefined>
}
