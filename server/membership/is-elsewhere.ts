import type { RoomView } from '../graph/graph.ts'
import type { Home } from '../home.ts'

/** Whether a room goes on on other servers alone. One that everybody has left stands where this server has seen it last. */
export function isElsewhere({ servers }: Pick<RoomView, 'servers'>, { serverName }: Pick<Home, 'serverName'>): boolean {
  return servers.size > 0 && !servers.has(serverName)
}
