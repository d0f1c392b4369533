import type { MatrixClient } from './client.ts'
import { isMatrixEvent, type MatrixEvent } from './event.ts'
import { MatrixRequestError, type MatrixSide, type Member, type NewRoom, type OutgoingEvent, type Redaction } from './side.ts'

const segment = encodeURIComponent

/** What the kit asks of a homeserver, over the client-server API. */
export function createMatrixSide(client: MatrixClient): MatrixSide {
  return {
    botUserId: client.botUserId,
    registerBot: (localpart) => registerBot(client, localpart),
    ensureUser: client.ensureUser,
    join: (userId, roomId) => join(client, userId, roomId),
    async leave(userId, roomId) {
      await client.call({ method: 'POST', path: `/_matrix/client/v3/rooms/${segment(roomId)}/leave`, userId })
    },
    send: (event) => send(client, event),
    redact: (redaction) => redact(client, redaction),
    event: (roomId, eventId) => event(client, roomId, eventId),
    async markRead(userId, roomId, eventId) {
      await client.call({ method: 'POST', path: `/_matrix/client/v3/rooms/${segment(roomId)}/receipt/m.read/${segment(eventId)}`, userId })
    },
    resolve: (alias) => resolve(client, alias),
    createRoom: (room) => createRoom(client, room),
    creator: (roomId) => creator(client, roomId),
    members: (roomId) => members(client, roomId),
  }
}

/** https://spec.matrix.org/v1.19/application-service-api/#server-admin-style-permissions */
async function registerBot(client: MatrixClient, localpart: string): Promise<void> {
  const body = { type: 'm.login.application_service', username: localpart, inhibit_login: true }
  try {
    await client.call({ method: 'POST', path: '/_matrix/client/v3/register', body })
  } catch (error) {
    if (!(error instanceof MatrixRequestError) || error.errcode !== 'M_USER_IN_USE') throw error
  }
}

/** https://spec.matrix.org/v1.19/application-service-api/#timestamp-massaging */
async function send(client: MatrixClient, { room, type, txn, sender, device, ts, content }: OutgoingEvent): Promise<string> {
  const answer = await client.call({
    method: 'PUT',
    path: `/_matrix/client/v3/rooms/${segment(room)}/send/${segment(type)}/${segment(txn)}`,
    userId: sender,
    deviceId: device,
    query: ts === undefined ? {} : { ts: String(ts) },
    body: content,
  })
  return text(answer['event_id'])
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid */
async function redact(client: MatrixClient, { room, sender, event, txn }: Redaction): Promise<string> {
  const path = `/_matrix/client/v3/rooms/${segment(room)}/redact/${segment(event)}/${segment(txn)}`
  return text((await client.call({ method: 'PUT', path, userId: sender }))['event_id'])
}

async function event(client: MatrixClient, roomId: string, eventId: string): Promise<MatrixEvent | undefined> {
  try {
    const found = await client.call({ method: 'GET', path: `/_matrix/client/v3/rooms/${segment(roomId)}/event/${segment(eventId)}` })
    return isMatrixEvent(found) ? found : undefined
  } catch (error) {
    if (error instanceof MatrixRequestError && (error.status === 404 || error.status === 403)) return undefined
    throw error
  }
}

async function join(client: MatrixClient, userId: string, roomId: string): Promise<void> {
  const enter = () => client.call({ method: 'POST', path: `/_matrix/client/v3/rooms/${segment(roomId)}/join`, userId })
  try {
    await enter()
  } catch (error) {
    if (!isRefusal(error) || userId === client.botUserId) throw error
    await invite(client, userId, roomId)
    await enter()
  }
}

async function invite(client: MatrixClient, userId: string, roomId: string): Promise<void> {
  await client.call({ method: 'POST', path: `/_matrix/client/v3/rooms/${segment(roomId)}/invite`, body: { user_id: userId } })
}

async function resolve(client: MatrixClient, alias: string): Promise<string | undefined> {
  try {
    return text((await client.call({ method: 'GET', path: `/_matrix/client/v3/directory/room/${segment(alias)}` }))['room_id'])
  } catch (error) {
    if (error instanceof MatrixRequestError && error.status === 404) return undefined
    throw error
  }
}

/** Everybody who is invited gets the maker's power. An alias that is taken is the answer to an earlier try, or another bridge's room. */
async function createRoom(client: MatrixClient, { alias, name, invite: invited, topic }: NewRoom): Promise<string> {
  const body = {
    preset: 'trusted_private_chat',
    room_alias_name: alias.slice(1, alias.indexOf(':')),
    name,
    ...(topic === undefined ? {} : { topic }),
    invite: invited,
    creation_content: { 'm.federate': false },
    initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
  }
  try {
    return text((await client.call({ method: 'POST', path: '/_matrix/client/v3/createRoom', body }))['room_id'])
  } catch (error) {
    const room = error instanceof MatrixRequestError && error.errcode === 'M_ROOM_IN_USE' ? await resolve(client, alias) : undefined
    if (room === undefined) throw error
    return room
  }
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstateeventtypestatekey */
async function creator(client: MatrixClient, roomId: string): Promise<string | undefined> {
  const path = `/_matrix/client/v3/rooms/${segment(roomId)}/state/m.room.create/`
  try {
    const { sender } = await client.call({ method: 'GET', path, query: { format: 'event' } })
    return typeof sender === 'string' ? sender : undefined
  } catch (error) {
    if (error instanceof MatrixRequestError && (error.status === 404 || error.status === 403)) return undefined
    throw error
  }
}

async function members(client: MatrixClient, roomId: string): Promise<Member[]> {
  const path = `/_matrix/client/v3/rooms/${segment(roomId)}/members`
  const { chunk } = await client.call({ method: 'GET', path, query: { not_membership: 'leave' } })
  return Array.isArray(chunk) ? chunk.flatMap(readMember) : []
}

function readMember(event: unknown): Member[] {
  const { state_key: userId, content } = event as { state_key?: unknown; content?: { membership?: unknown; displayname?: unknown } }
  const membership = content?.membership
  if (typeof userId !== 'string' || (membership !== 'join' && membership !== 'invite')) return []
  const name = content?.displayname
  return [{ userId, membership, ...(typeof name === 'string' ? { name } : {}) }]
}

function isRefusal(error: unknown): boolean {
  return error instanceof MatrixRequestError && error.status === 403
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new MatrixRequestError(0, 'malformed answer')
  return value
}
