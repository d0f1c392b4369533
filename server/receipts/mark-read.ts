import { type EventId, type RoomId, serverNameOf, type UserId } from '../core/ids.ts'
import { conflict, invalidParam } from '../core/matrix-error.ts'
import type { Graph, TimelineEvent } from '../graph/graph.ts'
import type { Home } from '../home.ts'
import { accountDataChange, readAccountData } from '../people/account-data.ts'
import { type Guard, guard, type LogRow, type Write, write } from '../storage/database.ts'
import { insertReceipt, selectReceipt, selectReceiptAt, upsertReceipt } from './receipts.store.ts'

export const markers = ['m.fully_read', 'm.read', 'm.read.private'] as const

/** What a user has read: up to which event, and in which thread (`main`, its root, or none at all); `at` is when, now without it. */
export type Mark = {
  readonly type: (typeof markers)[number]
  readonly eventId: EventId
  readonly threadId: string | undefined
  readonly at?: number
}

const tries = 10

type Tools = {
  readonly home: Pick<Home, 'database' | 'clock' | 'serverName'>
  readonly graph: Pick<Graph, 'event' | 'isOfThread' | 'readMarker'>
}
type Changes = { readonly guards: Guard[]; readonly writes: Write[]; readonly log: LogRow[]; readonly applied: (() => void)[] }

/**
 * Moves a user's receipts and markers in a room, all in one part. One that would go back stays where it is; an event that is not known here
 * (yet) is taken as it comes. Throws `M_INVALID_PARAM` for an event of another room or thread.
 */
export async function markRead(tools: Tools, userId: UserId, roomId: RoomId, marks: readonly Mark[]): Promise<void> {
  // Of two at once the second looks again, so that none overtakes the other backwards.
  for (let left = tries; left > 0; left--) if (await tryToMark(tools, userId, roomId, marks)) return
  throw conflict('this room is read by too many sessions at once')
}

/** False when one of the receipts was moved meanwhile. */
async function tryToMark({ home, graph }: Tools, userId: UserId, roomId: RoomId, marks: readonly Mark[]): Promise<boolean> {
  const changes: Changes = { guards: [], writes: [], log: [], applied: [] }
  for (const mark of marks) {
    const event = await graph.event(mark.eventId)
    if (event && event.roomId !== roomId) throw invalidParam('the event is not in this room')
    if (event && mark.threadId !== undefined && !(await graph.isOfThread(event, mark.threadId))) {
      throw invalidParam('the event is not related to this thread')
    }
    const before = await eventMarked(home, userId, roomId, mark)
    if (event && before !== undefined && isBefore(event, await graph.event(before))) continue
    if (mark.type === 'm.fully_read') addMarker(changes, userId, roomId, mark.eventId)
    else addReceipt(changes, mark.at ?? home.clock.now(), userId, roomId, mark, before)
    // What is unread is counted for users of this server alone.
    if (mark.type !== 'm.fully_read' && event?.position !== undefined && serverNameOf(userId) === home.serverName) {
      const moved = graph.readMarker(userId, roomId, event.position, mark.threadId)
      changes.writes.push(...moved.writes)
      changes.log.push(...moved.log)
      changes.applied.push(moved.applied)
    }
  }
  if (changes.writes.length === 0) return true
  const applied = () => {
    for (const apply of changes.applied) apply()
  }
  const { guards, writes, log } = changes
  return (await home.database.commit({ guards, writes, log, applied })).ok
}

async function eventMarked({ database }: Pick<Home, 'database'>, userId: UserId, roomId: RoomId, mark: Mark): Promise<EventId | undefined> {
  if (mark.type === 'm.fully_read') {
    const content = await readAccountData(database, userId, roomId, 'm.fully_read')
    return content?.['event_id'] as EventId | undefined
  }
  const row = await database.selectOne(selectReceipt, roomId, userId, mark.type, mark.threadId ?? '')
  return row?.event_id as EventId | undefined
}

function isBefore(event: TimelineEvent, marked: TimelineEvent | undefined): boolean {
  if (!marked) return false
  return event.depth < marked.depth || (event.depth === marked.depth && event.order < marked.order)
}

function addMarker({ writes, log }: Changes, userId: UserId, roomId: RoomId, eventId: EventId): void {
  const change = accountDataChange(userId, roomId, 'm.fully_read', { event_id: eventId }, log.length)
  writes.push(change.write)
  log.push(change.log)
}

function addReceipt(
  { guards, writes, log }: Changes,
  now: number,
  userId: UserId,
  roomId: RoomId,
  { type, eventId, threadId = '' }: Mark,
  before: EventId | undefined,
): void {
  const key = [roomId, userId, type, threadId] as const
  if (before === undefined) guards.push(guard('unmoved', 'no row', selectReceipt, ...key))
  else guards.push(guard('unmoved', 'row', selectReceiptAt, ...key, before))
  // Of two that are the first at once, the second collides on the key, is written again and fails its guard.
  writes.push(write(before === undefined ? insertReceipt : upsertReceipt, ...key, eventId, now, log.length))
  log.push(type === 'm.read' ? { kind: 'receipt', key: roomId } : { kind: 'private_receipt', key: userId })
}
