import { type EventFilter, matchesFilter } from '../core/event-filter.ts'
import { eventIdParameter, readCount, roomIdOf } from '../core/fields.ts'
import { clientEventText, stateEventText } from '../graph/client-event.ts'
import type { Graph, Place, Seen, TimelineEvent } from '../graph/graph.ts'
import { encodePlace } from '../graph/place-token.ts'
import { listText } from '../graph/state-text/state-text.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { sendersText } from './lazy-members.ts'
import { queryFilter } from './query-filter.ts'
import { withBundles } from './with-bundles.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidcontexteventid */
export function eventContext(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/rooms/{roomId}/context/{eventId}',
      operationId: 'getEventContext',
      auth: 'access_token',
      body: 'none',
      handle: (call) => contextOf(tools, call),
    }),
  ]
}

async function contextOf(tools: Tools, { params, query, requester }: Call<'access_token'>): Promise<Reply> {
  const roomId = roomIdOf(params['roomId'])
  const { graph } = tools
  const limit = readCount(query, 'limit', 10, 100)
  const filter = queryFilter(query)
  const seen = await graph.visibleEvent(roomId, eventIdParameter(params['eventId']), requester.userId)
  const { depth, order } = seen.event
  const half = Math.ceil(limit / 2)
  const older = await graph.page(roomId, { depth, order }, 'b', half)
  const newer = await graph.page(roomId, { depth, order: order + 1 }, 'f', limit - half)
  const wanted = (events: Seen[]) => events.filter(({ event }) => matchesFilter(filter, event.pdu))
  const before = wanted(await graph.visible(older, requester.userId))
  const visibleAfter = await graph.visible(newer, requester.userId)
  const after = wanted(visibleAfter)
  const reader = await withBundles(tools, requester, [...before, seen, ...after])
  const last = visibleAfter.at(-1)?.event ?? seen.event
  const state = await stateText(graph, last, [...before, seen, ...after], filter, reader.now)
  const texts = (events: Seen[]) => `[${events.map((one) => clientEventText(one, reader)).join(',')}]`
  const start: Place = older.at(-1) ?? seen.event
  return {
    body:
      `{"start":"${encodePlace(start)}","end":"${encodePlace({ depth: last.depth, order: last.order + 1 })}"` +
      `,"events_before":${texts(before)},"event":${clientEventText(seen, reader)},"events_after":${texts(after)}` +
      `,"state":[${state}]}`,
  }
}

/** The state after an event, as far as it is wanted; of the members, with lazy ones, those who sent what is shown. */
async function stateText(
  graph: Graph,
  { roomId, stateGroup }: TimelineEvent,
  shown: readonly Seen[],
  filter: EventFilter | undefined,
  now: number,
): Promise<string> {
  if (filter === undefined) return listText(await graph.stateTexts(roomId, stateGroup), now)
  const lazy = await sendersText(graph, roomId, shown, filter, now, stateGroup)
  const state = lazy === undefined ? await graph.stateOf(stateGroup) : await graph.stateWithoutMembers(stateGroup, roomId)
  const texts = state.filter(({ pdu }) => matchesFilter(filter, pdu)).map((event) => stateEventText(event, roomId, now))
  return (lazy === undefined || lazy === '' ? texts : [...texts, lazy]).join(',')
}
