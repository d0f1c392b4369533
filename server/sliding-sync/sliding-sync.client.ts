import type { RoomId } from '../core/ids.ts'
import { unknownPos } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Section } from '../slice.ts'
import type { Listeners } from '../storage/listeners.ts'
import { type Connection, type Connections, inTurn } from './connections.ts'
import { answerText, isEmpty, look, type SlidingTools } from './look.ts'
import { readSlidingSyncRequest, type SlidingSyncRequest } from './sliding-sync-request.ts'

type Tools = SlidingTools & { readonly connections: Connections; readonly listeners: Listeners }

const largest = 512 * 1024
const catchUp = 1000

/** https://github.com/matrix-org/matrix-spec-proposals/pull/4186 */
export function slidingSyncEndpoint(tools: Tools, sections: () => readonly Section[]): Endpoint {
  return endpoint({
    method: 'POST',
    path: '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync',
    operationId: 'slidingSync',
    auth: 'access_token',
    body: 'json?',
    limit: largest,
    handle: async (call) => {
      const request = readSlidingSyncRequest(call)
      const { requester, connId, pos } = request
      const connection = pos === undefined ? tools.connections.open(requester, connId) : tools.connections.find(requester, connId)
      if (connection === undefined) throw unknownPos()
      const body = await inTurn(connection, request.signal, (signal) => answer(tools, sections(), connection, { ...request, signal }))
      return { body }
    },
  })
}

/** Takes the ticket first, then looks; with nothing to tell it waits for the ticket or the timeout, and looks again. */
async function answer(tools: Tools, sections: readonly Section[], connection: Connection, request: SlidingSyncRequest): Promise<string> {
  const { connections, listeners } = tools
  const end = performance.now() + request.timeout
  if (request.pos !== undefined && !connections.accept(connection, request.pos)) throw unknownPos()
  const { since } = request.extensions.toDevice ?? { since: 0 }
  await untilReached(tools.home, connection, since)
  await acknowledge(tools, sections, request)
  await showPresence(tools, sections, request)
  const listener = await listeners.of(request.requester)
  for (;;) {
    await listener.refresh()
    const found = await look(tools, sections, listener.subscription.keys, connection, request)
    const left = end - performance.now()
    if (request.pos === undefined || !isEmpty(found) || left <= 0 || request.signal.aborted) {
      return answerText(connections.propose(connection, found.upTo, found.covered, found.changes), found)
    }
    await listener.subscription.wait(found.upTo, left, request.signal)
  }
}

/**
 * Another process may have given the token out, and this one be behind it. Where that is not over soon it goes to where the log ends, so as not to tell
 * again what was told; a token beyond that nobody has given out, and it is looked for once.
 */
async function untilReached({ notifier, database }: Tools['home'], connection: Connection, since: number): Promise<void> {
  if (!database.shared || since <= notifier.position() || since === connection.sought) return
  if (!(await notifier.reached(since, catchUp))) await database.commit({ writes: [] })
  connection.sought = since
}

/** "The `events` are treated as acknowledged when the server receives a new request with the `since` value." */
async function acknowledge({ home }: Tools, sections: readonly Section[], { requester, extensions }: SlidingSyncRequest): Promise<void> {
  const { userId, deviceId } = requester
  const upTo = Math.min(extensions.toDevice?.since ?? 0, home.notifier.position())
  if (upTo === 0) return
  for (const section of sections)
    if (section.kinds.includes('to_device')) await section.acknowledge?.({ kind: 'device', userId, deviceId }, upTo)
}

/** Whoever asks is there. Others' presence is told by no extension. */
async function showPresence(
  { home }: Tools,
  sections: readonly Section[],
  { requester, presence, timeout }: SlidingSyncRequest,
): Promise<void> {
  const { userId, deviceId } = requester
  const position = home.notifier.position()
  const nothing = { after: position, upTo: position, rows: [], rooms: new Set<RoomId>(), newRooms: new Set<RoomId>() }
  const audience = { kind: 'device', userId, deviceId, polls: { as: presence, milliseconds: timeout } } as const
  for (const section of sections) if (section.kinds.includes('presence')) await section.between({ audience, ...nothing })
}
