import type { RoomId } from '../core/ids.ts'
import type { Seen, StateEvent, TimelineEvent } from '../graph/graph.ts'
import { sinceGap } from '../graph/since-gap.ts'
import type { SentRoom } from './connections.ts'
import type { Match } from './matching.ts'
import type { Look } from './room-answer.ts'

/** A stretch of a room's newest events, as it is told. */
export type Timeline = {
  readonly events: readonly TimelineEvent[]
  readonly seen: readonly Seen[]
  /** There is more before it that the client does not hold. */
  readonly limited: boolean
  /** It reaches further back than what is new, since more is asked for than before. */
  readonly expanded: boolean
  /** Between what the client was told before and this is something that it is not told. */
  readonly gap: boolean
  /** State that changed since the room was told last; over a gap without memberships. */
  readonly changed: readonly StateEvent[]
  /** How many of its events came since the connection's last answer. */
  readonly live: number
  /** How many of the newest events the client holds with it. */
  readonly held: number
  readonly isNews: boolean
}

/** Reads what is new of a joined room's timeline: all that its limit lets through when it was not told yet, or when the limit has grown. */
export async function readTimeline(look: Look, match: Match, sent: SentRoom | undefined): Promise<Timeline> {
  const { tools, request, upTo } = look
  const { roomId, timelineLimit: limit } = match
  const expanded = sent !== undefined && limit > sent.held
  const after = sent === undefined || expanded ? 0 : sent.upTo
  const isQuiet = sent !== undefined && match.activity <= sent.upTo
  if (isQuiet && !expanded) return { ...silence, held: sent.held }
  const { events, limited: cut } = sinceGap(await tools.graph.arrived(roomId, after, upTo, limit))
  const seen = await tools.graph.visible(events, request.requester.userId)
  const since = look.since
  const newer = sent === undefined ? events : events.filter(({ position = 0 }) => position > sent.upTo)
  const gap = sent !== undefined && !isQuiet && cut && newer.length === events.length
  return {
    events,
    seen,
    limited: cut || seen.length < events.length,
    expanded,
    gap,
    changed: sent === undefined ? [] : await changedState(look, roomId, { after: sent.upTo, gap, newer }),
    live: since === undefined ? 0 : seen.filter(({ event }) => (event.position ?? 0) > since).length,
    held: heldWith({ cut, limit, count: events.length }, after === 0 || gap ? undefined : sent),
    isNews: seen.length > 0 || cut,
  }
}

const silence = { events: [], seen: [], limited: false, expanded: false, gap: false, changed: [], live: 0, isNews: false } as const

/** A limit that was met once is not taken for grown again, even if fewer events could be shown. */
function heldWith(read: { cut: boolean; limit: number; count: number }, sent: SentRoom | undefined): number {
  if (sent !== undefined && !read.cut) return sent.held + read.count
  return read.cut ? Math.max(read.limit, read.count) : Number.POSITIVE_INFINITY
}

/** What changed of the state: the newest events tell, unless there is a gap, or the room had forked. */
async function changedState(
  { tools: { graph }, upTo }: Look,
  roomId: RoomId,
  { after, gap, newer }: { readonly after: number; readonly gap: boolean; readonly newer: readonly TimelineEvent[] },
): Promise<readonly StateEvent[]> {
  if (gap) return graph.stateChangesWithoutMembers(roomId, after, upTo)
  const room = await graph.room(roomId)
  return room !== undefined && room.resolvedAt > after ? graph.stateChanges(roomId, after, upTo) : newestState(newer)
}

/** The last of each type and state key. */
function newestState(events: readonly TimelineEvent[]): StateEvent[] {
  const last = new Map<string, StateEvent>()
  for (const { eventId, pdu } of events) if (pdu.state_key !== undefined) last.set(`${pdu.type}\0${pdu.state_key}`, { eventId, pdu })
  return [...last.values()]
}
