import { setImmediate } from 'node:timers/promises'
import type { RoomId } from '../core/ids.ts'
import type { Section, Tools } from '../slice.ts'
import type { Logged } from '../storage/database.ts'
import type { AccountFacts } from './account-facts.ts'
import type { Connection, SentRoom } from './connections.ts'
import { type ExtensionsText, tellExtensions } from './extensions.ts'
import { joinedRoom, nothingUnread } from './joined-room.ts'
import { type Match, matchRooms } from './matching.ts'
import { invitedRoom, leftRoom } from './other-rooms.ts'
import type { Look, RoomAnswer } from './room-answer.ts'
import type { SlidingSyncRequest } from './sliding-sync-request.ts'

export type SlidingTools = Tools & { readonly facts: AccountFacts }

/** What a look found. */
export type Found = {
  readonly upTo: number
  readonly counts: ReadonlyMap<string, number>
  /** Rooms as JSON text. */
  readonly rooms: ReadonlyMap<RoomId, string>
  readonly extensions: ExtensionsText
  /** What the client holds of rooms once it has the answer. */
  readonly changes: ReadonlyMap<RoomId, SentRoom>
  /** The rooms that extensions told of. */
  readonly covered: ReadonlySet<RoomId>
}

/** More wait for the next answer, which follows at once. */
const mostRooms = 500
const mostText = 4 * 1024 * 1024
const roomsAtOnce = 10

/** Nothing that is worth ending a long poll for. */
export function isEmpty({ rooms, extensions }: Found): boolean {
  return rooms.size === 0 && !extensions.isNews
}

/** Looks at what there is for a connection, from what it was told up to now. */
export async function look(
  tools: SlidingTools,
  sections: readonly Section[],
  keys: ReadonlySet<string>,
  connection: Connection,
  request: SlidingSyncRequest,
): Promise<Found> {
  const matched = await matchRooms(tools, request, connection)
  const { upTo, matches, dms } = matched
  const since = request.pos === undefined ? undefined : connection.stand.position
  const rows = since === undefined ? undefined : tools.home.notifier.changes(keys, since, upTo)
  const isRead = mayBeRead(rows)
  const chosen = [...matches.values()].filter((match) => mayHaveNews(match, connection, dms, isRead)).slice(0, mostRooms)
  const joined = chosen.filter(({ membership }) => membership.membership === 'join').map(({ roomId }) => roomId)
  const bumps = joined.length === 0 ? new Map<RoomId, number>() : await tools.graph.bumpStamps(joined, upTo)
  const answers = await tellRooms({ tools, request, since, upTo, dms, bumps }, chosen, connection)
  const known = new Map(
    [...matches].filter(([roomId, { membership }]) => membership.membership === 'join' && isKnown(roomId, connection, answers)),
  )
  const extensions = await tellExtensions(sections, { request, since, rows, known, answers, connection, ...matched })
  const texts = [...answers].flatMap(([roomId, { text }]) => (text === undefined ? [] : [[roomId, text] as const]))
  return {
    upTo,
    counts: matched.counts,
    rooms: new Map(texts),
    extensions,
    changes: new Map([...answers].map(([roomId, { sent }]) => [roomId, sent])),
    covered: new Set(known.keys()),
  }
}

function isKnown(roomId: RoomId, { sent }: Connection, answers: ReadonlyMap<RoomId, RoomAnswer>): boolean {
  return answers.has(roomId) || sent.get(roomId)?.membership === 'join'
}

/** Told by what is in memory alone, so that rooms in which nothing happened cost nothing. */
function mayHaveNews(match: Match, { sent }: Connection, dms: ReadonlySet<RoomId>, isRead: (roomId: RoomId) => boolean): boolean {
  const { roomId, membership, activity, wanted, timelineLimit } = match
  const before = sent.get(roomId)
  if (before === undefined || before.membership !== membership.membership) return true
  if (membership.membership !== 'join') return membership.position > before.upTo
  const isChanged = activity > before.upTo || before.isDm !== dms.has(roomId) || before.wanted.key !== wanted.key
  return isChanged || timelineLimit > before.held || (before.counts !== nothingUnread && isRead(roomId))
}

/** The rooms in which somebody has read something: whose unread counts may have fallen. */
function mayBeRead(rows: readonly Logged[] | undefined): (roomId: RoomId) => boolean {
  if (rows === undefined || rows.some(({ kind }) => kind === 'private_receipt')) return () => true
  const read = new Set(rows.filter(({ kind }) => kind === 'receipt').map(({ key }) => key))
  return (roomId) => read.has(roomId)
}

/** Tells rooms a few at a time, so that a wide window holds up nobody else. */
async function tellRooms(at: Look, matches: readonly Match[], { sent }: Connection): Promise<Map<RoomId, RoomAnswer>> {
  const answers = new Map<RoomId, RoomAnswer>()
  let length = 0
  for (let from = 0; from < matches.length && length < mostText; from += roomsAtOnce) {
    if (from > 0) await setImmediate()
    const some = matches.slice(from, from + roomsAtOnce)
    const told = await Promise.all(some.map((match) => tellRoom(at, match, sent.get(match.roomId))))
    for (const [place, { roomId }] of some.entries()) {
      const answer = told[place]
      if (answer === undefined) continue
      answers.set(roomId, answer)
      length += answer.text?.length ?? 0
    }
  }
  return stillAllowed(at, matches, answers)
}

/** State is told as it is when it is read, and that is not for those who were sent away meanwhile: next they are told of that. */
async function stillAllowed(
  { tools, request }: Look,
  matches: readonly Match[],
  answers: Map<RoomId, RoomAnswer>,
): Promise<Map<RoomId, RoomAnswer>> {
  const { rooms } = await tools.graph.joinedRooms(request.requester.userId)
  for (const { roomId, membership } of matches) if (membership.membership === 'join' && !rooms.has(roomId)) answers.delete(roomId)
  return answers
}

function tellRoom(at: Look, match: Match, before: SentRoom | undefined): Promise<RoomAnswer | undefined> {
  switch (match.membership.membership) {
    case 'join':
      return joinedRoom(at, match, before)
    case 'invite':
    case 'knock':
      return invitedRoom(at, match)
    default:
      return leftRoom(at, match, before)
  }
}

/** The answer as JSON text. Without `txn_id`: to say it back would promise that the request is remembered, and need not be repeated. */
export function answerText(pos: string, { counts, rooms, extensions }: Found): string {
  const lists = [...counts].map(([name, count]) => `${JSON.stringify(name)}:{"count":${count}}`)
  const told = [...rooms].map(([roomId, text]) => `${JSON.stringify(roomId)}:${text}`)
  return `{"pos":"${pos}","lists":{${lists.join(',')}},"rooms":{${told.join(',')}},"extensions":${extensions.text}}`
}
