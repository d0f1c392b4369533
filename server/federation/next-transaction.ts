import type { EventId, RoomId, ServerName } from '../core/ids.ts'
import type { TimelineEvent } from '../graph/graph.ts'
import type { Tools } from '../slice.ts'
import { type Write, write } from '../storage/database.ts'
import type { PduTexts } from './pdu-texts.ts'
import {
  deleteEdus,
  deleteMissed,
  deletePdus,
  type PduRow,
  selectEdus,
  selectMissed,
  selectPdus,
  upsertTransaction,
} from './queue.store.ts'
import { type Contents, countFitting, most } from './transaction-text.ts'

type Needs = Pick<Tools, 'home' | 'graph'> & { readonly texts: PduTexts }

/** The next of what waits for a destination, and what takes it off; `isAll` when nothing is left. */
export type Next = { readonly contents: Contents; readonly about: About; readonly taken: readonly Write[]; readonly isAll: boolean }

/** What is kept of a transaction beside its bytes: its first event, the position of its last, how many it holds. */
export type About = {
  readonly first: EventId | undefined
  readonly position: number | undefined
  readonly pdus: number
  readonly edus: number
}

export function aboutOf(events: readonly TimelineEvent[], edus: number): About {
  const position = events.reduce((last, event) => Math.max(last, event.position ?? 0), 0)
  return { first: events[0]?.eventId, position: position === 0 ? undefined : position, pdus: events.length, edus }
}

/** What puts a destination's transaction on the disk. */
export function putTransaction(destination: ServerName, id: string, body: Buffer, { first, position, pdus, edus }: About): Write {
  return write(upsertTransaction, destination, id, body, first ?? null, position ?? null, pdus, edus)
}

/** Rooms in which a destination missed much come first: of each it gets the newest events, and asks for those before. Messages to devices go however long they have waited. */
export async function readNext(needs: Needs, destination: ServerName): Promise<Next> {
  const { database } = needs.home
  const [missed, waiting, edus] = await Promise.all([
    database.select(selectMissed, destination, most.pdus),
    database.select(selectPdus, destination, most.pdus + 1),
    database.select(selectEdus, destination, most.edus + 1),
  ])
  const taken: Write[] = []
  const now = needs.home.clock.now()
  const fresh = edus.filter(({ edu_key: key, kept_until: until }) => key === '' || until === null || until > now)
  const fitting = fresh.slice(0, countFitting(fresh.map(({ body }) => body)))
  const isAllFresh = fitting.length === fresh.length
  const lastEdu = isAllFresh ? edus.at(-1) : fitting.at(-1)
  if (lastEdu !== undefined) taken.push(write(deleteEdus, destination, lastEdu.position, lastEdu.position, lastEdu.ordinal))
  const events = missed.length > 0 ? await newestOf(needs, destination, missed, taken) : await eventsOf(needs, waiting.slice(0, most.pdus))
  const lastPdu = waiting.slice(0, most.pdus).at(-1)
  if (missed.length === 0 && lastPdu !== undefined) taken.push(write(deletePdus, destination, lastPdu.position))
  const pdus = events.map(needs.texts).filter((text) => text !== undefined)
  const isAll = missed.length === 0 && waiting.length <= most.pdus && isAllFresh && edus.length <= most.edus
  const contents = { pdus, edus: fitting.map(({ body }) => Buffer.from(body).toString()) }
  return { contents, about: aboutOf(events, fitting.length), taken, isAll }
}

async function eventsOf({ graph }: Needs, rows: readonly PduRow[]): Promise<TimelineEvent[]> {
  if (rows.length === 0) return []
  const found = new Map((await graph.events(rows.map((row) => row.event_id as EventId))).map((event) => [event.eventId, event]))
  return rows.map((row) => found.get(row.event_id as EventId)).filter((event) => event !== undefined)
}

/** The newest events of rooms that the destination may read, as many rooms as one transaction holds; without any, the last that was meant for it. */
async function newestOf(needs: Needs, destination: ServerName, missed: readonly PduRow[], taken: Write[]): Promise<TimelineEvent[]> {
  const events: TimelineEvent[] = []
  for (const row of missed) {
    const newest = await needs.graph.forServers.newest(row.room_id as RoomId, destination)
    const ids = newest.length > 0 ? newest : [row.event_id as EventId]
    if (events.length > 0 && events.length + ids.length > most.pdus) break
    events.push(...(await needs.graph.events(ids.slice(0, most.pdus))))
    taken.push(write(deleteMissed, destination, row.room_id, row.position))
  }
  return events
}
