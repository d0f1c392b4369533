import { encodeToken } from '../core/stream-token.ts'
import { strippedStateText } from '../graph/client-event.ts'
import type { Seen, StateEvent, TimelineEvent } from '../graph/graph.ts'
import { encodePlace } from '../graph/place-token.ts'
import type { SentRoom } from './connections.ts'
import type { Match } from './matching.ts'
import type { Look, RoomAnswer } from './room-answer.ts'
import { commonText, stateText, timelineText } from './room-text.ts'
import { peopleIn, wantedOf } from './shown-state.ts'

/** A room that the user is invited to, or knocks on: its stripped state and nothing else. */
export async function invitedRoom(look: Look, match: Match): Promise<RoomAnswer> {
  const { roomId, membership } = match
  const { userId } = look.request.requester
  const parts = commonText(match, true, membership.position)
  if (look.dms.has(roomId)) parts.push('"is_dm":true')
  parts.push(`"invite_state":${await strippedStateText(look.tools.graph, roomId, userId)}`)
  return answerOf(look, match, parts)
}

/** A room that the user has left, or was kicked or banned from: what there was up to then, never beyond. */
export async function leftRoom(look: Look, match: Match, before: SentRoom | undefined): Promise<RoomAnswer> {
  const { tools, request } = look
  const { roomId, membership, timelineLimit } = match
  const outside = await tools.graph.outside.find(request.requester.userId, roomId)
  if (outside !== undefined) return outsideRoom(look, match, before, outside.event)
  const ended = (await tools.graph.endedStays([membership.eventId])).has(membership.eventId)
  const sent = before?.membership === 'join' ? before : undefined
  // Whoever was not in it (and said no to an invitation, or was banned later) is told of that alone.
  const after = ended ? (sent?.upTo ?? 0) : membership.position - 1
  const { events, limited } = await tools.graph.arrived(roomId, after, membership.position, Math.max(timelineLimit, 1))
  const seen = await tools.graph.visible(events, request.requester.userId)
  const state = ended ? await leftState(look, match, sent, seen) : await ownMembership(look, match)
  const first = seen[0]?.event
  const parts = commonText(match, sent === undefined, membership.position)
  if (sent === undefined && look.dms.has(roomId)) parts.push('"is_dm":true')
  parts.push(...namesIn(state.whole, sent === undefined))
  if (state.shown.length > 0) parts.push(`"required_state":${stateText(look, state.shown)}`)
  parts.push(`"timeline":${await timelineText(look, { events, seen })}`)
  parts.push(`"prev_batch":"${first === undefined ? encodeToken(membership.position) : encodePlace(first)}"`)
  const since = look.since ?? look.upTo
  parts.push(`"limited":${limited || seen.length < events.length},"num_live":${seen.filter(({ event }) => isAfter(event, since)).length}`)
  return answerOf(look, match, parts)
}

/** Of a room that this server is not in there is but the event that ended an invitation or a knock. */
async function outsideRoom(look: Look, match: Match, before: SentRoom | undefined, event: TimelineEvent): Promise<RoomAnswer> {
  const { membership } = match
  const seen: Seen[] = [{ event, membership: membership.membership }]
  const parts = commonText(match, before === undefined, membership.position)
  parts.push(`"required_state":${stateText(look, [event])}`)
  parts.push(`"timeline":${await timelineText(look, { events: [event], seen })}`)
  parts.push(`"prev_batch":"${encodeToken(membership.position)}"`)
  parts.push(`"limited":false,"num_live":${isAfter(event, look.since ?? look.upTo) ? 1 : 0}`)
  return answerOf(look, match, parts)
}

type LeftState = { readonly shown: readonly StateEvent[]; readonly whole: readonly StateEvent[] }

async function ownMembership({ tools, request }: Look, { roomId }: Match): Promise<LeftState> {
  const { userId } = request.requester
  return { shown: [...(await tools.graph.members(roomId, [userId])).values()], whole: [] }
}

/** The state as it was when the user left; or what of it had changed since the room was told last. */
async function leftState(
  { tools: { graph }, request }: Look,
  match: Match,
  sent: SentRoom | undefined,
  seen: readonly Seen[],
): Promise<LeftState> {
  const { roomId, membership, wanted } = match
  const group = await graph.stateGroupAt(roomId, membership.position)
  if (group === undefined) return { shown: [], whole: [] }
  const whole =
    sent === undefined
      ? await graph.stateWithoutMembers(group)
      : await graph.stateChangesWithoutMembers(roomId, sent.upTo, membership.position)
  const people = new Set<string>([request.requester.userId, ...wanted.members, ...(wanted.lazy ? peopleIn(seen) : [])])
  const members = await graph.stateOf(
    group,
    [...people].map((userId) => ['m.room.member', userId] as const),
  )
  return { shown: [...whole.filter((event) => wantedOf(wanted, event)), ...members], whole }
}

function namesIn(state: readonly StateEvent[], initial: boolean): string[] {
  const parts: string[] = []
  for (const [type, key, field] of [
    ['m.room.name', 'name', 'name'],
    ['m.room.avatar', 'url', 'avatar'],
  ] as const) {
    const value = state.find(({ pdu }) => pdu.type === type && pdu.state_key === '')?.pdu.content[key]
    if (typeof value === 'string' && value !== '') parts.push(`"${field}":${JSON.stringify(value)}`)
    else if (value !== undefined && !initial) parts.push(`"${field}":null`)
  }
  return parts
}

function isAfter({ position = 0 }: TimelineEvent, since: number): boolean {
  return position > since
}

function answerOf(look: Look, { membership, wanted, roomId }: Match, parts: readonly string[]): RoomAnswer {
  return {
    text: `{${parts.join(',')}}`,
    sent: {
      upTo: look.upTo,
      membership: membership.membership,
      held: 0,
      wanted,
      members: new Set(),
      isDm: look.dms.has(roomId),
      counts: '',
    },
    from: look.upTo,
  }
}
