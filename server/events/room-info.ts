import type { RoomId, UserId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { encodeToken } from '../core/stream-token.ts'
import { clientEventText, stateEventText } from '../graph/client-event.ts'
import type { Seen, StateEvent } from '../graph/graph.ts'
import { encodePlace } from '../graph/place-token.ts'
import type { Requester } from '../http/endpoint.ts'
import { accountDataOfRooms } from '../people/account-data.ts'
import type { Tools } from '../slice.ts'
import type { ReadableState } from './readable-state.ts'

/** Of larger rooms only the memberships of those who wrote the messages are told, and one's own. */
const mostMembers = 1000

export type RoomInfoRequest = { readonly requester: Requester; readonly limit: number; readonly upTo: number }

/**
 * What the deprecated operations tell of a room, as JSON text: its newest messages that the user may see, and its state, as they are now or were
 * when the user left. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidinitialsync
 */
export async function roomInfoText(tools: Tools, readable: ReadableState, { requester, limit, upTo }: RoomInfoRequest): Promise<string> {
  const { graph, home } = tools
  const { roomId } = readable.room
  const { userId, session } = requester
  const end = Math.min(upTo, readable.upTo)
  const { events } = await graph.arrived(roomId, 0, end, Math.max(limit, 1))
  const seen = limit === 0 ? [] : await graph.visible(events, userId)
  const now = home.clock.now()
  const state = await stateOf(tools, readable, seen, userId)
  const first = seen[0]?.event
  const messages = `${first === undefined ? '' : `"start":"${encodePlace(first)}",`}"end":"${encodeToken(end)}","chunk":[${seen.map((one) => clientEventText(one, { session, userId, now })).join(',')}]`
  const membership = (await graph.memberships(userId)).get(roomId)?.membership
  return (
    `{"room_id":${JSON.stringify(roomId)}${membership === undefined ? '' : `,"membership":"${membership}"`},"messages":{${messages}}` +
    `,"state":[${state.map((event) => stateEventText(event, roomId, now)).join(',')}],"account_data":${JSON.stringify(await accountData(tools, userId, [roomId], upTo))}}`
  )
}

async function stateOf({ graph }: Tools, { room, asOf }: ReadableState, seen: readonly Seen[], userId: UserId): Promise<StateEvent[]> {
  const group = asOf === 'now' ? room.stateGroup : asOf
  if (room.memberCount('join') <= mostMembers) return graph.stateOf(group)
  const told = new Set<string>([userId, ...seen.map(({ event }) => event.pdu.sender)])
  const members = await graph.stateOf(
    group,
    [...told].map((member) => ['m.room.member', member] as const),
  )
  return [...(await graph.stateWithoutMembers(group)), ...members]
}

/** Account data as events, of rooms or (the empty string) of the account. */
export async function accountData(
  { home }: Pick<Tools, 'home'>,
  userId: UserId,
  roomIds: readonly (RoomId | '')[],
  upTo: number,
): Promise<JsonObject[]> {
  const all = await accountDataOfRooms(home.database, userId, roomIds, upTo)
  return all.map(({ type, content }) => ({ type, content: content as Json }))
}
