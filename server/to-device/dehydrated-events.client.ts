import { readOptionalText } from '../core/fields.ts'
import { parseKept } from '../core/lossless-json.ts'
import { forbidden, invalidParam, notFound } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { selectMessages } from './to-device.store.ts'

const mostMessages = 100

/**
 * What a dehydrated device has collected, page by page; it stays until the device is removed, so that whoever takes it over may begin again.
 * https://github.com/matrix-org/matrix-spec-proposals/pull/3814
 */
export function dehydratedEvents(tools: Pick<Tools, 'home' | 'people'>): Endpoint[] {
  const common = {
    path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events',
    auth: 'access_token',
  } as const
  return [
    endpoint({
      ...common,
      method: 'GET',
      operationId: 'getDehydratedDeviceEvents',
      body: 'none',
      handle: (call) => page(tools, call, call.query.get('next_batch') ?? undefined),
    }),
    endpoint({
      ...common,
      method: 'POST',
      operationId: 'postDehydratedDeviceEvents',
      body: 'json?',
      handle: (call) => page(tools, call, readOptionalText(call.body, 'next_batch')),
    }),
  ]
}

async function page(
  { home, people }: Pick<Tools, 'home' | 'people'>,
  { requester, params }: Call<'access_token'>,
  from: string | undefined,
): Promise<Reply> {
  const { userId } = requester
  const device = await people.dehydratedDevice(userId)
  if (!device) throw notFound('there is no dehydrated device')
  if (device.deviceId !== params['deviceId']) throw forbidden('this is not your dehydrated device')
  const [, after] = /^d(\d{1,15})$/.exec(from ?? 'd0') ?? []
  if (after === undefined) throw invalidParam('next_batch is not one of ours')
  const rows = await home.database.select(selectMessages, userId, device.deviceId, Number(after), home.notifier.position(), mostMessages)
  const events = rows.map(({ message }) => parseKept(message))
  return { body: { events, next_batch: `d${rows.at(-1)?.position ?? after}` } }
}
