import { readChoice, readCount, roomIdOf } from '../core/fields.ts'
import type { RoomId } from '../core/ids.ts'
import { MatrixError } from '../core/matrix-error.ts'
import { encodeToken } from '../core/stream-token.ts'
import { clientEventText } from '../graph/client-event.ts'
import type { Membership } from '../graph/graph.ts'
import { type Call, type Endpoint, endpoint, type Reply, type Requester } from '../http/endpoint.ts'
import { welcomeInviters } from '../people/invites/invite-wishes.ts'
import type { Section, Tools } from '../slice.ts'
import { streamEvents } from './event-stream.ts'
import { readableState } from './readable-state.ts'
import { accountData, roomInfoText } from './room-info.ts'

const usualMessages = 10
const mostMessages = 100
const mostRooms = 100

/** What clients asked before there was `/sync`; deprecated. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3initialsync */
export function oldSync(tools: Tools, sections: () => readonly Section[]): Endpoint[] {
  const get = { method: 'GET', auth: 'access_token', body: 'none' } as const
  return [
    endpoint({
      ...get,
      path: '/_matrix/client/v3/events',
      operationId: 'getEvents',
      alsoOperations: ['peekEvents'],
      handle: (call) => streamEvents(tools, call),
    }),
    endpoint({
      ...get,
      path: '/_matrix/client/v3/initialSync',
      operationId: 'initialSync',
      rate: 'other',
      handle: (call) => initialSync(tools, sections(), call),
    }),
    endpoint({
      ...get,
      path: '/_matrix/client/v3/rooms/{roomId}/initialSync',
      operationId: 'roomInitialSync',
      handle: async ({ params, query, requester }) => {
        const readable = await readableState(tools.graph, roomIdOf(params['roomId']), requester)
        const limit = readCount(query, 'limit', usualMessages, mostMessages)
        return { body: await roomInfoText(tools, readable, { requester, limit, upTo: tools.home.notifier.position() }) }
      },
    }),
  ]
}

/** The rooms in which something happened last are told with messages and state; of the others, where there are very many, only that they are. */
async function initialSync(tools: Tools, sections: readonly Section[], { query, requester }: Call<'access_token'>): Promise<Reply> {
  const { graph, home } = tools
  const { userId } = requester
  const limit = readCount(query, 'limit', usualMessages, mostMessages)
  const archived = readChoice(query, 'archived', ['true', 'false']) === 'true'
  const memberships = await graph.memberships(userId)
  const upTo = home.notifier.position()
  const activity = await graph.lastActivity(memberships.keys())
  const when = (roomId: RoomId, { position }: Membership) => activity.get(roomId) ?? position
  const newestFirst = [...memberships].sort((a, b) => when(...b) - when(...a))
  const isWelcome = await welcomeInviters(home.database, userId)
  const rooms: string[] = []
  let whole = 0
  for (const [roomId, membership] of newestFirst) {
    const { membership: is, sender, forgotten } = membership
    const isIn = is === 'join' || ((is === 'leave' || is === 'ban') && archived && !forgotten)
    const room = isIn && whole < mostRooms ? await readableState(graph, roomId, requester).catch(onlyRefusals) : undefined
    if (room !== undefined) {
      whole++
      rooms.push(await roomInfoText(tools, room, { requester, limit, upTo }))
    } else if (isIn) rooms.push(`{"room_id":${JSON.stringify(roomId)},"membership":"${is}"}`)
    else if (is === 'invite' && isWelcome(sender)) rooms.push(await invitedText(tools, roomId, membership, requester))
  }
  const presence = JSON.stringify(await presenceOf(tools, sections, requester, upTo))
  const account = JSON.stringify(await accountData(tools, userId, [''], upTo))
  return { body: `{"end":"${encodeToken(upTo)}","presence":${presence},"account_data":${account},"rooms":[${rooms.join(',')}]}` }
}

/** Of a room that was never read, a ban alone is told. */
function onlyRefusals(error: unknown): undefined {
  if (!(error instanceof MatrixError)) throw error
}

async function invitedText(
  { graph, home }: Tools,
  roomId: RoomId,
  { eventId, membership }: Membership,
  { userId, session }: Requester,
): Promise<string> {
  const event = (await graph.outside.find(userId, roomId))?.event ?? (await graph.event(eventId))
  const reader = { session, userId: undefined, now: home.clock.now() }
  const invite = event === undefined ? '' : `,"invite":${clientEventText({ event, membership }, reader)}`
  return `{"room_id":${JSON.stringify(roomId)},"membership":"invite"${invite}}`
}

async function presenceOf({ graph }: Tools, sections: readonly Section[], requester: Requester, upTo: number) {
  const { userId, deviceId } = requester
  const { rooms } = await graph.joinedRooms(userId)
  const audience = { kind: 'device', userId, deviceId } as const
  const speaking = sections.filter(({ kinds }) => kinds.includes('presence'))
  const pieces = await Promise.all(
    speaking.map(({ between }) => between({ audience, after: 0, upTo, rows: undefined, rooms, newRooms: rooms })),
  )
  return pieces.flatMap((piece) => piece?.presence ?? [])
}
