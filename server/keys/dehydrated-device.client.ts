import { readOptionalObject, readOptionalText, readText } from '../core/fields.ts'
import { fitsBytes, maxIdBytes } from '../core/ids.ts'
import { badJson, invalidParam, missingParam, notFound } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { uploadKeys } from './upload-keys.ts'

const path = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device'

/**
 * A device that stands in for its user while all others are logged out: it has keys and collects messages, and no session.
 * https://github.com/matrix-org/matrix-spec-proposals/pull/3814
 */
export function dehydratedDevice(tools: Pick<Tools, 'home' | 'people' | 'graph'>): Endpoint[] {
  const { people } = tools
  return [
    endpoint({
      path,
      method: 'PUT',
      operationId: 'putDehydratedDevice',
      auth: 'access_token',
      body: 'json',
      handle: (call) => put(tools, call),
    }),
    endpoint({
      path,
      method: 'GET',
      operationId: 'getDehydratedDevice',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester }) => {
        const device = await people.dehydratedDevice(requester.userId)
        if (!device) throw notFound('there is no dehydrated device')
        return { body: { device_id: device.deviceId, device_data: device.data } }
      },
    }),
    endpoint({
      path,
      method: 'DELETE',
      operationId: 'deleteDehydratedDevice',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester }) => {
        const device = await people.dehydratedDevice(requester.userId)
        if (!device) throw notFound('there is no dehydrated device')
        await people.removeDevices(requester.userId, [device.deviceId])
        return { body: { device_id: device.deviceId } }
      },
    }),
  ]
}

async function put({ home, people, graph }: Pick<Tools, 'home' | 'people' | 'graph'>, call: Call<'access_token'>): Promise<Reply> {
  const { requester, body } = call
  const { userId } = requester
  const deviceId = readText(body, 'device_id')
  if (!isPlainText(deviceId) || !fitsBytes(deviceId, maxIdBytes)) throw invalidParam('device_id is empty, too long or no plain text')
  const data = readOptionalObject(body, 'device_data')
  if (data === undefined) throw missingParam('device_data is missing')
  if (typeof data['algorithm'] !== 'string') throw badJson('device_data has no algorithm')
  if (body['device_keys'] === undefined) throw missingParam('device_keys is missing')
  const displayName = readOptionalText(body, 'initial_device_display_name')
  const before = await people.dehydratedDevice(userId)
  if (before?.deviceId !== deviceId && (await people.device(userId, deviceId))) throw invalidParam('there is another device of this id')
  // In memory, the user's rooms are woken with the change.
  await graph.memberships(userId)
  const { made } = await people.putDevice(userId, deviceId, displayName)
  try {
    await uploadKeys(home, { userId, deviceId }, body)
  } catch (error) {
    if (made) await people.removeDevices(userId, [deviceId])
    throw error
  }
  await people.setDehydratedDevice(userId, deviceId, data)
  if (before && before.deviceId !== deviceId) await people.removeDevices(userId, [before.deviceId])
  return { body: { device_id: deviceId } }
}
