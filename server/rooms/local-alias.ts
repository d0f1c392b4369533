import type { RoomAlias } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { notFound } from '../core/matrix-error.ts'
import type { Tools } from '../slice.ts'

const mostServers = 50

/**
 * The room of an alias of this server, which its application services may make just now, and servers that are in it: this one first, then those with
 * the most members there. 404 M_NOT_FOUND without one.
 */
export async function localAlias({ graph, home, people }: Tools, alias: RoomAlias): Promise<JsonObject> {
  const known = await graph.aliasTarget(alias)
  const roomId = known ?? ((await people.queryAlias(alias)) ? await graph.aliasTarget(alias) : undefined)
  if (roomId === undefined) throw notFound('no room has this alias')
  const joined = [...((await graph.room(roomId))?.servers ?? [])].filter(([server]) => server !== home.serverName)
  const others = joined.sort(([, a], [, b]) => b - a).map(([server]) => server)
  return { room_id: roomId, servers: [home.serverName, ...others].slice(0, mostServers) }
}
