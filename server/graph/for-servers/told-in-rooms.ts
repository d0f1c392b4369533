import type { RoomId, ServerName } from '../../core/ids.ts'
import type { Home } from '../../home.ts'
import type { Logged } from '../../storage/database.ts'
import type { Graph } from '../graph.ts'

/** Of log rows whose keys are rooms, those of rooms that are shared with other servers: the rooms, and at the same places the positions. */
export async function inSharedRooms(
  graph: Pick<Graph, 'sharedRooms'>,
  rows: readonly Logged[],
): Promise<{ readonly rooms: string[]; readonly positions: number[] }> {
  const shared = new Set<string>(await graph.sharedRooms(new Set(rows.map(({ key }) => key as RoomId))))
  const told = rows.filter(({ key }) => shared.has(key))
  return { rooms: told.map(({ key }) => key), positions: told.map(({ position }) => position) }
}

/** The other servers that are in a room. */
export async function othersIn(
  { graph, home }: { graph: Pick<Graph, 'room'>; home: Pick<Home, 'serverName'> },
  roomId: RoomId,
): Promise<ServerName[]> {
  return [...((await graph.room(roomId))?.servers.keys() ?? [])].filter((server) => server !== home.serverName)
}
