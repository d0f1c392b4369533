import type { RoomId, UserId } from '../core/ids.ts'
import { clientEventText } from '../graph/client-event.ts'
import type { TimelineEvent } from '../graph/graph.ts'
import type { AppService } from '../http/endpoint.ts'
import { isSessionOfService } from '../people/services.ts'
import type { Section, Tools } from '../slice.ts'
import type { Logged } from '../storage/database.ts'
import type { Interests } from './interests.ts'
import { askSections } from './pieces.ts'
import { countFitting, most, transactionText } from './transaction.ts'

type Needs = Pick<Tools, 'home' | 'graph'> & { readonly interests: Interests; readonly sections: readonly Section[] }

/** What there is to tell a service in (after, upTo]: a transaction's body, or nothing. */
export type Gathered = { readonly upTo: number; readonly text: string | undefined }

/** Rows of the log that a service may care for; the log was read up to `upTo`. */
type Scan = { readonly rows: readonly Logged[]; readonly upTo: number }

const page = 1000
const mostRows = 20_000
const aboutUsers = new Set(['device_list', 'presence', 'membership'])

/** Gathers the next transaction after a position: as much as there is up to `head` and as one transaction holds. */
export async function gather(needs: Needs, service: AppService, after: number, head: number): Promise<Gathered> {
  let limit = head
  while (true) {
    const scan = await scanLog(needs, service, after, limit)
    const events = await eventsOf(needs, service, after, scan)
    const texts = events.map((event) => eventText(needs, service, event))
    const fitting = countFitting(texts)
    const upTo = fitting < texts.length ? events[fitting - 1]!.position! : scan.upTo
    const told = await askSections(needs.sections, service, { after, upTo, ...(await roomsOf(needs, service, after, upTo, scan)) })
    const isTooMuch = told.ephemeral.length > most.ephemeral && upTo > after + 1
    limit = told.toDeviceUpTo ?? (isTooMuch ? after + Math.floor((upTo - after) / 2) : upTo)
    if (limit >= upTo) return { upTo, text: transactionText({ ...told, events: texts.slice(0, fitting) }, service) }
  }
}

async function scanLog({ home, interests }: Needs, service: AppService, after: number, head: number): Promise<Scan> {
  const rows: Logged[] = []
  let upTo = after
  let events = 0
  while (upTo < head && upTo - after < mostRows) {
    const read = await home.notifier.rows(upTo, head, page)
    if (read.length === 0) break
    for (const row of read) {
      if (!row.key.startsWith('!') || (await interests.ofRoom(row.key as RoomId)).has(service.id)) {
        if (row.kind === 'event' && ++events > most.events) return { rows, upTo }
        rows.push(row)
      }
      upTo = row.position
    }
  }
  return { rows, upTo }
}

/** In the order of their positions. */
async function eventsOf({ graph, interests }: Needs, service: AppService, after: number, { rows, upTo }: Scan): Promise<TimelineEvent[]> {
  const counts = new Map<RoomId, number>()
  for (const { kind, key } of rows) if (kind === 'event') counts.set(key as RoomId, (counts.get(key as RoomId) ?? 0) + 1)
  const found: TimelineEvent[] = []
  for (const [roomId, count] of counts) {
    const { events } = await graph.arrived(roomId, after, upTo, count)
    for (const event of events) if (await interests.inEvent(service, event)) found.push(event)
  }
  for (const { kind, key, position } of rows) {
    if (kind !== 'membership' || position > upTo || !interests.isOwn(service, key as UserId)) continue
    const event = await outsideEvent(graph, key as UserId, position)
    if (event !== undefined) found.push(event)
  }
  return found.sort((a, b) => a.position! - b.position!)
}

/** What one of the service's users became at a position in a room that this server is not in: an invitation, or the end of one. */
async function outsideEvent(graph: Needs['graph'], userId: UserId, position: number): Promise<TimelineEvent | undefined> {
  for (const [roomId, membership] of await graph.memberships(userId)) {
    if (membership.position === position) return (await graph.outside.find(userId, roomId))?.event
  }
  return undefined
}

/** Which rooms the sections are asked about: those in which something happened, and one of each user to whom something happened. */
async function roomsOf(needs: Needs, service: AppService, after: number, upTo: number, scan: Scan) {
  const isServed = service.receiveEphemeral || service.receiveDevices
  const rows = isServed ? scan.rows.filter(({ position }) => position <= upTo) : []
  const rooms = new Set<RoomId>()
  const newRooms = new Set<RoomId>()
  for (const { key } of rows) {
    const roomId = key as RoomId
    if (!key.startsWith('!') || rooms.has(roomId)) continue
    const since = await needs.interests.since(service, roomId)
    if (since === undefined || since > upTo) continue
    rooms.add(roomId)
    if (since > after) newRooms.add(roomId)
  }
  const users = new Set(rows.filter(({ kind }) => aboutUsers.has(kind)).map(({ key }) => key))
  for (const userId of users) {
    const shared = await sharedRoom(needs, service, userId as UserId)
    if (shared !== undefined) rooms.add(shared)
  }
  return { rows, rooms, newRooms }
}

async function sharedRoom({ graph, interests }: Needs, service: AppService, userId: UserId): Promise<RoomId | undefined> {
  for (const [roomId, { membership }] of await graph.memberships(userId)) {
    if (membership === 'join' && (await interests.since(service, roomId)) !== undefined) return roomId
  }
  return undefined
}

/** As `/sync` shows it to the sender's own session, and without a membership: a service is no member. */
function eventText({ home }: Needs, service: AppService, event: TimelineEvent): string {
  const { sentBy, pdu } = event
  const isOwn = sentBy !== undefined && isSessionOfService(service, pdu.sender, sentBy.session)
  const reader = { session: isOwn ? sentBy.session : '', userId: undefined, now: home.clock.now() }
  return clientEventText({ event, membership: undefined }, reader)
}
