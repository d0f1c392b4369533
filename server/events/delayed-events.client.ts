import { readText } from '../core/fields.ts'
import { parseKept } from '../core/lossless-json.ts'
import { invalidParam } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { type Action, actions, type DelayedEvents, tooLong } from './delayed-events.ts'

const path = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events'

/** Managing delayed events. Who knows an id may act on it without a token: a call's media server does so for its members. */
export function delayedEventsEndpoints(delayed: DelayedEvents): Endpoint[] {
  const post = { method: 'POST', auth: 'access_token?', body: 'json?', rate: 'delayed_event' } as const
  return [
    endpoint({
      method: 'GET',
      path,
      operationId: 'getDelayedEvents',
      auth: 'access_token',
      body: 'none',
      rate: 'delayed_event',
      handle: async ({ requester }) => {
        const rows = await delayed.list(requester.userId)
        const events = rows.map(({ delay_id, room_id, type, state_key, delay, running_since, content }) => ({
          delay_id,
          room_id,
          type,
          ...(state_key === null ? {} : { state_key }),
          delay,
          running_since,
          content: parseKept(content),
        }))
        return { body: { delayed_events: events } }
      },
    }),
    endpoint({
      ...post,
      path: `${path}/{delayId}`,
      operationId: 'updateDelayedEvent',
      handle: async ({ params, body }) => {
        await delayed.act(params['delayId'] ?? '', actionOf(readText(body, 'action')))
        return { body: {} }
      },
    }),
    endpoint({
      ...post,
      path: `${path}/{delayId}/{action}`,
      operationId: 'actOnDelayedEvent',
      handle: async ({ params }) => {
        await delayed.act(params['delayId'] ?? '', actionOf(params['action']))
        return { body: {} }
      },
    }),
  ]
}

function actionOf(text: string | undefined): Action {
  const action = actions.find((name) => name === text)
  if (action === undefined) throw invalidParam(`\`action\` must be one of ${actions.join(', ')}`)
  return action
}

/** The delay that a request to send asks for, in milliseconds; undefined to send at once. 400 for one that cannot be kept. */
export function readDelay(query: URLSearchParams, longest: number): number | undefined {
  const text = query.get('org.matrix.msc4140.delay')
  if (text === null) return undefined
  if (!/^\d{1,15}$/.test(text) || Number(text) === 0) throw invalidParam('the delay must be a number of milliseconds')
  if (Number(text) > longest) throw tooLong(longest)
  return Number(text)
}
