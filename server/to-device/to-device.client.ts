import { checkPlainText } from '../core/plain-text.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { readMessages, type Sending } from './send-to-device.ts'

const largest = 10 * 1024 * 1024

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3sendtodeviceeventtypetxnid */
export function sendToDeviceEndpoint(send: (sending: Sending) => Promise<void>): Endpoint {
  return endpoint({
    method: 'PUT',
    path: '/_matrix/client/v3/sendToDevice/{eventType}/{txnId}',
    aliases: ['/_matrix/client/r0/sendToDevice/{eventType}/{txnId}', '/_matrix/client/unstable/sendToDevice/{eventType}/{txnId}'],
    operationId: 'sendToDevice',
    auth: 'access_token',
    body: 'json',
    limit: largest,
    handle: async ({ requester, params, path, body }) => {
      const type = checkPlainText('eventType', params['eventType'])
      await send({ sender: requester.userId, session: requester.session, path, type, messages: readMessages(body) })
      return { body: {} }
    },
  })
}
