import { type Filter, parseFilter } from '../core/event-filter.ts'
import { readChoice, readCount } from '../core/fields.ts'
import { parseStrict } from '../core/lossless-json.ts'
import { invalidParam } from '../core/matrix-error.ts'
import { decodeToken, type StreamToken } from '../core/stream-token.ts'
import type { Home } from '../home.ts'
import type { Call, Requester } from '../http/endpoint.ts'
import { readFilter } from '../people/filters.ts'

/** A `/sync` request, read and checked. */
export type SyncRequest = {
  readonly requester: Requester
  /** Undefined on a first sync. */
  readonly since: StreamToken | undefined
  readonly filter: Filter
  readonly fullState: boolean
  /** Milliseconds. */
  readonly timeout: number
  /** How the user wants to be seen. */
  readonly presence: 'offline' | 'online' | 'unavailable'
  /** The name under which state is told: as it was before the timeline, or after it. */
  readonly stateName: 'state' | 'state_after' | 'org.matrix.msc4222.state_after'
  readonly signal: AbortSignal
}

const longest = 180_000

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
export async function readSyncRequest(home: Pick<Home, 'database'>, call: Call<'access_token'>): Promise<SyncRequest> {
  const { query, requester, signal } = call
  const since = query.get('since')
  return {
    requester,
    since: since === null || since === '' ? undefined : tokenOf(since),
    filter: await filterOf(home, requester, query.get('filter')),
    fullState: readFlag(query, 'full_state'),
    timeout: readCount(query, 'timeout', 0, longest),
    presence: readChoice(query, 'set_presence', ['offline', 'online', 'unavailable']) ?? 'online',
    stateName: stateNameOf(query),
    signal,
  }
}

let lastToken: { readonly text: string; readonly token: StreamToken } | undefined

/** Many who were woken together come back with the same token. */
function tokenOf(text: string): StreamToken {
  if (lastToken?.text !== text) lastToken = { text, token: decodeToken(text) }
  return lastToken.token
}

async function filterOf(home: Pick<Home, 'database'>, requester: Requester, text: string | null): Promise<Filter> {
  if (text === null || text === '') return noFilter
  if (text.startsWith('{')) return inlineFilter(text)
  const stored = storedFilters.get(home.database) ?? new Map<string, Filter>()
  storedFilters.set(home.database, stored)
  const known = stored.get(`${requester.userId} ${text}`)
  if (known !== undefined) return known
  const filter = await readFilter(home.database, requester.userId, text)
  if (filter === undefined) throw invalidParam('there is no such filter: store it again')
  // The id is made of what the filter says: those of many users are one.
  const one = stored.get(text) ?? filter
  stored.set(text, one).set(`${requester.userId} ${text}`, one)
  if (stored.size > mostStored) stored.clear()
  return one
}

const noFilter: Filter = {}
const mostStored = 20_000
/** Filters that were read from the database; they never change. */
const storedFilters = new WeakMap<Home['database'], Map<string, Filter>>()

const mostFilters = 200
const longestKept = 2000
const filters = new Map<string, Filter>()

/** A client sends the same filter with every poll, and most clients the same as others. */
function inlineFilter(text: string): Filter {
  const known = filters.get(text)
  if (known !== undefined) return known
  const filter = parseFilter(parseStrict(text))
  if (text.length <= longestKept) filters.set(text, filter)
  if (filters.size > mostFilters) filters.delete(filters.keys().next().value as string)
  return filter
}

function stateNameOf(query: URLSearchParams): SyncRequest['stateName'] {
  if (readFlag(query, 'use_state_after')) return 'state_after'
  return readFlag(query, 'org.matrix.msc4222.use_state_after') ? 'org.matrix.msc4222.state_after' : 'state'
}

function readFlag(query: URLSearchParams, key: string): boolean {
  return readChoice(query, key, ['true', 'false']) === 'true'
}
