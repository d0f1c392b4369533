import { userIdOf } from '../core/fields.ts'
import { serverNameOf } from '../core/ids.ts'
import { notFound } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { lastDeviceUpdates } from '../people/device-changes.ts'
import type { Tools } from '../slice.ts'
import { crossSigningKeys, selectPublicKeys, toldDevice } from './public-keys.ts'

/** The whole list of a user's devices, for servers that missed something. https://spec.matrix.org/v1.19/server-server-api/#device-management */
export function userDevices({ home, people }: Pick<Tools, 'home' | 'people'>): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/user/devices/{userId}',
      operationId: 'getUserDevices',
      auth: 'x-matrix',
      body: 'none',
      handle: async ({ params }) => {
        const userId = userIdOf(params['userId'])
        if (serverNameOf(userId) !== home.serverName) throw notFound('this is not a user of this server')
        // The position first: what is read after it is as new, or newer. Both from the disk: memory may be a moment behind.
        const [last] = await lastDeviceUpdates(home.database, [userId])
        const [keys] = await selectPublicKeys({ home, people }, [userId])
        if (last === undefined && (await people.account(userId)) === undefined) throw notFound('there is no such user')
        const named = home.config.federation.tell_device_names
        const devices = [...keys!.devices.keys()].map((deviceId) => ({ device_id: deviceId, ...toldDevice(keys!, deviceId, named) }))
        return { body: { user_id: userId, stream_id: last?.position ?? 0, devices, ...crossSigningKeys(keys!) } }
      },
    }),
  ]
}
