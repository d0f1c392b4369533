import { matchesFilter } from '../core/event-filter.ts'
import type { EventId, RoomId, UserId } from '../core/ids.ts'
import type { Pdu } from '../core/pdu.ts'
import { wordsOf } from '../core/search-words.ts'
import type { Membership, Seen } from '../graph/graph.ts'
import { ignoredUsers } from '../people/ignored-users.ts'
import type { Tools } from '../slice.ts'
import { lowestDocument } from './document-numbers.ts'
import { editedText, textOf } from './documents.ts'
import { mergeByTime } from './merge-by-time.ts'
import { type DocumentRow, selectStretch } from './search.store.ts'
import type { SearchRequest, SearchToken } from './search-request.ts'
import { type SearchedRooms, searchedRooms } from './searched-rooms.ts'
import { breath, type Match, type WordIndex } from './word-index.ts'

/** An event that matches and that the searcher may see. */
export type Hit = { readonly document: number; readonly seen: Seen; readonly rank: number; readonly words: readonly string[] }

export type Hits = {
  readonly hits: readonly Hit[]
  readonly count: number
  /** Where to go on; undefined when there is no more. */
  readonly next: SearchToken | undefined
}

/** How many matches one search looks at; there may be more behind them. */
const mostMatches = 400
const mostStretches = 500
const pastStretch = 20_000
const pageSize = 10
/** Milliseconds after which other work is done. */
const longestStretch = 5

type Needs = Tools & { readonly index: WordIndex }
type Searcher = { readonly userId: UserId; readonly request: SearchRequest; readonly ignored: readonly UserId[] }

/**
 * The events that a search finds: the newest, or the best of the newest that match. What arrived is in the order in which it did; what other servers gave of
 * the past is in the order in which it was sent, and comes in between.
 */
export async function find(needs: Needs, userId: UserId, request: SearchRequest): Promise<Hits> {
  const { from, order, limit, names, keys } = request
  const { rooms, withPast } = names.length === 0 ? noRooms : await searchedRooms(needs, userId, request)
  if (rooms.size === 0) return { hits: [], count: 0, next: undefined }
  const below = from?.below ?? needs.home.notifier.position() + 1
  const pastBelow = from?.pastBelow ?? 0
  const rows = await matching(needs, { all: names, keys, rooms }, below)
  const pastRows = withPast.size === 0 ? [] : await matchingPast(needs, { all: names, keys, rooms: withPast }, pastBelow)
  const searcher = { userId, request, ignored: await ignoredUsers(needs.home.database, userId) }
  const skip = from?.skip ?? 0
  const group = { room: from?.room, sender: from?.sender }
  if (order === 'rank') {
    const { hits } = await readHits(needs, searcher, [...rows, ...pastRows], 2 * mostMatches)
    const ranked = hits.toSorted((one, other) => other.rank - one.rank || other.document - one.document)
    const next = skip + limit < ranked.length ? { order, below, pastBelow, skip: skip + limit, ...group } : undefined
    return { hits: ranked.slice(skip, skip + limit), count: ranked.length, next }
  }
  const read = await readHits(needs, searcher, rows, limit)
  const past = await readHits(needs, searcher, pastRows, limit)
  const hits = mergeByTime(read.hits, past.hits, limit)
  const rest = restOf(rows, read, hits, below)
  const pastRest = restOf(pastRows, past, hits, pastBelow)
  const isMore = limit > 0 && (rest.isMore || pastRest.isMore)
  const next = isMore ? { order, below: rest.below, pastBelow: pastRest.below, skip: skip + hits.length, ...group } : undefined
  const certain = await countCertain(needs, searcher, rows.slice(read.looked))
  return { hits, count: skip + read.hits.length + past.hits.length + certain, next }
}

const noRooms: SearchedRooms = { rooms: new Map(), withPast: new Map() }

/** The newest documents that match, stretch by stretch; other work is done in between. */
async function matching({ index }: Needs, match: Match, below: number): Promise<DocumentRow[]> {
  const rows: DocumentRow[] = []
  let to = below
  for (let stretches = 0; stretches < mostStretches && to > 1 && rows.length < mostMatches; stretches++) {
    if (stretches > 0) await breath()
    const above = Math.max(to - index.stretch, 0)
    rows.push(...(await index.find(match, above, to, mostMatches - rows.length)))
    to = above + 1
  }
  return rows
}

