import { readOptionalObject, readOptionalText, readUserId } from '../core/fields.ts'
import { serverNameOf } from '../core/ids.ts'
import { forbidden, invalidParam, missingParam, notFound } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { noticeRoomOf } from './notice-rooms.ts'

/** Sending a notice to a user, as administrators' tools ask for it; with a transaction id it is sent once. */
export function sendServerNotice(tools: Tools): Endpoint[] {
  const path = '/_synapse/admin/v1/send_server_notice'
  const common = { auth: 'access_token', body: 'json?' } as const
  return [
    endpoint({ ...common, method: 'POST', path, operationId: 'postServerNotice', handle: (call) => send(tools, call) }),
    endpoint({ ...common, method: 'PUT', path: `${path}/{txnId}`, operationId: 'putServerNotice', handle: (call) => send(tools, call) }),
  ]
}

async function send(tools: Tools, { requester, params, path, body }: Call<'access_token'>): Promise<Reply> {
  if (!requester.admin) throw forbidden('this is for administrators')
  const { home, people, graph } = tools
  const userId = readUserId(body, 'user_id')
  const content = readOptionalObject(body, 'content')
  if (content === undefined) throw missingParam('content is missing')
  const type = readOptionalText(body, 'type') ?? 'm.room.message'
  const stateKey = readOptionalText(body, 'state_key')
  if (serverNameOf(userId) !== home.serverName) throw invalidParam('server notices can be sent to users of this server alone')
  const account = await people.account(userId)
  if (!account || account.deactivated) throw notFound('there is no such user')
  const { roomId, sender } = await noticeRoomOf(tools, userId)
  const template = { type, sender, content, ...(stateKey === undefined ? {} : { stateKey }) }
  const id = params['txnId']
  const transaction = id === undefined ? {} : { transaction: { session: requester.session, path, id } }
  const { eventIds } = await graph.append(roomId, [template], transaction)
  return { body: { event_id: eventIds[0] } }
}
