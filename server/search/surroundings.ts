import type { UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { clientEventText, type Reader, stateEventText } from '../graph/client-event.ts'
import type { Graph, Seen, StateEvent } from '../graph/graph.ts'
import { encodePlace } from '../graph/place-token.ts'
import type { Surroundings } from './search-request.ts'

/** What was said around an event, as JSON text. */
export async function contextText(
  graph: Graph,
  { event }: Seen,
  userId: UserId,
  { before, after, profiles }: Surroundings,
  reader: Reader,
): Promise<string> {
  const { roomId, depth, order } = event
  // Another process may have sent the user away a moment ago: memory learns of it here.
  await graph.freshRoom(roomId)
  const older = await graph.page(roomId, { depth, order }, 'b', before)
  const newer = await graph.page(roomId, { depth, order: order + 1 }, 'f', after)
  const seenBefore = await graph.visible(older, userId)
  const seenAfter = await graph.visible(newer, userId)
  const first = older.at(-1) ?? event
  const last = seenAfter.at(-1)?.event ?? event
  const texts = (events: readonly Seen[]) => `[${events.map((one) => clientEventText(one, reader)).join(',')}]`
  const senders = new Set<UserId>([...seenBefore, ...seenAfter].map((one) => one.event.pdu.sender).concat(event.pdu.sender))
  const info = profiles ? `,"profile_info":${JSON.stringify(await profilesAt(graph, event.stateGroup, senders))}` : ''
  return (
    `{"start":"${encodePlace(first)}","end":"${encodePlace({ depth: last.depth, order: last.order + 1 })}"` +
    `,"events_before":${texts(seenBefore)},"events_after":${texts(seenAfter)}${info}}`
  )
}

/** "The historic profile information of the users that sent the events that were returned." */
async function profilesAt(graph: Graph, stateGroup: string, users: Iterable<UserId>): Promise<JsonObject> {
  const members = await graph.stateOf(
    stateGroup,
    [...users].map((userId) => ['m.room.member', userId] as const),
  )
  return Object.fromEntries(members.map(({ pdu }): [string, JsonObject] => [pdu.state_key ?? '', profileOf(pdu.content)]))
}

function profileOf({ displayname, avatar_url }: JsonObject): JsonObject {
  return {
    ...(typeof displayname === 'string' ? { displayname } : {}),
    ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
  }
}

const mostMembers = 500

/** The state of the rooms in the results, as JSON text: as it is now for members, as it was at the newest result for those who left. */
export async function statesText(graph: Graph, seen: readonly Seen[], userId: UserId, now: number): Promise<string> {
  const memberships = await graph.memberships(userId)
  const parts: string[] = []
  for (const [roomId, events] of Map.groupBy(seen, ({ event }) => event.roomId)) {
    const fresh = memberships.get(roomId)?.membership === 'join' ? await graph.freshRoom(roomId) : undefined
    // Another process may have sent the user away a moment ago.
    const room = fresh?.joined.has(userId) === true ? fresh : undefined
    const group = room?.stateGroup ?? events[0]?.event.stateGroup ?? ''
    const isLarge = (room?.joined.size ?? 0) > mostMembers
    const state = isLarge ? await stateOfLarge(graph, group, events) : await graph.stateOf(group)
    parts.push(`${JSON.stringify(roomId)}:[${state.map((event) => stateEventText(event, roomId, now)).join(',')}]`)
  }
  return `{${parts.join(',')}}`
}

/** Of a large room's members, those who sent the results. */
async function stateOfLarge(graph: Graph, group: string, events: readonly Seen[]): Promise<StateEvent[]> {
  const senders = [...new Set(events.map(({ event }) => event.pdu.sender))]
  const members = await graph.stateOf(
    group,
    senders.map((sender) => ['m.room.member', sender] as const),
  )
  return [...(await graph.stateWithoutMembers(group)), ...members]
}
