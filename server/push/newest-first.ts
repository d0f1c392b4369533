import type { RoomId } from '../core/ids.ts'
import type { Graph, TimelineEvent } from '../graph/graph.ts'

const page = 50

type Source = { readonly roomId: RoomId; events: TimelineEvent[]; upTo: number; isDone: boolean }

/** The events of some rooms before a position, the newest first; of each room no more is read than is needed for that. */
export async function* newestFirst(
  graph: Pick<Graph, 'arrived' | 'room'>,
  roomIds: readonly RoomId[],
  before: number,
): AsyncGenerator<TimelineEvent> {
  const sources: Source[] = []
  for (const roomId of roomIds) {
    const room = await graph.room(roomId)
    if (room !== undefined) sources.push({ roomId, events: [], upTo: Math.min(room.position, before - 1), isDone: false })
  }
  for (;;) {
    const next = newest(sources)
    if (next === undefined) return
    if (next.events.length > 0) yield next.events.pop()!
    else await fill(graph, next)
  }
}

/** The source that has the newest event, or may have it. */
function newest(sources: readonly Source[]): Source | undefined {
  let best: Source | undefined
  for (const source of sources) if (!isEmpty(source) && (best === undefined || headOf(source) > headOf(best))) best = source
  return best
}

function isEmpty({ events, isDone }: Source): boolean {
  return events.length === 0 && isDone
}

function headOf({ events, upTo }: Source): number {
  return events.at(-1)?.position ?? upTo
}

async function fill(graph: Pick<Graph, 'arrived'>, source: Source): Promise<void> {
  const { events, limited } = await graph.arrived(source.roomId, 0, source.upTo, page)
  source.events = events
  source.isDone = !limited
  source.upTo = (events[0]?.position ?? 1) - 1
}
