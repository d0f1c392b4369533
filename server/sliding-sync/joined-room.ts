import { heroesOf } from '../core/heroes.ts'
import type { RoomId, UserId } from '../core/ids.ts'
import { encodeToken } from '../core/stream-token.ts'
import type { RoomView, StateEvent } from '../graph/graph.ts'
import { encodePlace } from '../graph/place-token.ts'
import type { SentRoom } from './connections.ts'
import type { Match } from './matching.ts'
import type { Look, RoomAnswer } from './room-answer.ts'
import { commonText, stateText, timelineText } from './room-text.ts'
import { currentState, memberEvents, newlyWanted, peopleIn, wantedOf } from './shown-state.ts'
import { readTimeline, type Timeline } from './timeline.ts'

type Room = { readonly look: Look; readonly match: Match; readonly view: RoomView; readonly timeline: Timeline }

const mostMembers = 100
const nobody: ReadonlySet<UserId> = new Set()

/** The counts of a room in which nothing is unread. */
export const nothingUnread = countsOf(0, 0)

/**
 * What is new of a room that the user is in; all of it when the connection has not told it yet, or not since the user came in again. Without text when
 * there is nothing to say, undefined when there is no such room.
 */
export async function joinedRoom(look: Look, match: Match, before: SentRoom | undefined): Promise<RoomAnswer | undefined> {
  const view = await look.tools.graph.room(match.roomId)
  if (view === undefined) return undefined
  const sent = before?.membership === 'join' && before.upTo >= match.membership.joinedAt ? before : undefined
  const timeline = await readTimeline(look, match, sent)
  const room = { look, match, view, timeline }
  const state = await (sent === undefined ? wholeState(room) : changedState(room, sent))
  const isDm = look.dms.has(match.roomId)
  const counts = await countsText(look, match.roomId)
  const isNews = sent === undefined || timeline.isNews || state.length > 0 || isDm !== sent.isDm || counts !== sent.counts
  const parts = isNews ? await partsOf(room, sent, state, isDm, counts) : []
  return {
    text: isNews ? `{${parts.join(',')}}` : undefined,
    sent: {
      upTo: look.upTo,
      membership: 'join',
      held: timeline.held,
      wanted: match.wanted,
      members: toldMembers(room, sent, state),
      isDm,
      counts,
    },
    from: timeline.seen[0]?.event.position ?? look.upTo,
  }
}

async function partsOf(
  room: Room,
  sent: SentRoom | undefined,
  state: readonly StateEvent[],
  isDm: boolean,
  counts: string,
): Promise<string[]> {
  const { look, match, timeline } = room
  const parts = commonText(match, sent === undefined, look.bumps.get(match.roomId) ?? match.activity)
  if (timeline.expanded) parts.push('"unstable_expanded_timeline":true')
  parts.push(...(await nameParts(room, sent)), counts)
  if (isDm !== (sent?.isDm ?? false)) parts.push(`"is_dm":${isDm}`)
  if (state.length > 0) parts.push(`"required_state":${stateText(look, state)}`)
  if (timeline.seen.length > 0) parts.push(`"timeline":${await timelineText(look, timeline)}`)
  if (timeline.seen.length > 0 || timeline.limited) {
    const first = timeline.seen[0]?.event
    parts.push(`"prev_batch":"${first === undefined ? encodeToken(look.upTo) : encodePlace(room.view.placeBefore(first))}"`)
    parts.push(`"limited":${timeline.limited},"num_live":${timeline.live}`)
  }
  return parts
}

/** Name, avatar, counts of members, and whom to call a room by that has no name: as far as they may have changed. */
async function nameParts({ look, view, timeline }: Room, sent: SentRoom | undefined): Promise<string[]> {
  const parts: string[] = []
  const changed = (type: string) => sent === undefined || timeline.changed.some(({ pdu }) => pdu.type === type)
  const name = textIn(view.state('m.room.name', ''), 'name')
  const avatar = textIn(view.state('m.room.avatar', ''), 'url')
  const renamed = changed('m.room.name')
  const moved = changed('m.room.member') || timeline.gap
  if (renamed && (name !== undefined || sent !== undefined)) parts.push(`"name":${JSON.stringify(name ?? null)}`)
  if (changed('m.room.avatar') && (avatar !== undefined || sent !== undefined)) parts.push(`"avatar":${JSON.stringify(avatar ?? null)}`)
  if (moved) parts.push(`"joined_count":${view.memberCount('join')},"invited_count":${view.memberCount('invite')}`)
  if (name === undefined && (moved || renamed)) parts.push(`"heroes":${await heroesText(look, view)}`)
  return parts
}

