import { isRoomId, type RoomId, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { forbidden, invalidParam, MatrixError, notFound } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import type { Requester } from '../http/endpoint.ts'
import { accountDataChange, readAccountData } from '../people/account-data.ts'
import { pushRulesContent, pushRulesOf, pushRulesType } from '../people/push-rules.ts'

/** "Servers MUST reject setting account data for event types that the server manages by using a 405 error response." */
const managed: readonly string[] = ['m.fully_read', pushRulesType]

/** The user whose data it is: the one who asks. Throws `M_FORBIDDEN` for anyone else. */
export function ownUser(requester: Requester, userId: string | undefined): UserId {
  if (requester.userId !== userId) throw forbidden('this belongs to another user')
  return requester.userId
}

/** The room of a path; throws `M_INVALID_PARAM` for what is no room id. */
export function roomOf(roomId: string | undefined): RoomId {
  if (!isRoomId(roomId)) throw invalidParam('this is not a room id')
  return roomId
}

/** Sets account data. Throws 405 `M_BAD_JSON` for types of the server's own. https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-18 */
export async function setAccountData(
  { database }: Pick<Home, 'database'>,
  userId: UserId,
  roomId: RoomId | undefined,
  type: string,
  content: JsonObject,
): Promise<void> {
  if (managed.includes(type)) throw new MatrixError(405, 'M_BAD_JSON', `${type} cannot be set here`)
  const ignored = type === 'm.ignored_user_list' && content['ignored_users']
  if (isJsonObject(ignored) && Object.hasOwn(ignored, userId)) throw invalidParam('one cannot ignore oneself')
  const change = accountDataChange(userId, roomId, type, content, 0)
  await database.commit({ writes: [change.write], log: [change.log] })
}

/** Account data; throws `M_NOT_FOUND` when it was never set. Everyone has push rules. */
export async function getAccountData(
  { database }: Pick<Home, 'database'>,
  userId: UserId,
  roomId: RoomId | undefined,
  type: string,
): Promise<JsonObject> {
  const content = await readAccountData(database, userId, roomId, type)
  if (type === pushRulesType && roomId === undefined) return pushRulesContent(pushRulesOf(userId, content))
  if (content === undefined) throw notFound('this account data was never set')
  return content
}
