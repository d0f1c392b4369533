import { isRoomId, isServerName, type RoomAlias, type RoomId, type ServerName, serverNameOf } from '../core/ids.ts'
import { malformedAnswer, relayedError } from './relayed-error.ts'
import type { Peers } from './signed-request.ts'

const timeoutMs = 20_000
const mostServers = 100
const longestAnswer = 256 * 1024

/**
 * The room of another server's alias, and servers that are in it, as that server says. 404 M_NOT_FOUND for none, 502 or 504 when the server does not say.
 * https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory
 */
export async function fetchAlias(
  peers: Pick<Peers, 'fetchJson'>,
  alias: RoomAlias,
  signal?: AbortSignal,
): Promise<{ readonly roomId: RoomId; readonly servers: readonly ServerName[] }> {
  const destination = serverNameOf(alias)
  const uri = `/_matrix/federation/v1/query/directory?room_alias=${encodeURIComponent(alias)}`
  const answer = await peers.fetchJson({
    destination,
    method: 'GET',
    uri,
    timeoutMs,
    limit: longestAnswer,
    ...(signal === undefined ? {} : { signal }),
  })
  if (!answer.ok || answer.status !== 200) throw relayedError(answer, 'no room has this alias')
  const { room_id: roomId, servers } = answer.body
  if (!isRoomId(roomId) || !Array.isArray(servers)) throw malformedAnswer()
  const named = new Set(servers.filter(isServerName).slice(0, mostServers))
  return { roomId, servers: named.size === 0 ? [destination] : [...named] }
}