async function heroesText({ tools, request }: Look, view: RoomView): Promise<string> {
  const heroes = heroesOf(view, request.requester.userId)
  const members = await tools.graph.members(view.roomId, heroes)
  return JSON.stringify(
    heroes.map((userId) => {
      const event = members.get(userId)
      const displayname = textIn(event, 'displayname')
      const avatarUrl = textIn(event, 'avatar_url')
      return {
        user_id: userId,
        ...(displayname === undefined ? {} : { displayname }),
        ...(avatarUrl === undefined ? {} : { avatar_url: avatarUrl }),
      }
    }),
  )
}

function textIn(event: StateEvent | undefined, key: string): string | undefined {
  const value = event?.pdu.content[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

async function countsText({ tools: { graph, people }, request }: Look, roomId: RoomId): Promise<string> {
  const { main, threads } = await graph.unread(roomId, await people.pushReader(request.requester.userId))
  let { notifications, highlights } = main
  for (const count of threads.values()) {
    notifications += count.notifications
    highlights += count.highlights
  }
  return countsOf(notifications, highlights)
}

function countsOf(notifications: number, highlights: number): string {
  return `"notification_count":${notifications},"highlight_count":${highlights}`
}

async function wholeState({ look, match, view, timeline }: Room): Promise<StateEvent[]> {
  const { wanted } = match
  const members = new Set([...wanted.members, ...(wanted.lazy ? peopleIn(timeline.seen) : [])])
  return [...currentState(view, wanted), ...(await memberEvents(look.tools.graph, view, wanted, members))]
}

/** What changed of what is wanted, what is wanted newly, and those who are in the timeline and were not told yet. */
async function changedState({ look, match, view, timeline }: Room, sent: SentRoom): Promise<StateEvent[]> {
  const { wanted } = match
  const { graph } = look.tools
  const changed = timeline.changed.filter((event) => (isMember(event) && wanted.lazy) || wantedOf(wanted, event))
  const more = wanted.key === sent.wanted.key ? [] : newlyWanted(view, wanted, sent.wanted)
  const people = new Set<UserId>(wanted.lazy ? peopleIn(timeline.seen) : [])
  if (!timeline.gap) for (const userId of sent.members) people.delete(userId)
  // Of a gap it is not known which members changed.
  for (const userId of wanted.members) if (timeline.gap || !sent.wanted.members.has(userId)) people.add(userId)
  const whole = wanted.allMembers && (timeline.gap || !sent.wanted.allMembers)
  const members = people.size === 0 && !whole ? [] : await memberEvents(graph, view, { ...wanted, allMembers: whole }, people)
  const known = new Set(changed.map(({ eventId }) => eventId))
  return [...changed, ...[...more, ...members].filter(({ eventId }) => !known.has(eventId))]
}

function isMember({ pdu }: StateEvent): boolean {
  return pdu.type === 'm.room.member'
}

/** After a gap a client has forgotten who was told; so it does when there were too many. */
function toldMembers({ match, timeline }: Room, sent: SentRoom | undefined, state: readonly StateEvent[]): ReadonlySet<UserId> {
  if (!match.wanted.lazy) return nobody
  const told = state.filter(isMember).map(({ pdu }) => pdu.state_key as UserId)
  if (sent === undefined || timeline.gap) return new Set(told.slice(-mostMembers))
  if (told.every((userId) => sent.members.has(userId))) return sent.members
  const all = new Set([...sent.members, ...told])
  return all.size > mostMembers ? new Set(told.slice(-mostMembers)) : all
}
