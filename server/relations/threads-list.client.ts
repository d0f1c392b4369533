import { readChoice, readCount, roomIdOf } from '../core/fields.ts'
import type { UserId } from '../core/ids.ts'
import { forbidden, invalidParam } from '../core/matrix-error.ts'
import { redact } from '../core/redaction.ts'
import type { RoomRules } from '../core/room-versions.ts'
import { decodeToken, encodeToken } from '../core/stream-token.ts'
import { clientEventText } from '../graph/client-event.ts'
import type { Seen } from '../graph/graph.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { ignoredUsers } from '../people/ignored-users.ts'
import type { Tools } from '../slice.ts'

const mostPages = 10

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads */
export function threadsList(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v1/rooms/{roomId}/threads',
      aliases: ['/_matrix/client/unstable/org.matrix.msc3856/rooms/{roomId}/threads'],
      operationId: 'getThreadRoots',
      auth: 'access_token',
      body: 'none',
      rate: 'other',
      handle: (call) => threadsOf(tools, call),
    }),
  ]
}

async function threadsOf(tools: Tools, { params, query, requester }: Call<'access_token'>): Promise<Reply> {
  const { graph, home } = tools
  const { userId, session } = requester
  const roomId = roomIdOf(params['roomId'])
  const include = readChoice(query, 'include', ['all', 'participated']) ?? 'all'
  const limit = readCount(query, 'limit', 20, 100)
  if (limit === 0) throw invalidParam('`limit` must be greater than zero')
  const from = query.get('from') ?? ''
  const before = from === '' ? Number.MAX_SAFE_INTEGER : readPlace(from)
  const room = await graph.freshRoom(roomId)
  const membership = (await graph.memberships(userId)).get(roomId)
  const isOpen = room?.state('m.room.history_visibility', '')?.pdu.content['history_visibility'] === 'world_readable'
  const mayLook = membership !== undefined && !membership.forgotten && membership.membership !== 'ban'
  if (room === undefined || (!mayLook && !isOpen)) throw forbidden('you are not allowed to view this room')
  const { seen, next } = await collect(tools, { roomId, userId, limit, before, participant: include === 'all' ? undefined : userId })
  const now = home.clock.now()
  const ignored = await ignoredUsers(home.database, userId)
  const shown = seen.map((one) => (ignored.includes(one.event.pdu.sender) ? pruned(one, room.rules) : one))
  const bundles = await graph.bundles(shown, { userId, session, now, ignored: async () => ignored })
  const chunk = shown.map((one) => clientEventText(one, { session, userId, now, bundles })).join(',')
  return { body: `{"chunk":[${chunk}]${next === undefined ? '' : `,"next_batch":"${writePlace(next)}"`}}` }
}

/** Positions of threads that ended before this server followed the room are below 0, and stand in tokens above all others. */
const above = 2 ** 53

function writePlace(place: number): string {
  return encodeToken(place < 0 ? place + above : place)
}

function readPlace(token: string): number {
  const { position } = decodeToken(token)
  return position < above / 2 ? position : position - above
}

type Wanted = {
  readonly roomId: `!${string}`
  readonly userId: UserId
  readonly limit: number
  readonly before: number
  readonly participant: UserId | undefined
}

async function collect({ graph }: Tools, wanted: Wanted): Promise<{ seen: Seen[]; next: number | undefined }> {
  const seen: Seen[] = []
  let before = wanted.before
  for (let pages = 0; pages < mostPages && seen.length < wanted.limit; pages++) {
    const size = wanted.limit - seen.length
    const page = await graph.threads(wanted.roomId, before, size, wanted.participant)
    const roots = page.flatMap(({ event }) => (event === undefined ? [] : [event]))
    seen.push(...(await graph.visible(roots, wanted.userId)))
    before = page.at(-1)?.position ?? before
    if (page.length < size) return { seen, next: undefined }
  }
  return { seen, next: before }
}

/** "If the thread root event was sent by an ignored user, the event is returned redacted to the caller." */
function pruned({ event, membership }: Seen, rules: RoomRules): Seen {
  return { event: { ...event, pdu: redact(event.pdu, rules) }, membership }
}
