import type { RoomId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Audience, Between, Piece, Section } from '../slice.ts'
import type { Logged } from '../storage/database.ts'
import type { Connection } from './connections.ts'
import type { Match } from './matching.ts'
import type { RoomAnswer } from './room-answer.ts'
import type { Scope, SlidingSyncRequest } from './sliding-sync-request.ts'

/** The `extensions` of an answer, as a JSON object. */
export type ExtensionsText = { readonly text: string; readonly isNews: boolean }

type Asked = {
  readonly request: SlidingSyncRequest
  /** The position of the connection's last answer; undefined before the first. */
  readonly since: number | undefined
  readonly upTo: number
  readonly rows: readonly Logged[] | undefined
  /** The joined rooms that the request asks for and the client knows, or learns of in this answer. */
  readonly known: ReadonlyMap<RoomId, Match>
  /** All rooms that the user is in. */
  readonly joined: ReadonlySet<RoomId>
  /** Those joined since the connection's last answer. */
  readonly newlyJoined: ReadonlySet<RoomId>
  readonly answers: ReadonlyMap<RoomId, RoomAnswer>
  readonly connection: Connection
}

type Extension = { readonly name: string; readonly body: JsonObject | undefined; readonly isNews: boolean }

/**
 * What the extensions that are on have to say, read from the same sections as `/sync`. Each tells of the rooms in its scope; of a room that comes into
 * view it tells all that belongs to what is shown. https://github.com/matrix-org/matrix-spec-proposals/pull/3884, 3885, 3959, 3960 and 3961
 */
export async function tellExtensions(sections: readonly Section[], asked: Asked): Promise<ExtensionsText> {
  const { toDevice, e2ee, accountData, receipts, typing } = asked.request.extensions
  const told = [
    ...(toDevice === undefined ? [] : [await tellToDevice(sections, asked, toDevice)]),
    ...(e2ee ? [await tellE2ee(sections, asked)] : []),
    ...(accountData === undefined ? [] : [await tellAccountData(sections, asked, accountData)]),
    ...(receipts === undefined ? [] : [await tellEphemeral(sections, asked, 'receipts', 'receipt', receipts)]),
    ...(typing === undefined ? [] : [await tellEphemeral(sections, asked, 'typing', 'typing', typing)]),
  ]
  const some = told.filter(({ body }) => body !== undefined)
  return {
    text: `{${some.map(({ name, body }) => `"${name}":${JSON.stringify(body)}`).join(',')}}`,
    isNews: told.some(({ isNews }) => isNews),
  }
}

/** Takes its token from the client, apart from `pos`: what was not acknowledged with it is told again on any connection. */
async function tellToDevice(
  sections: readonly Section[],
  asked: Asked,
  { since, limit }: { since: number; limit: number },
): Promise<Extension> {
  const after = Math.min(since, asked.upTo)
  const pieces = await ask(sections, 'to_device', { ...betweenOf(asked), after, rows: undefined, most: limit })
  const events = pieces.flatMap((piece) => piece.toDevice ?? [])
  const upTo = pieces.find(({ toDeviceUpTo }) => toDeviceUpTo !== undefined)?.toDeviceUpTo ?? asked.upTo
  return { name: 'to_device', body: { next_batch: String(upTo), events }, isNews: events.length > 0 }
}

async function tellE2ee(sections: readonly Section[], asked: Asked): Promise<Extension> {
  const { joined: rooms, newlyJoined: newRooms } = asked
  const [lists, counts] = await Promise.all([
    ask(sections, 'device_list', { ...betweenOf(asked), rooms, newRooms }),
    ask(sections, 'one_time_keys', betweenOf(asked)),
  ])
  const changed = lists.flatMap(({ deviceLists }) => deviceLists?.changed ?? [])
  const left = lists.flatMap(({ deviceLists }) => deviceLists?.left ?? [])
  const hasLists = changed.length + left.length > 0
  const body = {
    ...(hasLists ? { device_lists: { changed, left } } : {}),
    device_one_time_keys_count: (counts[0]?.oneTimeKeyCounts ?? {}) as JsonObject,
    device_unused_fallback_key_types: (counts[0]?.unusedFallbackKeyTypes ?? []) as string[],
  }
  return { name: 'e2ee', body, isNews: hasLists || asked.rows?.some(({ kind }) => kind === 'one_time_keys') === true }
}

