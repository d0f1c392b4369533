import { type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Graph, RoomView } from '../graph/graph.ts'
import type { Tools } from '../slice.ts'
import { mayPreview, roomSummary } from './room-summary.ts'
import { childrenState, type Link, orderLinks } from './space-children.ts'
import { type AskTree, mayPreviewTold, serversOf, type ToldRoom, type ToldTree } from './trees-of-others.ts'

export type Walk = { readonly roomId: RoomId; readonly maxDepth: number; readonly suggestedOnly: boolean; readonly end: number }
/** What a tree is walked with. */
export type Tree = Pick<Tools, 'graph' | 'home'> & { readonly askTree: AskTree }

/** A room on the way: where it may be known, and what the server that told of its space says of it. */
type Step = {
  readonly roomId: RoomId
  readonly depth: number
  readonly servers: readonly ServerName[]
  readonly told: ToldTree | undefined
}
type Found = { readonly body: () => JsonObject; readonly links: readonly Link[]; readonly tree: ToldTree | undefined }

/** So long other servers are asked for rooms that are not here; those that come too late are left out of this answer. */
const timeForOthers = 20_000

/** The first rooms of the tree that the user may look at, depth first; each once, so that circles end. What each says of itself is made when it is asked for. */
export async function walkTree(tools: Tree, userId: UserId, { roomId, maxDepth, suggestedOnly, end }: Walk): Promise<(() => JsonObject)[]> {
  const found: (() => JsonObject)[] = []
  const seen = new Set<string>()
  const signal = AbortSignal.timeout(timeForOthers)
  const stack: Step[] = [{ roomId, depth: 0, servers: await likelyServers(tools.graph, userId, roomId), told: undefined }]
  while (found.length < end) {
    const step = stack.pop()
    if (step === undefined) break
    if (seen.has(step.roomId)) continue
    seen.add(step.roomId)
    const room = await look(tools, userId, step, { suggestedOnly, signal })
    if (room === undefined) continue
    found.push(room.body)
    if (step.depth >= maxDepth) continue
    for (const { state_key, content } of [...room.links].reverse()) {
      stack.push({ roomId: state_key, depth: step.depth + 1, servers: serversOf(content), told: room.tree })
    }
  }
  return found
}

const mostKnown = 3

/** The server of whoever has invited a user knows the room; so do those that it was knocked at over, and those that were in it when this server left it. */
export async function likelyServers(
  graph: Pick<Graph, 'memberships' | 'room' | 'outside'>,
  userId: UserId,
  roomId: RoomId,
): Promise<ServerName[]> {
  const own = (await graph.memberships(userId)).get(roomId)
  const inviting = own?.membership === 'invite' ? [serverNameOf(own.sender)] : []
  const outside = (await graph.outside.find(userId, roomId))?.servers ?? []
  const before = [...((await graph.room(roomId))?.servers.keys() ?? [])]
  return [...new Set([...inviting, ...outside.slice(0, mostKnown), ...before.slice(0, mostKnown)])]
}

type Looking = { readonly suggestedOnly: boolean; readonly signal: AbortSignal }

/** A room as this server knows it, when it is in it, or as another one does; undefined when the user may not look at it, or nobody knows it. */
async function look(
  { graph, home, askTree }: Tree,
  userId: UserId,
  step: Step,
  { suggestedOnly, signal }: Looking,
): Promise<Found | undefined> {
  const { roomId, servers, told: parent } = step
  const here = await (step.depth === 0 ? graph.freshRoom(roomId) : graph.room(roomId))
  const ifAllowed = async (room: RoomView) => ((await mayPreview(graph, room, userId)) ? foundHere(room, suggestedOnly) : undefined)
  if (here?.servers.has(home.serverName)) return ifAllowed(here)
  // "They should not be re-requested."
  if (parent?.inaccessible.has(roomId)) return undefined
  const known = parent?.children.get(roomId)
  const isWhole = known !== undefined && known.summary['room_type'] !== 'm.space'
  const tree = isWhole ? undefined : await askTree(roomId, servers, signal)
  const told = tree?.room ?? known
  if (told !== undefined) return (await mayPreviewTold(graph, told.summary, userId)) ? foundElsewhere(told, tree, suggestedOnly) : undefined
  return here === undefined ? undefined : ifAllowed(here)
}

function foundHere(room: RoomView, suggestedOnly: boolean): Found {
  const links = childrenState(room, suggestedOnly)
  return { body: () => ({ ...roomSummary(room), children_state: links }), links, tree: undefined }
}

function foundElsewhere({ summary, links: all }: ToldRoom, tree: ToldTree | undefined, suggestedOnly: boolean): Found {
  const isSpace = summary['room_type'] === 'm.space'
  const links = isSpace ? orderLinks(all.filter(({ content }) => !suggestedOnly || content['suggested'] === true)) : []
  return { body: () => ({ ...summary, children_state: [...links] }), links, tree }
}