/** The same of the past, whose numbers are far apart. */
async function matchingPast({ index, home }: Needs, match: Match, below: number): Promise<DocumentRow[]> {
  const rows: DocumentRow[] = []
  let to = below
  for (let stretches = 0; stretches < mostStretches && to > lowestDocument && rows.length < mostMatches; stretches++) {
    if (stretches > 0) await breath()
    const isWhole = index.stretch === Number.MAX_SAFE_INTEGER
    const last = isWhole ? undefined : await home.database.selectOne(selectStretch, to, pastStretch)
    const above = (last?.document ?? lowestDocument) - 1
    rows.push(...(await index.find(match, above, to, mostMatches - rows.length)))
    to = above + 1
  }
  return rows
}

/** What is left of matches after some of their hits were given: below which document it is, and whether it is anything. */
function restOf(rows: readonly DocumentRow[], { hits, looked }: Read, given: readonly Hit[], below: number) {
  const taken = hits.filter((hit) => given.includes(hit)).length
  const last = taken === hits.length ? rows[looked - 1]?.document : hits[taken - 1]?.document
  return { below: last ?? below, isMore: taken < hits.length || looked < rows.length || rows.length === mostMatches }
}

type Read = { readonly hits: readonly Hit[]; readonly looked: number }

/** Reads matches in their order until so many are found that the searcher may see and wants. */
async function readHits(needs: Needs, searcher: Searcher, rows: readonly DocumentRow[], limit: number): Promise<Read> {
  const hits: Hit[] = []
  let looked = 0
  while (looked < rows.length && hits.length < limit) {
    if (looked > 0) await breath()
    const page = rows.slice(looked, looked + pageSize)
    const found = await readPage(needs, searcher, page)
    for (const row of page) {
      looked++
      const hit = found.get(row.document)
      if (hit !== undefined) hits.push(hit)
      if (hits.length >= limit) break
    }
  }
  return { hits, looked }
}

async function readPage({ graph }: Needs, searcher: Searcher, rows: readonly DocumentRow[]): Promise<Map<number, Hit>> {
  const { request, userId, ignored } = searcher
  const ids = rows.flatMap(({ event_id, edit_id }) => (edit_id === null ? [event_id] : [event_id, edit_id])) as EventId[]
  const visible = await graph.visible(await graph.events(ids), userId)
  const seen = new Map<string, Seen>(visible.map((one) => [one.event.eventId, one]))
  const hits = new Map<number, Hit>()
  let since = performance.now()
  for (const { document, event_id, edit_id } of rows) {
    if (performance.now() - since > longestStretch) {
      await breath()
      since = performance.now()
    }
    const one = seen.get(event_id)
    // Whoever may not see an edit does not learn of its words either.
    const edit = edit_id === null ? undefined : seen.get(edit_id)
    if (one === undefined || one.event.redactedBy !== undefined || (edit_id !== null && edit === undefined)) continue
    const { pdu } = one.event
    const isWanted = request.from?.sender === undefined || request.from.sender === pdu.sender
    if (!isWanted || ignored.includes(pdu.sender) || !matchesFilter(request.filter, eventOf(pdu))) continue
    const text = (edit === undefined ? undefined : editedText(edit.event.pdu.content)) ?? textOf(pdu)?.text
    if (text === undefined) continue
    hits.set(document, { document, seen: one, ...judge(text, request.names) })
  }
  return hits
}

/** Rooms were chosen before, with those that came before them. */
function eventOf({ type, sender, content }: Pdu) {
  return { type, sender, content }
}

/** So many names of a text are looked at, so that a long one takes milliseconds. */
const mostJudged = 4000

/** How much of a text's beginning is what was asked for, from 0 to 1, and the words of it that are. */
function judge(text: string, names: readonly string[]): { readonly rank: number; readonly words: string[] } {
  const asked = new Set(names)
  const words = new Set<string>()
  let looked = 0
  let all = 0
  let found = 0
  for (const word of wordsOf(text)) {
    looked += word.names.length
    if (looked > mostJudged) break
    all++
    if (!word.names.some((name) => asked.has(name))) continue
    found++
    words.add(word.written)
  }
  return { rank: found / (all + 5), words: [...words] }
}

/** How many of the matches that were not read are visible for certain, because they came while the searcher was in the room. */
async function countCertain({ graph }: Needs, { userId, request }: Searcher, rows: readonly DocumentRow[]): Promise<number> {
  const { types, not_types, senders, not_senders, contains_url } = request.filter
  if ([types, not_types, senders, not_senders, contains_url, request.from?.sender].some((part) => part !== undefined)) return 0
  const memberships: ReadonlyMap<RoomId, Membership> = await graph.memberships(userId)
  return rows.filter(({ room_id, document }) => {
    const membership = memberships.get(room_id as RoomId)
    return membership?.membership === 'join' && document >= membership.joinedAt
  }).length
}
