import type { RoomId, ServerName, UserId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { notFound } from '../../core/matrix-error.ts'
import { roomRules, supportedRoomVersions } from '../../core/room-versions.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { shakeHands } from './handshake.ts'
import { noteOutside } from './outside.ts'
import { readGivenState } from './stripped-state.ts'

const knockable = supportedRoomVersions.filter((version) => roomRules(version)?.knock)
const mostServers = 5
const timeoutMs = 20_000

/**
 * Knocks on a room that this server is not in, over one of the servers that may be. 404 M_NOT_FOUND when there is none to ask, what the last one
 * refused with otherwise. https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms
 */
export async function knockRemote(
  tools: ReceiveTools,
  roomId: RoomId,
  userId: UserId,
  { content, servers }: { readonly content: JsonObject; readonly servers: readonly ServerName[] },
): Promise<void> {
  const wanted = { roomId, userId, membership: 'knock', content, servers, versions: knockable, mostServers, timeoutMs } as const
  const shaken = await shakeHands(tools, wanted)
  if (shaken === undefined) throw notFound('this server knows no such room, and none was named that could: give one in `via`')
  const { server, rules, event, answer } = shaken
  const { state, wrong } = await readGivenState(tools, { roomId, rules, given: answer['knock_room_state'] }, false)
  if (wrong !== undefined) tools.log.info('a room that was knocked on is not told as it should be', { server, room: roomId, reason: wrong })
  await noteOutside(tools, { userId, roomId, version: rules.version, event, servers: [server, ...servers], state })
}
