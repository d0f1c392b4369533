import { isRoomId, isServerName, isUserId, type RoomId, type ServerName, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { Graph } from '../graph/graph.ts'
import type { Home } from '../home.ts'
import { createQuestions } from '../remote/turns.ts'
import { publicRoomOf } from './rooms-of-others.ts'
import type { Link } from './space-children.ts'

/** A room as another server sums it up; the children of a space with their links, as far as that server told them. */
export type ToldRoom = { readonly summary: JsonObject; readonly links: readonly Link[] }
/** One level of a tree: a room, what is known of its children, and those that nobody may look at. */
export type ToldTree = {
  readonly room: ToldRoom
  readonly children: ReadonlyMap<RoomId, ToldRoom>
  readonly inaccessible: ReadonlySet<RoomId>
}
/** Asks the first of these servers that knows a room; undefined when none does, or the time is over. */
export type AskTree = (roomId: RoomId, servers: readonly ServerName[], signal: AbortSignal) => Promise<ToldTree | undefined>

type Known = { readonly tree: ToldTree | undefined; readonly bytes: number; readonly until: number }

const mostAsked = 3
const timeoutMs = 10_000
const longestAnswer = 2 * 1024 * 1024
const mostLinks = 1000
const mostAllowing = 100
const keptFor = 5 * 60_000
const failuresKeptFor = 60_000
const mostKeptBytes = 32 * 1024 * 1024

/** "Responses to this endpoint should be cached for a period of time." https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid */
export function createAskTree({ peers, clock, serverName }: Pick<Home, 'peers' | 'clock' | 'serverName'>): AskTree {
  // What a server says of a room is nobody else's word for it.
  const known = new Map<string, Known>()
  const asking = new Map<string, Promise<ToldTree | undefined>>()
  const inTurn = createQuestions()
  let bytes = 0

  function forget(key: string): void {
    bytes -= known.get(key)?.bytes ?? 0
    known.delete(key)
  }
  function keep(key: string, tree: ToldTree | undefined, size: number): ToldTree | undefined {
    forget(key)
    known.set(key, { tree, bytes: size, until: clock.now() + (tree === undefined ? failuresKeptFor : keptFor) })
    bytes += size
    while (bytes > mostKeptBytes) forget(known.keys().next().value as string)
    return tree
  }
  async function ask(key: string, destination: ServerName, roomId: RoomId): Promise<ToldTree | undefined> {
    const uri = `/_matrix/federation/v1/hierarchy/${encodeURIComponent(roomId)}?suggested_only=false`
    const answer = await inTurn(destination, () => peers.fetchJson({ destination, method: 'GET', uri, timeoutMs, limit: longestAnswer }))
    // Who has just come to know the room, or that this server may look at it, says so at once.
    if (answer.ok && answer.status !== 200) return undefined
    const tree = answer.ok ? treeOf(answer.body, roomId) : undefined
    return keep(key, tree, 500 + (tree === undefined || !answer.ok ? 0 : 2 * JSON.stringify(answer.body).length))
  }
  async function askOne(server: ServerName, roomId: RoomId): Promise<ToldTree | undefined> {
    const key = `${server} ${roomId}`
    const kept = known.get(key)
    if (kept !== undefined && kept.until > clock.now()) return kept.tree
    const running = asking.get(key) ?? ask(key, server, roomId).finally(() => asking.delete(key))
    asking.set(key, running)
    return running
  }
  return async (roomId, servers, signal) => {
    const others = [...new Set(servers)].filter((server) => server !== serverName)
    for (const server of others.slice(0, mostAsked)) {
      if (signal.aborted) return undefined
      const tree = await Promise.race([askOne(server, roomId).catch(() => undefined), ended(signal)])
      if (tree !== undefined) return tree
    }
    return undefined
  }
}

function ended(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }))
}

function treeOf({ room, children, inaccessible_children: inaccessible }: JsonObject, roomId: RoomId): ToldTree | undefined {
  const told = roomOf(room)
  if (told === undefined || told.summary['room_id'] !== roomId) return undefined
  const rooms = (Array.isArray(children) ? children : []).slice(0, mostLinks).flatMap((child) => roomOf(child) ?? [])
  return {
    room: told,
    children: new Map(rooms.map((child) => [child.summary['room_id'] as RoomId, child])),
    inaccessible: new Set((Array.isArray(inaccessible) ? inaccessible : []).filter(isRoomId)),
  }
}

/** What is well-formed of a summary. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias */
function roomOf(room: Json | undefined): ToldRoom | undefined {
  if (!isJsonObject(room) || !isRoomId(room['room_id'])) return undefined
  const { allowed_room_ids: allowed, room_version: version, encryption, children_state: links } = room
  const summary = {
    ...publicRoomOf(room),
    ...(isPlainText(version) ? { room_version: version } : {}),
    ...(isPlainText(encryption) ? { encryption } : {}),
    ...(Array.isArray(allowed) ? { allowed_room_ids: allowed.filter(isRoomId).slice(0, mostAllowing) } : {}),
  }
  return { summary, links: (Array.isArray(links) ? links : []).slice(0, mostLinks).flatMap(linkOf) }
}

function linkOf(event: Json): Link[] {
  if (!isJsonObject(event) || event['type'] !== 'm.space.child' || !isJsonObject(event['content'])) return []
  const { state_key: roomId, content, sender, origin_server_ts: at } = event
  if (!isRoomId(roomId) || !isUserId(sender) || !Number.isSafeInteger(at) || serversOf(content).length === 0) return []
  return [{ type: 'm.space.child', state_key: roomId, content, sender, origin_server_ts: Number(at) }]
}

/** The servers that a link names for its room. */
export function serversOf({ via }: JsonObject): ServerName[] {
  return (Array.isArray(via) ? via : []).filter(isServerName)
}

/**
 * Whether a user may look at a room that another server told of: "The requesting server is responsible for filtering the results further down for the
 * user's request."
 */
export async function mayPreviewTold(graph: Pick<Graph, 'memberships'>, summary: JsonObject, userId: UserId): Promise<boolean> {
  const mine = await graph.memberships(userId)
  const membership = mine.get(summary['room_id'] as RoomId)?.membership
  if (membership === 'join' || membership === 'invite' || summary['world_readable'] === true) return true
  if (membership === 'ban') return false
  // Without one it is public: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3publicrooms
  const { join_rule: rule = 'public', allowed_room_ids: allowed } = summary
  if (rule === 'public' || rule === 'knock' || rule === 'knock_restricted') return true
  return rule === 'restricted' && Array.isArray(allowed) && allowed.some((roomId) => mine.get(roomId as RoomId)?.membership === 'join')
}
