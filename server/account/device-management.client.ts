import { readList, readOptionalText } from '../core/fields.ts'
import { fitsBytes, maxIdBytes } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { badJson, invalidParam, missingParam, notFound } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Device } from '../people/people.ts'
import type { Tools } from '../slice.ts'
import { checkDisplayName } from './session-answer.ts'

const devicePath = { path: '/_matrix/client/v3/devices/{deviceId}', aliases: ['/_matrix/client/r0/devices/{deviceId}'] }

/** https://spec.matrix.org/v1.19/client-server-api/#device-management */
export function deviceManagement(tools: Tools): Endpoint[] {
  const { people } = tools
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/devices',
      aliases: ['/_matrix/client/r0/devices'],
      operationId: 'getDevices',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester }) => ({ body: { devices: (await people.devices(requester.userId)).map(asJson) } }),
    }),
    endpoint({
      ...devicePath,
      method: 'GET',
      operationId: 'getDevice',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester, params }) => {
        const device = await people.device(requester.userId, params['deviceId']!)
        if (!device) throw notFound('there is no such device')
        return { body: asJson(device) }
      },
    }),
    endpoint({
      ...devicePath,
      method: 'PUT',
      operationId: 'updateDevice',
      auth: 'access_token',
      body: 'json?',
      handle: (call) => updateDevice(tools, call),
    }),
    endpoint({
      ...devicePath,
      method: 'DELETE',
      operationId: 'deleteDevice',
      auth: 'access_token',
      body: 'json?',
      handle: (call) => remove(tools, call, [call.params['deviceId']!]),
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/delete_devices',
      aliases: ['/_matrix/client/r0/delete_devices'],
      operationId: 'deleteDevices',
      auth: 'access_token',
      body: 'json',
      handle: (call) => remove(tools, call, readDeviceIds(call.body)),
    }),
  ]
}

async function updateDevice({ people }: Tools, { requester, params, body }: Call<'access_token'>): Promise<Reply> {
  const deviceId = params['deviceId']!
  const displayName = readOptionalText(body, 'display_name')
  checkDisplayName(displayName)
  if (deviceId === '' || !fitsBytes(deviceId, maxIdBytes)) throw invalidParam('the device id is empty or too long')
  // The ability to create new devices is only available to application services: regular clients may only update existing devices.
  if (!requester.service && !(await people.device(requester.userId, deviceId))) throw notFound('there is no such device')
  const { made } = await people.putDevice(requester.userId, deviceId, displayName)
  return { status: made ? 201 : 200, body: {} }
}

async function remove({ people }: Tools, call: Call<'access_token'>, ids: readonly string[]): Promise<Reply> {
  await people.confirmByPassword(call)
  await people.removeDevices(call.requester.userId, ids)
  return { body: {} }
}

function readDeviceIds(body: JsonObject): readonly string[] {
  if (body['devices'] === undefined) throw missingParam('devices is missing')
  const ids = readList(body, 'devices')
  if (!ids.every((id) => typeof id === 'string')) throw badJson('devices is not a list of device ids')
  return ids
}

function asJson(device: Device): JsonObject {
  return {
    device_id: device.deviceId,
    display_name: device.displayName,
    last_seen_ip: device.lastSeenIp,
    last_seen_ts: device.lastSeenAt,
  }
}
