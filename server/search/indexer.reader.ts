import type { EventId, RoomId } from '../core/ids.ts'
import type { TimelineEvent } from '../graph/graph.ts'
import type { Reader, Tools } from '../slice.ts'
import { guard, type Logged, type Write, write } from '../storage/database.ts'
import { createLogFollower, type Step } from '../storage/log-follower.ts'
import { type IndexStep, indexEvent, newStep } from './index-events.ts'
import { selectProgress, selectProgressAt, updateProgress } from './search.store.ts'
import { breath, type WordIndex } from './word-index.ts'

/** Puts events into the index some time after they were sent, so that sending costs nothing more. */
export type Indexer = {
  readonly reader: Reader
  /** Resolves once everything up to a position is in the index, or after the time. */
  readonly reached: (position: number, milliseconds: number) => Promise<void>
}

const mostRows = 300
const mostUnstored = 1000
/** The log's kind of an event that another server gave of a room's past; its key is the event. */
const pastKind = 'history'
const pastAtOnce = 10

type Needs = Pick<Tools, 'home' | 'graph'> & { readonly index: WordIndex }

/** An indexer with a position of its own in the database; of several processes, the first to write a step wins it. */
export function createIndexer(needs: Needs): Indexer {
  const { start, stop, reached } = createLogFollower(needs.home, { name: 'search', kinds: ['event', pastKind], step: () => step(needs) })
  return { reader: { name: 'search', start, stop }, reached }
}

/** Indexes the next rows of the log after the position on disk. */
async function step(needs: Needs): Promise<Step> {
  const { database, notifier } = needs.home
  const position = (await database.selectOne(selectProgress))?.position ?? 0
  const head = notifier.position()
  if (head <= position) return { upTo: position, isBehind: false }
  const rows = await notifier.rows(position, head, mostRows)
  const isBehind = rows.length === mostRows
  const upTo = isBehind ? rows.at(-1)!.position : head
  const writes = await writesOf(needs, rows)
  if (writes.length === 0 && !isBehind && upTo - position < mostUnstored) return { upTo, isBehind }
  const unmoved = guard('progress', 'row', selectProgressAt, position)
  const { ok } = await database.commit({ guards: [unmoved], writes: [...writes, write(updateProgress, upTo)] })
  return ok ? { upTo, isBehind } : { upTo: position, isBehind: true }
}

async function writesOf(needs: Needs, rows: readonly Logged[]): Promise<Write[]> {
  const step = newStep(needs.home.clock.now())
  const spans = new Map<string, { first: number; last: number }>()
  for (const { kind, key, position } of rows) {
    if (kind === 'event') spans.set(key, { first: spans.get(key)?.first ?? position, last: position })
  }
  for (const [roomId, { first, last }] of spans) {
    for (const event of await eventsIn(needs, roomId as RoomId, first, last)) await indexEvent(needs, step, event, event.position ?? first)
  }
  await indexPast(
    needs,
    step,
    rows.filter(({ kind }) => kind === pastKind),
  )
  return step.writes
}

async function eventsIn({ graph }: Needs, roomId: RoomId, first: number, last: number): Promise<TimelineEvent[]> {
  return (await graph.arrived(roomId, first - 1, last, mostRows)).events
}

/** What other servers gave of the past: a few events at a time. */
async function indexPast(needs: Needs, step: IndexStep, rows: readonly Logged[]): Promise<void> {
  for (let from = 0; from < rows.length; from += pastAtOnce) {
    if (from > 0) await breath()
    const page = rows.slice(from, from + pastAtOnce)
    const events = new Map(
      (await needs.graph.events(page.map(({ key }) => key as EventId))).map((event) => [event.eventId as string, event]),
    )
    for (const { key, position } of page) {
      const event = events.get(key)
      if (event !== undefined) await indexEvent(needs, step, event, position)
    }
  }
}