async function tellAccountData(sections: readonly Section[], asked: Asked, scope: Scope): Promise<Extension> {
  const pieces = await ask(sections, 'account_data', scoped(asked, scope))
  const global = pieces.flatMap((piece) => piece.accountData ?? [])
  const rooms: Record<string, JsonObject[]> = {}
  const known = inScope(asked, scope)
  for (const [roomId, { accountData = [] }] of pieces.flatMap((piece) => [...(piece.rooms ?? [])])) {
    if (known.has(roomId) && accountData.length > 0) rooms[roomId] = accountData
  }
  return extensionOf('account_data', { ...(global.length > 0 ? { global } : {}), ...(Object.keys(rooms).length > 0 ? { rooms } : {}) })
}

/** Receipts or typing: one event a room. */
async function tellEphemeral(sections: readonly Section[], asked: Asked, name: string, kind: string, scope: Scope): Promise<Extension> {
  const pieces = await ask(sections, kind, scoped(asked, scope))
  const rooms: Record<string, JsonObject> = {}
  for (const [roomId, { ephemeral = [] }] of pieces.flatMap((piece) => [...(piece.rooms ?? [])])) {
    const event = ephemeral.find(({ type }) => type === `m.${kind}`)
    if (event !== undefined) rooms[roomId] = event
  }
  return extensionOf(name, Object.keys(rooms).length > 0 ? { rooms } : {})
}

function extensionOf(name: string, body: JsonObject): Extension {
  const isNews = Object.keys(body).length > 0
  return { name, body: isNews ? body : undefined, isNews }
}

type Question = Omit<Between, 'audience'> & { readonly audience: Audience }

function betweenOf({ request: { requester }, since = 0, upTo, rows }: Asked): Question {
  const { userId, deviceId } = requester
  return { audience: { kind: 'device', userId, deviceId }, after: since, upTo, rows, rooms: new Set(), newRooms: new Set() }
}

/** What was shown of a room that left the view and came back is told again from there on. */
function scoped(asked: Asked, scope: Scope): Question {
  const rooms = inScope(asked, scope)
  const { answers, connection, upTo } = asked
  const shownFrom = new Map<RoomId, number>()
  for (const roomId of rooms) {
    if (connection.stand.rooms.has(roomId) && connection.sent.has(roomId)) continue
    const told = answers.get(roomId)?.from ?? upTo
    shownFrom.set(roomId, Math.min(told, connection.sent.get(roomId)?.upTo ?? told))
  }
  return { ...betweenOf(asked), rooms, newRooms: new Set(shownFrom.keys()), shownFrom }
}

/** "The response SHOULD only include rooms belonging to at least one of the sliding windows in `lists`, or rooms whose IDs are in `rooms`." */
function inScope({ known }: Asked, scope: Scope): Set<RoomId> {
  const isIn = ({ roomId, lists, isSubscribed }: Match) =>
    lists.some((list) => scope.lists?.includes(list) ?? true) || (isSubscribed && (scope.rooms?.includes(roomId) ?? true))
  return new Set([...known.values()].filter(isIn).map(({ roomId }) => roomId))
}

/** Asks the sections that read rows of a kind, unless nothing can have changed for them. */
async function ask(sections: readonly Section[], kind: string, question: Question): Promise<Piece[]> {
  const pieces: Piece[] = []
  for (const section of sections) {
    if (!section.kinds.includes(kind)) continue
    const rows = question.rows?.filter((row) => section.kinds.includes(row.kind))
    const mayHave = rows === undefined || rows.length > 0 || question.newRooms.size > 0 || section.always !== undefined
    const piece = mayHave ? await section.between({ ...question, rows }) : undefined
    if (piece !== undefined) pieces.push(piece)
  }
  return pieces
}
