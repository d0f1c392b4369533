import type { UserId } from '../core/ids.ts'
import { clientEventText, type Reader } from '../graph/client-event.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { ignoredUsers } from '../people/ignored-users.ts'
import type { Tools } from '../slice.ts'
import { find, type Hit, type Hits } from './find.ts'
import type { Indexer } from './indexer.reader.ts'
import { encodeSearchToken, type GroupKey, readSearch, type SearchRequest } from './search-request.ts'
import { contextText, statesText } from './surroundings.ts'
import type { WordIndex } from './word-index.ts'

/** How long a search waits for what was said just before it, where the disk is slow. */
const patience = 5000

type Needs = Tools & { readonly index: WordIndex; readonly indexer: Pick<Indexer, 'reached'> }

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3search */
export function searchEndpoint(needs: Needs): Endpoint {
  return endpoint({
    method: 'POST',
    path: '/_matrix/client/v3/search',
    aliases: ['/_matrix/client/r0/search'],
    operationId: 'search',
    auth: 'access_token',
    body: 'json',
    limit: 64 * 1024,
    rate: 'other',
    handle: (call) => search(needs, call),
  })
}

async function search(needs: Needs, { body, query, requester }: Call<'access_token'>): Promise<Reply> {
  const { graph, home, indexer } = needs
  const { userId, session } = requester
  const request = readSearch(body, query.get('next_batch'))
  if (request === undefined) return { body: { search_categories: {} } }
  await indexer.reached(home.notifier.position(), patience)
  const found = await find(needs, userId, request)
  const seen = found.hits.map((hit) => hit.seen)
  const now = home.clock.now()
  const bundles = await graph.bundles(seen, { userId, session, now, ignored: () => ignoredUsers(home.database, userId) })
  const results = await resultsText(needs, found.hits, userId, request, { session, userId, now, bundles })
  const words = new Set(found.hits.flatMap((hit) => hit.words))
  const parts = [
    `"count":${found.count}`,
    `"highlights":${JSON.stringify([...words].slice(0, 100))}`,
    `"results":[${results.join(',')}]`,
    ...(request.includeState ? [`"state":${await statesText(graph, seen, userId, now)}`] : []),
    ...(request.groupBy.length > 0 ? [`"groups":${JSON.stringify(groupsOf(found, request.groupBy))}`] : []),
    ...(found.next === undefined ? [] : [`"next_batch":"${encodeSearchToken(found.next)}"`]),
  ]
  return { body: `{"search_categories":{"room_events":{${parts.join(',')}}}}` }
}

async function resultsText(
  needs: Needs,
  hits: readonly Hit[],
  userId: UserId,
  { context }: SearchRequest,
  reader: Reader,
): Promise<string[]> {
  const texts: string[] = []
  for (const { rank, seen } of hits) {
    const around = context === undefined ? '' : `,"context":${await contextText(needs.graph, seen, userId, context, reader)}`
    texts.push(`{"rank":${rank},"result":${clientEventText(seen, reader)}${around}}`)
  }
  return texts
}

type Group = { results: string[]; order: number; next_batch?: string }

/** The results by room or by sender, each group with where it goes on alone. */
function groupsOf({ hits, next }: Hits, keys: readonly GroupKey[]): Record<string, Record<string, Group>> {
  const groups: Record<string, Record<string, Group>> = {}
  for (const key of keys) {
    const byKey = new Map<string, Group>()
    for (const { seen } of hits) {
      const { event } = seen
      const sentAt = Number(event.pdu.origin_server_ts)
      const within = key === 'room_id' ? { room: event.roomId } : { sender: event.pdu.sender }
      const name = key === 'room_id' ? event.roomId : event.pdu.sender
      const group: Group = byKey.get(name) ?? { results: [], order: sentAt }
      group.results.push(event.eventId)
      group.order = Math.max(group.order, sentAt)
      if (next?.order === 'recent') group.next_batch = encodeSearchToken({ ...next, ...within, skip: group.results.length })
      byKey.set(name, group)
    }
    groups[key] = Object.fromEntries(byKey)
  }
  return groups
}
