import { notificationLevel, type PowerScope, powerScope, userPower } from '../../core/event-auth/power-levels.ts'
import type { EventId, RoomId, UserId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { PushContext } from '../../core/push-conditions.ts'
import type { PushReader } from '../../core/push-reader.ts'
import { type CompiledRules, evaluate } from '../../core/push-rules.ts'
import type { Home } from '../../home.ts'
import { selectArrived } from '../events.store.ts'
import type { MovingContext, TimelineEvent } from '../graph.ts'
import { type Room, stateKeyOf, type Tally } from '../room.ts'
import { eventOf } from '../stored-event.ts'
import { pushEvent } from './push-event.ts'
import { countApart, countHighlights, selectLastSaid, selectNotifyingAt, selectReadPositions } from './unread.store.ts'
import type { Unread, UnreadCount } from './unread-count.ts'

type Tools = Pick<Home, 'database'>

/** How far back a reader with rules of their own is looked after: what is older and unread is not counted any more. */
export const mostWeighed = 500
export const none: UnreadCount = Object.freeze({ notifications: 0, highlights: 0 })

/** Counts what is unread for a reader up to the room's head. */
export async function countUnread(tools: Tools, room: Room, reader: PushReader, joinedAt: number): Promise<Tally> {
  const { position: upTo, notifying } = room
  const { roomId } = room
  const { way } = reader.inRoom(roomId)
  const { read, said } = await readUpTo(tools, reader.userId, roomId, joinedAt, upTo)
  const tally: Tally = { reader, upTo, main: none, threads: new Map(), read }
  if (way === 'silent') return tally
  if (way === 'own' || ignoresMember(room, reader)) await countByRules(tools, room, tally)
  else await countByDefault(tools, room, tally, notifying, said)
  return tally
}

/** Whether somebody of the room is ignored: then the room's counters do not hold for this reader. */
export function ignoresMember({ members }: Room, { ignored }: PushReader): boolean {
  for (const userId of ignored) if (members.has(userId)) return true
  return false
}

async function readUpTo({ database }: Tools, userId: UserId, roomId: RoomId, joinedAt: number, upTo: number) {
  const [rows, said] = await Promise.all([
    database.select(selectReadPositions, userId, roomId, userId, roomId),
    database.selectOne(selectLastSaid, userId, roomId, upTo),
  ])
  const marks = new Map(rows.map((row) => [row.thread_id, row.position]))
  const all = Math.max(marks.get('') ?? 0, joinedAt)
  const main = Math.max(all, marks.get('main') ?? 0, said?.position ?? 0)
  marks.delete('')
  marks.delete('main')
  return { read: { all, main, threads: marks as Map<EventId, number> }, said }
}

/** For those with the predefined rules: the room's counter, less what it has of threads and redacted events, more what mentions alone notify. */
async function countByDefault(
  { database }: Tools,
  room: Room,
  tally: Tally,
  notifying: number,
  said: { notifying: number; position: number } | undefined,
): Promise<void> {
  const { roomId } = room
  const { upTo, read, threads, reader } = tally
  const { userId } = reader
  const readNotifying =
    said?.position === read.main ? said.notifying : ((await database.selectOne(selectNotifyingAt, roomId, read.main))?.notifying ?? 0)
  let notifications = notifying - readNotifying
  let highlights = 0
  const apart = room.apartAt > read.all ? await database.select(countApart, read.main, userId, roomId, read.all, upTo) : []
  for (const row of apart) {
    notifications -= row.less
    if (row.thread_id !== '') add(threads, row.thread_id as EventId, row.unread, 0)
  }
  const { main } = read
  const loud = room.mentionedAt > read.all ? await database.select(countHighlights, main, main, userId, userId, roomId, read.all, upTo) : []
  for (const row of loud) {
    if (row.thread_id !== '') add(threads, row.thread_id as EventId, row.extra, row.highlights)
    else {
      notifications += row.extra
      highlights = row.highlights
    }
  }
  tally.main = { notifications, highlights }
}

async function countByRules(tools: Tools, room: Room, tally: Tally): Promise<void> {
  const { roomId, apartAt } = room
  const { upTo, read } = tally
  const context = contextOf(room, tally.reader)
  const after = apartAt > read.all ? read.all : read.main
  if (after >= upTo) return
  const events =
    after >= room.timelineFrom
      ? room.timeline.filter(({ position = 0 }) => position > after && position <= upTo).reverse()
      : (await tools.database.select(selectArrived, roomId, after, upTo, mostWeighed)).map(eventOf)
  weigh(events, tally, tally.reader.inRoom(roomId).compiled, context)
}

/** Evaluates events under the reader's rules, the newest first; none of them may be the reader's own. */
export function weigh(newestFirst: readonly TimelineEvent[], tally: Tally, rules: CompiledRules, context: MovingContext): void {
  const { reader, read, threads } = tally
  for (const event of newestFirst) {
    context.before(event)
    const { pdu, position = 0, redactedBy, thread: threadId } = event
    if (redactedBy !== undefined || pdu.sender === reader.userId || reader.ignored.has(pdu.sender)) continue
    if (position <= (threadId === undefined ? read.main : Math.max(read.all, read.threads.get(threadId) ?? 0))) continue
    const { notify, highlight } = evaluate(rules, pushEvent(event), context.now)
    if (!notify) continue
    if (threadId !== undefined) add(threads, threadId, 1, highlight ? 1 : 0)
    else tally.main = plus(tally.main, 1, highlight ? 1 : 0)
  }
}

/** The context at a room's head. */
export function contextOf(room: Room, { userId }: Pick<PushReader, 'userId'>): MovingContext {
  const stateOf = (type: string, stateKey: string) => room.state.get(stateKeyOf(type, stateKey))?.pdu
  let scope: PowerScope = powerScope(stateOf, room.rules)
  let memberCount = room.counts.get('join') ?? 0
  let displayName = nameIn(stateOf('m.room.member', userId)?.content)
  let sender: UserId = userId
  const now: PushContext = {
    userId,
    get displayName() {
      return displayName
    },
    get memberCount() {
      return memberCount
    },
    get senderPower() {
      return userPower(scope, sender)
    },
    notificationLevel: (key) => notificationLevel(scope, key),
  }
  return {
    now,
    before: ({ pdu, replacedContent }) => {
      sender = pdu.sender
      if (pdu.type === 'm.room.power_levels' && pdu.state_key === '') scope = { ...scope, levels: replacedContent }
      if (pdu.type !== 'm.room.member') return
      memberCount += (replacedContent?.['membership'] === 'join' ? 1 : 0) - (pdu.content['membership'] === 'join' ? 1 : 0)
      if (pdu.state_key === userId) displayName = nameIn(replacedContent)
    },
  }
}

/** A count with more. */
export function plus({ notifications, highlights }: UnreadCount, more: number, loud: number): UnreadCount {
  return { notifications: notifications + more, highlights: highlights + loud }
}

/** Adds to a thread's count. */
export function add(threads: Map<EventId, UnreadCount>, threadId: EventId, more: number, loud: number): void {
  if (more > 0 || loud > 0) threads.set(threadId, plus(threads.get(threadId) ?? none, more, loud))
}

/** What a tally says. */
export function unreadOf({ main, threads, read }: Tally): Unread {
  return { main, threads, read }
}

function nameIn(content: JsonObject | undefined): string | undefined {
  const name = content?.['displayname']
  return typeof name === 'string' ? name : undefined
}
