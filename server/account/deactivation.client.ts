import { readOptionalBoolean, readOptionalText } from '../core/fields.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { deactivate } from './deactivation.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate */
export function deactivation(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/account/deactivate',
      aliases: ['/_matrix/client/r0/account/deactivate'],
      operationId: 'deactivateAccount',
      auth: 'access_token',
      body: 'json?',
      rate: 'other',
      handle: async (call) => {
        const erase = readOptionalBoolean(call.body, 'erase') ?? false
        readOptionalText(call.body, 'id_server')
        await tools.people.confirmByPassword(call)
        await deactivate(tools, call.requester.userId, erase)
        // "This must be `success` if the homeserver has no identifiers to unbind for the user."
        return { body: { id_server_unbind_result: 'success' } }
      },
    }),
  ]
}
