import { readCount } from '../core/fields.ts'
import type { RoomId } from '../core/ids.ts'
import { invalidParam } from '../core/matrix-error.ts'
import { notifyingActions, type PushAction, readActions } from '../core/push-rules.ts'
import { clientEventText } from '../graph/client-event.ts'
import type { Seen } from '../graph/graph.ts'
import { pushEvent } from '../graph/unread/push-event.ts'
import type { Unread } from '../graph/unread/unread-count.ts'
import { type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { breather } from './breather.ts'
import { isRead } from './is-read.ts'
import { newestFirst } from './newest-first.ts'

const mostLooked = 1000
const oldest = 30 * 24 * 3_600_000
const mostAnswered = 100

type Notification = { readonly seen: Seen; readonly actions: readonly PushAction[]; readonly read: boolean }

/**
 * What has notified the user in the last thirty days, the newest first, as their rules are now.
 * https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications
 */
export function notificationsEndpoint(tools: Tools): Endpoint {
  return endpoint({
    method: 'GET',
    path: '/_matrix/client/v3/notifications',
    aliases: ['/_matrix/client/r0/notifications'],
    operationId: 'getNotifications',
    auth: 'access_token',
    body: 'none',
    rate: 'other',
    handle: async (call) => {
      const limit = Math.max(readCount(call.query, 'limit', 20, mostAnswered), 1)
      const { found, next } = await collect(tools, call, readFrom(call.query.get('from')), limit)
      const { session, userId } = call.requester
      const reader = { session, userId, now: tools.home.clock.now() }
      const texts = found.map(({ seen, actions, read }) => {
        const { roomId, pdu } = seen.event
        const beside = `"read":${read},"room_id":${JSON.stringify(roomId)},"ts":${pdu.origin_server_ts}`
        return `{"actions":${JSON.stringify(actions)},"event":${clientEventText(seen, reader)},${beside}}`
      })
      return { body: `{"notifications":[${texts.join(',')}]${next === undefined ? '' : `,"next_token":"n1_${next}"`}}` }
    },
  })
}

function readFrom(token: string | null): number {
  if (token === null || token === '') return Number.MAX_SAFE_INTEGER
  const position = Number(/^n1_(\d{1,16})$/.exec(token)?.[1])
  if (!Number.isSafeInteger(position)) throw invalidParam('`from` is not a token of this server')
  return position
}

/** Looks at the newest events before a position; `next` is set when there may be more. */
async function collect(
  tools: Tools,
  { requester: { userId }, query }: Call<'access_token'>,
  before: number,
  limit: number,
): Promise<{ readonly found: readonly Notification[]; readonly next: number | undefined }> {
  const { graph, people, home } = tools
  const only = query.get('only') === 'highlight'
  const reader = await people.pushReader(userId)
  const joined = [...(await graph.memberships(userId))].filter(([, { membership }]) => membership === 'join').map(([roomId]) => roomId)
  const after = home.clock.now() - oldest
  const unread = new Map<RoomId, Unread>()
  const found: Notification[] = []
  const breathe = breather(100)
  let looked = 0
  for await (const event of newestFirst(graph, joined, before)) {
    const { position = 0, pdu, roomId, redactedBy } = event
    if (Number(pdu.origin_server_ts) < after) break
    if (++looked > mostLooked) return { found, next: position + 1 }
    await breathe()
    if (redactedBy !== undefined || reader.ignored.has(pdu.sender)) continue
    const context = await graph.pushContext(roomId, reader)
    if (context === undefined) continue
    context.before(event)
    const actions = notifyingActions(reader.inRoom(roomId).compiled, pushEvent(event), context.now)
    if (actions === undefined || (only && !readActions(actions).highlight)) continue
    const [seen] = await graph.visible([event], userId)
    // Whatever was said before they came, or while they were away, has notified nobody; that they were invited has.
    if (seen === undefined || (seen.membership !== 'join' && pdu.state_key !== userId)) continue
    if (found.length === limit) return { found, next: position + 1 }
    if (!unread.has(roomId)) unread.set(roomId, await graph.unread(roomId, reader))
    found.push({ seen, actions, read: isRead(unread.get(roomId)!, event) })
  }
  return { found, next: undefined }
}
