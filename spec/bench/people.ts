import { createHmac } from 'node:crypto'
import type { Body } from '../support/server.ts'
import { type Connection, openConnection } from './client.ts'
import { each } from './loops.ts'
import { type StartedServer, serviceToken, sharedSecret } from './started-server.ts'

export type Person = { readonly userId: string; readonly token: string }
type Ask = { readonly token?: string; readonly body?: object; readonly status?: number }

const inFlight = 32
const client = '/_matrix/client/v3'

/** Asks below `/_matrix/client/v3`, or at a whole path, and gives the answer's JSON. Throws unless the status is 200. */
export async function call(connection: Connection, method: string, path: string, ask: Ask = {}): Promise<Body> {
  const whole = path.startsWith('/_') ? path : client + path
  const { status, text } = await connection.request({ method, path: whole, token: ask.token, ...(ask.body ? { body: ask.body } : {}) })
  if (status !== 200) throw new Error(`${method} ${whole}: ${status} ${text.slice(0, 300)}`)
  return JSON.parse(text)
}

/** Works through numbers with many requests in flight, each worker over a connection of its own. */
export async function eachOver(url: string, count: number, work: (connection: Connection, number: number) => Promise<void>): Promise<void> {
  const connections = Array.from({ length: Math.min(inFlight, count) }, () => openConnection(url))
  try {
    await each(count, inFlight, (number, worker) => work(connections[worker]!, number))
  } finally {
    for (const connection of connections) connection.close()
  }
}

/** Makes people with passwords and devices. */
export async function makePeople({ url }: StartedServer, count: number): Promise<Person[]> {
  const people: Person[] = []
  await eachOver(url, count, async (connection, number) => {
    const path = '/_synapse/admin/v1/register'
    const { nonce } = await call(connection, 'GET', path)
    const [username, password] = [`person${number}`, 'a password of the bench']
    const mac = createHmac('sha1', sharedSecret).update([nonce, username, password, 'notadmin'].join('\0')).digest('hex')
    const made = await call(connection, 'POST', path, { body: { nonce, username, password, admin: false, mac } })
    people[number] = { userId: made.user_id, token: made.access_token }
  })
  return people
}

/** Makes a public room of these people; the first of them creates it. */
export async function makeRoom(connection: Connection, [maker, ...others]: readonly Person[]): Promise<string> {
  const { room_id: roomId } = await call(connection, 'POST', '/createRoom', { token: maker!.token, body: { preset: 'public_chat' } })
  for (const { token } of others) await call(connection, 'POST', `/rooms/${encodeURIComponent(roomId)}/join`, { token, body: {} })
  return roomId
}

/** Lets so many users of the application service join a room, who say nothing. */
export async function joinCrowd({ url }: StartedServer, roomId: string, crowd: { from: number; count: number }): Promise<void> {
  const token = serviceToken
  await eachOver(url, crowd.count, async (connection, number) => {
    const username = `crowd${crowd.from + number}`
    await call(connection, 'POST', '/register', { token, body: { type: 'm.login.application_service', username, inhibit_login: true } })
    const as = `?user_id=${encodeURIComponent(`@${username}:bench.test`)}`
    await call(connection, 'POST', `/rooms/${encodeURIComponent(roomId)}/join${as}`, { token, body: {} })
  })
}
