import { eventIdParameter, readOptionalText, roomIdOf, userIdOf } from '../core/fields.ts'
import { type EventId, fitsBytes, type RoomId, serverNameOf, type UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { invalidParam, limitExceeded, notFound } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import { insertReport, selectRecent } from './reports.store.ts'

type About = { readonly kind: 'room' | 'event' | 'user'; readonly roomId?: RoomId; readonly eventId?: EventId; readonly userId?: UserId }

const longestReason = 8192
/** How many reports somebody may make in a while. */
const mostReports = 30
const span = 600_000

const post = { method: 'POST', auth: 'access_token', body: 'json', limit: 64 * 1024, rate: 'report' } as const

/** Reports to whoever runs the server. https://spec.matrix.org/v1.19/client-server-api/#reporting-content */
export function reportEndpoints(tools: Tools): Endpoint[] {
  const { graph } = tools
  return [
    endpoint({
      ...post,
      path: '/_matrix/client/v3/rooms/{roomId}/report',
      aliases: ['/_matrix/client/unstable/org.matrix.msc4151/rooms/{roomId}/report'],
      operationId: 'reportRoom',
      handle: async (call) => {
        const roomId = roomIdOf(call.params['roomId'])
        if ((await graph.room(roomId)) === undefined) throw notFound('there is no such room here')
        return keep(tools, call, { kind: 'room', roomId })
      },
    }),
    endpoint({
      ...post,
      path: '/_matrix/client/v3/rooms/{roomId}/report/{eventId}',
      aliases: ['/_matrix/client/r0/rooms/{roomId}/report/{eventId}'],
      operationId: 'reportEvent',
      handle: async (call) => {
        const roomId = roomIdOf(call.params['roomId'])
        const eventId = eventIdParameter(call.params['eventId'])
        const { userId } = call.requester
        const { event } = await graph.visibleEvent(roomId, eventId, userId)
        // "The caller must be joined to the room to report it."
        if ((await graph.memberships(userId)).get(roomId)?.membership !== 'join') throw notFound('you are not in this room')
        return keep(tools, call, { kind: 'event', roomId, eventId, userId: event.pdu.sender })
      },
    }),
    endpoint({
      ...post,
      path: '/_matrix/client/v3/users/{userId}/report',
      aliases: ['/_matrix/client/unstable/org.matrix.msc4260/users/{userId}/report'],
      operationId: 'reportUser',
      handle: async (call) => {
        const userId = userIdOf(call.params['userId'])
        if (!(await isKnown(tools, userId))) throw notFound('there is no such user here')
        return keep(tools, call, { kind: 'user', userId })
      },
    }),
  ]
}

async function isKnown({ home, people, graph }: Tools, userId: UserId): Promise<boolean> {
  if (serverNameOf(userId) === home.serverName) return (await people.account(userId)) !== undefined
  return (await graph.memberships(userId)).size > 0
}

/** Keeps a report and says so in the log, without the reporter's words. */
async function keep({ home }: Tools, { body, requester }: Call<'access_token'>, about: About): Promise<Reply> {
  const { database, clock, random, log } = home
  const { userId: reporter } = requester
  const reason = readReason(body)
  const now = clock.now()
  const recent = await database.select(selectRecent, reporter, now - span, mostReports)
  if (recent.length >= mostReports && home.config.rate_limits !== 'off') throw limitExceeded(span / mostReports)
  const { kind, roomId = null, eventId = null, userId = null } = about
  const id = random(12).toString('base64url')
  await database.commit({ writes: [write(insertReport, id, now, reporter, kind, roomId, eventId, userId, reason)] })
  log.warn('something was reported', { report: id, reporter, ...about })
  return { body: {} }
}

function readReason(body: JsonObject): string {
  const reason = readOptionalText(body, 'reason') ?? ''
  if (!fitsBytes(reason, longestReason)) throw invalidParam(`\`reason\` must be at most ${longestReason} bytes`)
  return reason
}
