import { encodeToken } from '../core/stream-token.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Audience, Section, Tools } from '../slice.ts'
import { createListeners, type Listener } from '../storage/listeners.ts'
import { answerText, isEmpty, look } from './look.ts'
import { piecesOfAnswer } from './pieces.ts'
import { readSyncRequest, type SyncRequest } from './sync-request.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
export function sync(tools: Tools, sections: () => readonly Section[]): Endpoint[] {
  const listeners = createListeners(tools.home.notifier, tools.graph.joinedRooms)
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/sync',
      operationId: 'sync',
      auth: 'access_token',
      body: 'none',
      handle: async (call: Call<'access_token'>): Promise<Reply> => {
        const request = await readSyncRequest(tools.home, call)
        const listener = await listeners.of(request.requester)
        return { body: await answer(tools, sections(), listener, request) }
      },
    }),
  ]
}

/** Takes the ticket first, then looks; with nothing to tell it waits for the ticket or the timeout, and looks again. */
async function answer(tools: Tools, sections: readonly Section[], listener: Listener, request: SyncRequest): Promise<string> {
  const { notifier } = tools.home
  const { since, requester } = request
  const end = performance.now() + request.timeout
  if (since !== undefined) {
    for (const done of acknowledge(sections, request)) await done
    if (since.position > notifier.position()) await notifier.reached(since.position, request.timeout)
  }
  for (;;) {
    await listener.refresh()
    const found = await look(tools, sections, listener, request)
    const { upTo } = found
    const left = end - performance.now()
    if (since === undefined || request.fullState || !isEmpty(found) || left <= 0 || request.signal.aborted) {
      const always = await piecesOfAnswer(sections, found.between)
      return answerText(encodeToken(upTo, found.toDeviceUpTo ?? upTo), found, always, requester)
    }
    await listener.subscription.wait(upTo, left, request.signal)
  }
}

/** What has to be waited for, which is nothing for most. */
function acknowledge(sections: readonly Section[], { requester, since }: SyncRequest): Promise<void>[] {
  const audience: Audience = { kind: 'device', userId: requester.userId, deviceId: requester.deviceId }
  const doing = sections.map(({ acknowledge }) => acknowledge?.(audience, since?.toDevice ?? 0))
  return doing.filter((one) => one !== undefined)
}
