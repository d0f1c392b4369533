import type { EventId, UserId } from '../../core/ids.ts'
import { relationOf } from '../../core/relation.ts'
import type { Home } from '../../home.ts'
import { clientEventText } from '../client-event.ts'
import { selectEvents } from '../events.store.ts'
import type { BundleReader, Graph, Seen, TimelineEvent } from '../graph.ts'
import { eventOf } from '../stored-event.ts'
import { selectAggregated, selectReferences, selectReplacements, selectThreads } from './relations.store.ts'

type Tools = Pick<Home, 'database'> & { readonly visible: Graph['visible'] }
type Thread = { readonly latest: EventId; readonly count: number; readonly participated: boolean }
type Found = {
  readonly replacements: ReadonlyMap<string, EventId>
  readonly threads: ReadonlyMap<string, Thread>
  readonly references: ReadonlyMap<string, readonly string[]>
}

const mostReferences = 1000

/** Aggregates what relates to the events of a page. https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events */
export function createBundles({ database }: Pick<Home, 'database'>, visible: Graph['visible']): Graph['bundles'] {
  return (events, reader) => bundlesOf({ database, visible }, events, reader, true)
}

/**
 * Bundles of the newest events of a room. What relates to an event comes after it: only those that others of `events` relate to are looked up.
 */
export async function bundlesAmong(
  graph: Pick<Graph, 'bundles'>,
  seen: readonly Seen[],
  events: readonly TimelineEvent[],
  reader: BundleReader,
): Promise<ReadonlyMap<EventId, string> | undefined> {
  const related = new Set(events.map(({ pdu }) => relationOf(pdu.content)?.eventId))
  const parents = seen.filter(({ event }) => related.has(event.eventId))
  return parents.length === 0 ? undefined : graph.bundles(parents, reader)
}

async function bundlesOf(
  tools: Tools,
  events: readonly Seen[],
  reader: BundleReader,
  withThreads: boolean,
): Promise<ReadonlyMap<EventId, string>> {
  const bundles = new Map<EventId, string>()
  // "State events do not currently receive bundled aggregations."
  const parents = new Map(
    events.filter(({ event }) => event.pdu.state_key === undefined).map((seen) => [seen.event.eventId as string, seen]),
  )
  if (parents.size === 0) return bundles
  const kinds = await tools.database.select(selectAggregated, [...parents.keys()])
  if (kinds.length === 0) return bundles
  const found = await find(tools, kinds, reader, withThreads)
  const wanted = [...found.replacements.values(), ...[...found.threads.values()].map(({ latest }) => latest)]
  const children = await loadVisible(tools, wanted, reader.userId)
  const latest = [...found.threads.values()].flatMap((thread) => children.get(thread.latest) ?? [])
  const nested = latest.length === 0 ? new Map<EventId, string>() : await bundlesOf(tools, latest, reader, false)
  for (const [eventId, seen] of parents) {
    const parts = partsOf(seen, found, children, { ...reader, bundles: nested })
    if (parts.length > 0) bundles.set(eventId as EventId, `{${parts.join(',')}}`)
  }
  return bundles
}

/** The relations of each kind that there is. */
async function find(
  { database }: Tools,
  kinds: readonly { relates_to: string; rel_type: string }[],
  reader: BundleReader,
  withThreads: boolean,
): Promise<Found> {
  const ignored = await reader.ignored()
  const parentsOf = (relType: string) => kinds.filter(({ rel_type }) => rel_type === relType).map(({ relates_to }) => relates_to)
  const [replaced, threaded, referred] = [parentsOf('m.replace'), withThreads ? parentsOf('m.thread') : [], parentsOf('m.reference')]
  const [edits, threads, references] = await Promise.all([
    replaced.length === 0 ? [] : database.select(selectReplacements, replaced, ignored),
    threaded.length === 0 ? [] : database.select(selectThreads, reader.userId, threaded, ignored),
    referred.length === 0 ? [] : database.select(selectReferences, referred, ignored, mostReferences),
  ])
  const byParent = Map.groupBy(references, (row) => row.relates_to)
  return {
    replacements: new Map(edits.map((row) => [row.relates_to, row.event_id as EventId])),
    threads: new Map(
      threads.map((row) => [row.relates_to, { latest: row.event_id as EventId, count: row.count, participated: row.participated === 1 }]),
    ),
    references: new Map([...byParent].map(([parent, rows]) => [parent, rows.map((row) => row.event_id)])),
  }
}

/** The bundled aggregation of one event, a part for each relation type. */
function partsOf(
  { event }: Seen,
  found: Found,
  children: ReadonlyMap<EventId, Seen>,
  reader: BundleReader & { readonly bundles: ReadonlyMap<EventId, string> },
): string[] {
  const parts: string[] = []
  const { eventId } = event
  const edit = children.get(found.replacements.get(eventId) ?? '$')
  if (edit !== undefined) parts.push(`"m.replace":${clientEventText(edit, reader)}`)
  const thread = found.threads.get(eventId)
  const latest = thread && children.get(thread.latest)
  if (thread !== undefined && latest !== undefined) {
    const participated = thread.participated || event.pdu.sender === reader.userId
    parts.push(
      `"m.thread":{"count":${thread.count},"current_user_participated":${participated},"latest_event":${clientEventText(latest, reader)}}`,
    )
  }
  const references = found.references.get(eventId)
  if (references !== undefined) parts.push(`"m.reference":{"chunk":${JSON.stringify(references.map((event_id) => ({ event_id })))}}`)
  return parts
}

async function loadVisible(tools: Tools, eventIds: readonly EventId[], userId: UserId): Promise<ReadonlyMap<EventId, Seen>> {
  if (eventIds.length === 0) return new Map()
  const rows = await tools.database.select(selectEvents, eventIds)
  const seen = await tools.visible(rows.map(eventOf), userId)
  return new Map(seen.map((one) => [one.event.eventId, one]))
}
