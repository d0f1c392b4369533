import { eventIdParameter, readChoice, roomIdOf } from '../core/fields.ts'
import { forbidden, notFound } from '../core/matrix-error.ts'
import { clientEventText, stateEventText } from '../graph/client-event.ts'
import type { MembershipName } from '../graph/graph.ts'
import { listText } from '../graph/state-text/state-text.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { groupAt, groupOf, readableState, readOne } from './readable-state.ts'
import { withBundles } from './with-bundles.ts'

const memberships = ['join', 'invite', 'leave', 'ban', 'knock'] as const

/** The operations of `rooms.yaml`: a room's state, its members and single events. */
export function rooms(tools: Tools): Endpoint[] {
  const { graph } = tools
  const get = { method: 'GET', auth: 'access_token', body: 'none' } as const
  const state = '/_matrix/client/v3/rooms/{roomId}/state'
  return [
    endpoint({ ...get, path: state, aliases: [`${state}/`], operationId: 'getRoomState', handle: (call) => getState(tools, call) }),
    endpoint({
      ...get,
      path: `${state}/{eventType}/{stateKey}`,
      aliases: [`${state}/{eventType}`],
      operationId: 'getRoomStateWithKey',
      handle: (call) => getOneState(tools, call),
    }),
    endpoint({
      ...get,
      path: '/_matrix/client/v3/rooms/{roomId}/members',
      operationId: 'getMembersByRoom',
      handle: (call) => getMembers(tools, call),
    }),
    endpoint({
      ...get,
      path: '/_matrix/client/v3/rooms/{roomId}/joined_members',
      operationId: 'getJoinedMembersByRoom',
      handle: async ({ params, requester }) => {
        const roomId = roomIdOf(params['roomId'])
        const room = await graph.freshRoom(roomId)
        if (room?.membership(requester.userId) !== 'join') throw forbidden('you are not a member of this room')
        return { body: await graph.joinedMembersText(roomId) }
      },
    }),
    endpoint({
      ...get,
      path: '/_matrix/client/v3/rooms/{roomId}/event/{eventId}',
      operationId: 'getOneRoomEvent',
      handle: async ({ params, requester }) => {
        const seen = await graph.visibleEvent(roomIdOf(params['roomId']), eventIdParameter(params['eventId']), requester.userId)
        return { body: clientEventText(seen, await withBundles(tools, requester, [seen])) }
      },
    }),
  ]
}

async function getState({ graph, home }: Tools, { params, requester }: Call<'access_token'>): Promise<Reply> {
  const readable = await readableState(graph, roomIdOf(params['roomId']), requester)
  const state = await graph.stateTexts(readable.room.roomId, groupOf(readable))
  return { body: `[${listText(state, home.clock.now())}]` }
}

async function getOneState({ graph, home }: Tools, { params, query, requester }: Call<'access_token'>): Promise<Reply> {
  const format = readChoice(query, 'format', ['content', 'event'])
  const readable = await readableState(graph, roomIdOf(params['roomId']), requester)
  const event = await readOne(graph, readable, params['eventType'] ?? '', params['stateKey'] ?? '')
  if (event === undefined) throw notFound('there is no such state in this room')
  return { body: format === 'event' ? stateEventText(event, readable.room.roomId, home.clock.now()) : event.pdu.content }
}

async function getMembers({ graph, home }: Tools, { params, query, requester }: Call<'access_token'>): Promise<Reply> {
  const only = readChoice(query, 'membership', memberships)
  const not = readChoice(query, 'not_membership', memberships)
  const at = query.get('at')
  const readable = await readableState(graph, roomIdOf(params['roomId']), requester)
  const group = at === null || at === '' ? groupOf(readable) : await groupAt(graph, readable, at, requester.userId)
  const either = only === undefined && not === undefined
  const isWanted = (membership: MembershipName) => either || membership === only || (not !== undefined && membership !== not)
  const members = group === undefined ? [] : await graph.memberTexts(readable.room.roomId, group, isWanted)
  return { body: `{"chunk":[${listText(members, home.clock.now())}]}` }
}
