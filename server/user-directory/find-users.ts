import { localpartOf, type RoomId, serverNameOf, type UserId } from '../core/ids.ts'
import { askedNames } from '../core/search-words.ts'
import type { Tools } from '../slice.ts'
import { wordOfId } from './user-directory.reader.ts'
import { selectOpenRooms, selectUsersByWord, type UserRow } from './user-directory.store.ts'

/** How many users one search looks at, and how many of them at once. */
const mostLookedAt = 5000
const atOnce = 500
const pageSize = 50
const mostNames = 10
/** How many rooms of a stranger are looked at for one that is open to all. */
const mostRooms = 50
const last = '\u{10ffff}'

export type Found = { readonly users: readonly UserRow[]; readonly limited: boolean }

/** The users that a term names and that the searcher may know of: those in a room with them or in one that is open to all, best matches first. */
export async function findUsers(tools: Tools, searcher: UserId, term: string, limit: number): Promise<Found> {
  const id = term.startsWith('@') ? wordOfId(term) : term.includes(':') ? wordOfId(`@${term}`) : undefined
  const names = id === undefined ? askedNames(term, mostNames) : [id]
  const longest = names.reduce((one, other) => (other.length > one.length ? other : one), '')
  if (longest === '') return { users: [], limited: false }
  const known = new Set<string>([searcher])
  const users: UserRow[] = []
  const best = (rows: readonly UserRow[]) => rows.toSorted((one, other) => rankOf(other, names) - rankOf(one, names))
  let [word, after] = [longest, '']
  for (let looked = 0; looked < mostLookedAt; looked += atOnce) {
    const rows = await tools.home.database.select(selectUsersByWord, word, after, `${longest}${last}`, atOnce)
    const matching = rows.filter((row) => !known.has(row.user_id) && matches(row, names) && !isHidden(tools, row, term))
    const once = [...new Map(matching.map((row) => [row.user_id, row])).values()]
    for (const { user_id } of once) known.add(user_id)
    users.push(...(await firstVisible(tools, searcher, best(once), limit + 1 - users.length)))
    const isEnd = rows.length < atOnce
    if (isEnd || users.length > limit) return { users: best(users).slice(0, limit), limited: users.length > limit }
    word = rows.at(-1)?.word ?? word
    after = rows.at(-1)?.user_id ?? after
  }
  return { users: best(users).slice(0, limit), limited: true }
}

function matches({ words }: UserRow, names: readonly string[]): boolean {
  const own = words.split(' ')
  return names.every((name) => own.some((word) => word.startsWith(name)))
}

/** Users whose words are just what was asked for come first, then those with a name and a picture. */
function rankOf({ words, display_name, avatar_url }: UserRow, names: readonly string[]): number {
  const own = new Set(words.split(' '))
  const exact = names.filter((name) => own.has(name)).length
  return exact * 4 + (display_name === null ? 0 : 2) + (avatar_url === null ? 0 : 1)
}

/** Users that belong to an application service alone are found by those who know their id, and clutter nobody else's results. */
function isHidden({ home, people }: Tools, { user_id }: UserRow, term: string): boolean {
  const userId = user_id as UserId
  if (serverNameOf(userId) !== home.serverName || people.exclusiveServiceOf(userId) === undefined) return false
  return term !== userId && term !== localpartOf(userId)
}

async function firstVisible(tools: Tools, searcher: UserId, rows: readonly UserRow[], limit: number): Promise<UserRow[]> {
  const own = new Set<RoomId>()
  for (const [roomId, { membership }] of await tools.graph.memberships(searcher)) if (membership === 'join') own.add(roomId)
  const visible: UserRow[] = []
  for (let at = 0; at < rows.length && visible.length < limit; at += pageSize) {
    visible.push(...(await visibleOf(tools, own, rows.slice(at, at + pageSize))))
    await new Promise((resolve) => void setImmediate(resolve))
  }
  return visible.slice(0, limit)
}

async function visibleOf({ home, people, graph }: Tools, own: ReadonlySet<RoomId>, rows: readonly UserRow[]): Promise<UserRow[]> {
  const roomsOf = new Map<string, readonly RoomId[]>()
  for (const { user_id } of rows) {
    const joined = [...(await graph.memberships(user_id as UserId))].filter(([, { membership }]) => membership === 'join')
    roomsOf.set(
      user_id,
      joined.map(([roomId]) => roomId),
    )
  }
  const strangers = [...roomsOf.values()].filter((rooms) => !rooms.some((roomId) => own.has(roomId)))
  const asked = new Set(strangers.flatMap((rooms) => rooms.slice(-mostRooms)))
  const open = new Set((await home.database.select(selectOpenRooms, [...asked])).map(({ room_id }) => room_id as RoomId))
  const known = rows.filter(({ user_id }) => roomsOf.get(user_id)?.some((roomId) => own.has(roomId) || open.has(roomId)) === true)
  const shown: UserRow[] = []
  for (const row of known) {
    const isLocal = serverNameOf(row.user_id as UserId) === home.serverName
    const account = isLocal ? await people.account(row.user_id as UserId) : undefined
    if (!isLocal || (account !== undefined && !account.deactivated && !account.locked)) shown.push(row)
  }
  return shown
}
