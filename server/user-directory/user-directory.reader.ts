import { isUserId, localpartOf, type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import type { Pdu } from '../core/pdu.ts'
import { foldText, namesOf } from '../core/search-words.ts'
import type { Membership } from '../graph/graph.ts'
import type { Tools } from '../slice.ts'
import { guard, type Logged, type Write, write } from '../storage/database.ts'
import { createLogFollower, type LogFollower, type Step } from '../storage/log-follower.ts'
import {
  deleteRoom,
  deleteUser,
  deleteWords,
  insertRoom,
  insertWords,
  selectProgress,
  selectProgressAt,
  selectUser,
  updateProgress,
  upsertUser,
} from './user-directory.store.ts'

const mostRows = 300
const mostUnstored = 1000
const mostWords = 40

/** Keeps the directory up with who comes, goes and changes their name; each of them costs a few rows, whatever the rooms' sizes. */
export function createDirectoryFollower(tools: Tools): LogFollower {
  return createLogFollower(tools.home, { name: 'the user directory', kinds: ['membership', 'event'], step: () => step(tools) })
}

async function step(tools: Tools): Promise<Step> {
  const { database, notifier } = tools.home
  const position = (await database.selectOne(selectProgress))?.position ?? 0
  const head = notifier.position()
  if (head <= position) return { upTo: position, isBehind: false }
  const rows = await notifier.rows(position, head, mostRows)
  const isBehind = rows.length === mostRows
  const upTo = isBehind ? rows.at(-1)!.position : head
  const writes = [...(await roomWrites(tools, rows)), ...(await userWrites(tools, rows))]
  if (writes.length === 0 && !isBehind && upTo - position < mostUnstored) return { upTo, isBehind }
  const unmoved = guard('progress', 'row', selectProgressAt, position)
  const { ok } = await database.commit({ guards: [unmoved], writes: [...writes, write(updateProgress, upTo)] })
  return ok ? { upTo, isBehind } : { upTo: position, isBehind: true }
}

/** The rooms whose openness may have changed. */
async function roomWrites({ graph, home }: Tools, rows: readonly Logged[]): Promise<Write[]> {
  const spans = new Map<string, { first: number; last: number }>()
  for (const { kind, key, position } of rows) {
    if (kind === 'event') spans.set(key, { first: spans.get(key)?.first ?? position, last: position })
  }
  const writes: Write[] = []
  for (const [key, { first, last }] of spans) {
    const roomId = key as RoomId
    const changes = await graph.stateChanges(roomId, first - 1, last)
    if (!changes.some(({ pdu }) => mayOpen(pdu, home.serverName))) continue
    const room = await graph.room(roomId)
    const joinRule = room?.state('m.room.join_rules', '')?.pdu.content['join_rule']
    const visibility = room?.state('m.room.history_visibility', '')?.pdu.content['history_visibility']
    // Of a room that this server has left, it does not hear who is in it still.
    const isFollowed = room?.servers.has(home.serverName) === true
    const isOpen = isFollowed && (joinRule === 'public' || visibility === 'world_readable')
    writes.push(isOpen ? write(insertRoom, roomId) : write(deleteRoom, roomId))
  }
  return writes
}

/** Whether a state event may make a room open, or no more: by what it says, or since it is the first or the last of this server that comes or goes. */
function mayOpen({ type, state_key: stateKey }: Pdu, serverName: ServerName): boolean {
  if (type === 'm.room.member') return stateKey !== undefined && serverNameOf(stateKey as UserId) === serverName
  return type === 'm.room.join_rules' || type === 'm.room.history_visibility'
}

async function userWrites(tools: Tools, rows: readonly Logged[]): Promise<Write[]> {
  const users = new Set(rows.filter(({ kind }) => kind === 'membership').map(({ key }) => key))
  const writes: Write[] = []
  for (const userId of users) if (isUserId(userId)) writes.push(...(await writesOf(tools, userId)))
  return writes
}

/** What the directory says of a user, as it is now. */
async function writesOf(tools: Tools, userId: UserId): Promise<Write[]> {
  const { home, graph } = tools
  const known = await home.database.selectOne(selectUser, userId)
  const joined = [...(await graph.memberships(userId)).values()].filter(({ membership }) => membership === 'join')
  if (joined.length === 0) return known === undefined ? [] : [write(deleteUser, userId), write(deleteWords, userId)]
  const { displayname, avatar_url } = await profileOf(tools, userId, joined)
  const name = typeof displayname === 'string' ? displayname : null
  const picture = typeof avatar_url === 'string' ? avatar_url : null
  const words = wordsOfUser(userId, name)
  const text = words.join(' ')
  if (known !== undefined && known.display_name === name && known.avatar_url === picture && known.words === text) return []
  return [write(upsertUser, userId, name, picture, text), write(deleteWords, userId), write(insertWords, userId, words)]
}

/** A user of this server has a profile; of others, what they last said of themselves in a room. */
async function profileOf({ home, people, graph }: Tools, userId: UserId, joined: readonly Membership[]) {
  if (serverNameOf(userId) === home.serverName) return people.profile(userId)
  const newest = joined.reduce((one, other) => (other.position > one.position ? other : one))
  return (await graph.event(newest.eventId))?.pdu.content ?? {}
}

/** A user is found by the words of their display name and of their localpart, and by their id. */
export function wordsOfUser(userId: UserId, displayName: string | null): string[] {
  return [...new Set([...namesOf(displayName ?? '', mostWords), ...namesOf(localpartOf(userId), mostWords), wordOfId(userId)])]
}

/** A user id as a word, which begins with an @ and has no spaces. */
export function wordOfId(userId: string): string {
  return foldText(userId).replace(/\s/gu, '')
}
