import type { MatrixRequests } from '../crypto/requests.ts'
import type { MatrixClient } from './client.ts'

/** The requests of encryption, made as the user and device they are for. Each rejects when the homeserver does not say yes. */
export function createMatrixRequests(client: MatrixClient): MatrixRequests {
  const post = (path: string, userId: string, body: Readonly<Record<string, unknown>>, deviceId?: string) =>
    client.call({ method: 'POST', path: `/_matrix/client/v3${path}`, userId, deviceId, body })
  return {
    createDevice: (userId, deviceId, displayName) =>
      client.call({
        method: 'PUT',
        path: `/_matrix/client/v3/devices/${encodeURIComponent(deviceId)}`,
        userId,
        body: { display_name: displayName },
      }),
    uploadKeys: (userId, deviceId, body) => post('/keys/upload', userId, body, deviceId),
    uploadCrossSigning: (userId, body) => post('/keys/device_signing/upload', userId, body),
    uploadSignatures: (userId, body) => post('/keys/signatures/upload', userId, body),
    queryKeys: (asUser, users) => post('/keys/query', asUser, { device_keys: Object.fromEntries(users.map((user) => [user, []])) }),
    claimKeys: (asUser, asDevice, oneTimeKeys) => post('/keys/claim', asUser, { one_time_keys: oneTimeKeys }, asDevice),
    sendToDevice: (asUser, asDevice, eventType, txnId, messages) =>
      client.call({
        method: 'PUT',
        path: `/_matrix/client/v3/sendToDevice/${encodeURIComponent(eventType)}/${encodeURIComponent(txnId)}`,
        userId: asUser,
        deviceId: asDevice,
        body: { messages },
      }),
  }
}
