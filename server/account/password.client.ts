import { readOptionalBoolean, readText } from '../core/fields.ts'
import { missingParam } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import { deleteLoginTokensOfUser } from './single-use-tokens.store.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword */
export function password(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/account/password',
      aliases: ['/_matrix/client/r0/account/password'],
      operationId: 'changePassword',
      auth: 'access_token',
      body: 'json?',
      limit: 65_536,
      rate: 'other',
      handle: (call) => change(tools, call),
    }),
  ]
}

async function change({ home, people }: Tools, call: Call<'access_token'>): Promise<Reply> {
  const { requester, body } = call
  const endsOthers = readOptionalBoolean(body, 'logout_devices') ?? true
  await people.confirmByPassword(call)
  const wanted = readText(body, 'new_password')
  if (wanted === '') throw missingParam('new_password is empty')
  const ending = { keepDevice: requester.deviceId, keepSession: requester.session }
  await people.setPassword(requester.userId, wanted, endsOthers ? ending : undefined)
  await home.database.commit({ writes: [write(deleteLoginTokensOfUser, requester.userId)] })
  return { body: {} }
}
