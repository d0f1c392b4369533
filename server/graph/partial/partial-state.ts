import { type EventId, isServerName, type RoomId, type ServerName } from '../../core/ids.ts'
import type { Select } from '../../storage/database.ts'
import { selectPartialRoom } from './partial.store.ts'

/** What is known of a room that was entered before its memberships are here. */
export type PartialState = {
  /** The join that this server entered by. */
  readonly eventId: EventId
  /** The state before that join, which is filled up as memberships come. */
  readonly stateGroup: string
  /** Who let this server in. */
  readonly origin: ServerName
  /** Those that are in the room, as the origin says. */
  readonly servers: readonly ServerName[]
}

/** What is missing of a room; undefined of one that is whole. */
export async function readPartialState(select: Select, roomId: RoomId): Promise<PartialState | undefined> {
  const row = (await select(selectPartialRoom, roomId))[0]
  if (row === undefined) return undefined
  const servers = (JSON.parse(row.servers) as string[]).filter(isServerName)
  return { eventId: row.event_id as EventId, stateGroup: row.state_group, origin: row.origin as ServerName, servers }
}
