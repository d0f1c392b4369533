import { readList, readUserId, roomIdOf } from '../core/fields.ts'
import { isRoomId, isUserId, localpartOf, type RoomId, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { badJson, forbidden, MatrixError, notFound } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { checkInvite } from '../people/invites/invite-wishes.ts'
import { answerOf } from '../remote/answer-of.ts'
import { createFewAtATime } from '../remote/few-at-a-time.ts'
import type { Tools } from '../slice.ts'
import { roomFor } from './joins.federation.ts'
import { issueInvite, readSigned, type SignedInvite } from './third-party-invites.ts'

const mostInvites = 20
const mostAtOnce = 4
const mostWaiting = 100
const timeoutMs = 10_000

/** Invitations of people who were known by a third-party identifier alone. https://spec.matrix.org/v1.19/server-server-api/#third-party-invites */
export function thirdPartyInvite(tools: Tools): Endpoint[] {
  const fewAtATime = createFewAtATime(mostAtOnce, mostWaiting)
  return [
    endpoint({
      method: 'PUT',
      path: '/_matrix/federation/v1/exchange_third_party_invite/{roomId}',
      operationId: 'exchangeThirdPartyInvite',
      auth: 'x-matrix',
      body: 'json',
      handle: (call) => exchange(tools, call),
    }),
    // The specification says PUT; identity servers POST, and homeservers that take that alone are why.
    ...(['PUT', 'POST'] as const).map((method) =>
      endpoint({
        method,
        path: '/_matrix/federation/v1/3pid/onbind',
        operationId: 'onBindThirdPartyIdentifier',
        auth: 'none',
        body: 'json',
        rate: 'other',
        handle: async ({ body }) => {
          const mxid = readUserId(body, 'mxid')
          if (serverNameOf(mxid) !== tools.home.serverName) throw forbidden('the user is not of this server')
          if (!(await tools.people.userExists(mxid))) throw notFound('there is no such user on this server')
          const invites = readList(body, 'invites').slice(0, mostInvites)
          await fewAtATime(async () => {
            for (const invite of invites) await bound(tools, mxid, invite)
          })
          return { body: {} }
        },
      }),
    ),
  ]
}

/** "The invited homeserver … will need to request the inviting homeserver to auth the event". */
async function exchange(tools: Tools, { params, body, origin }: Call<'x-matrix'>): Promise<Reply> {
  const room = await roomFor(tools, roomIdOf(params['roomId']), origin)
  const sender = readUserId(body, 'sender')
  const invited = readUserId(body, 'state_key')
  const content = isJsonObject(body['content']) ? body['content'] : {}
  if (body['type'] !== 'm.room.member' || content['membership'] !== 'invite') throw badJson('the event is no invitation')
  if (body['room_id'] !== room.roomId) throw badJson('the event is of another room than the path says')
  const signed = readSigned(isJsonObject(content['third_party_invite']) ? content['third_party_invite']['signed'] : undefined)
  if (serverNameOf(invited) !== origin || signed.mxid !== invited) throw forbidden('the invited user is not of the server that asks')
  if (serverNameOf(sender) !== tools.home.serverName) throw forbidden('the sender is not of this server')
  await issueInvite(tools, room.roomId, sender, signed)
  return { body: {} }
}

/** One of the invitations that waited for an identifier to be bound. What cannot be done is left out: an identity server has no use for the reason. */
async function bound(tools: Tools, mxid: UserId, invite: Json): Promise<void> {
  const { home } = tools
  try {
    if (!isJsonObject(invite)) throw badJson('an invite is an object')
    const { room_id: roomId, sender } = invite
    const signed = readSigned(invite['signed'])
    if (!isRoomId(roomId) || !isUserId(sender) || signed.mxid !== mxid) throw badJson('an invite is of a room, by somebody, for this user')
    await checkInvite(home.database, sender, mxid)
    if (serverNameOf(sender) === home.serverName) await issueInvite(tools, roomId, sender, signed)
    else await askToExchange(tools, roomId, sender, signed)
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    home.log.info('a third-party invite was not exchanged for an invitation', { user: mxid, reason: error.message })
  }
}

async function askToExchange({ home }: Tools, roomId: RoomId, sender: UserId, signed: SignedInvite): Promise<void> {
  const destination = serverNameOf(sender)
  // The inviting server knows by which name the user was invited, and puts that in.
  const third_party_invite = { display_name: localpartOf(signed.mxid), signed }
  const content: JsonObject = {
    type: 'm.room.member',
    room_id: roomId,
    sender,
    state_key: signed.mxid,
    content: { membership: 'invite', third_party_invite },
  }
  const uri = `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(roomId)}`
  answerOf(destination, await home.peers.fetchJson({ destination, method: 'PUT', uri, content, timeoutMs }))
}
