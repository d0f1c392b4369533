import { readChoice, roomIdOf } from '../core/fields.ts'
import type { RoomId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { notFound } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { mayServerPreview, roomSummary } from './room-summary.ts'
import { childrenOf, childrenState } from './space-children.ts'

/** So many children are looked at; the server that asks knows of all from the space's state. */
const mostChildren = 100

/** https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid */
export function spaceHierarchyForServers(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/hierarchy/{roomId}',
      aliases: ['/_matrix/federation/unstable/org.matrix.msc2946/hierarchy/{roomId}'],
      operationId: 'getSpaceHierarchy',
      auth: 'x-matrix',
      body: 'none',
      handle: (call) => hierarchyOf(tools, call),
    }),
  ]
}

/** One level of the tree: the space, and those of its children that this server is in. */
async function hierarchyOf({ graph, home }: Tools, { params, query, origin }: Call<'x-matrix'>): Promise<Reply> {
  const suggestedOnly = readChoice(query, 'suggested_only', ['true', 'false']) === 'true'
  const space = await graph.freshRoom(roomIdOf(params['roomId']))
  if (space?.servers.has(home.serverName) !== true || !(await mayServerPreview(graph, space, origin))) {
    throw notFound('there is no such room here, or your server may not look at it')
  }
  const [children, inaccessible]: [JsonObject[], RoomId[]] = [[], []]
  for (const { pdu } of childrenOf(space, suggestedOnly).slice(0, mostChildren)) {
    const roomId = pdu.state_key as RoomId
    const child = await graph.room(roomId)
    // "Rooms which the responding server cannot provide details on will be outright excluded from the response instead."
    if (child?.servers.has(home.serverName) !== true) continue
    if (await mayServerPreview(graph, child, origin)) children.push(roomSummary(child))
    else inaccessible.push(roomId)
  }
  const room = { ...roomSummary(space), children_state: childrenState(space, suggestedOnly) }
  return { body: { room, children, inaccessible_children: inaccessible } }
}
