import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { parseKept } from '../core/lossless-json.ts'
import { badJson, notFound } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { deleteWhich, readKey, readKeys, readSessions, storeKeys, type UploadedKey, type Which } from './backed-up-keys.ts'
import type { KeyRow } from './key-backup.store.ts'
import { backupBody, createBackup, deleteBackup, readCurrentBackup, readVersion, updateBackup } from './versions.ts'

type Tools = Pick<Home, 'database'>
type Handle = (call: Call<'access_token'>) => Promise<Reply>

/** Clients hand over some hundreds of keys at once. */
const largest = 4 * 1024 * 1024

/** Backups of room keys. https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups */
export function keyBackupEndpoints(home: Tools): Endpoint[] {
  return [...versionEndpoints(home), ...allKeysEndpoints(home), ...roomKeysEndpoints(home), ...sessionKeysEndpoints(home)]
}

function on(method: Endpoint['method'], path: string, operationId: string, handle: Handle): Endpoint {
  return endpoint({
    method,
    path: `/_matrix/client/v3/room_keys${path}`,
    aliases: [`/_matrix/client/r0/room_keys${path}`, `/_matrix/client/unstable/room_keys${path}`],
    operationId,
    auth: 'access_token',
    body: method === 'PUT' || method === 'POST' ? 'json' : 'none',
    limit: largest,
    rate: 'other',
    handle,
  })
}

function versionEndpoints(home: Tools): Endpoint[] {
  return [
    on('POST', '/version', 'postRoomKeysVersion', async ({ requester, body }) => ({
      body: { version: await createBackup(home, requester.userId, body) },
    })),
    on('GET', '/version', 'getRoomKeysVersionCurrent', async ({ requester }) => ({
      body: backupBody(await readCurrentBackup(home, requester.userId)),
    })),
    on('GET', '/version/{version}', 'getRoomKeysVersion', async ({ requester, params }) => ({
      body: backupBody(await readVersion(home, requester.userId, params['version'])),
    })),
    on('PUT', '/version/{version}', 'putRoomKeysVersion', async ({ requester, params, body }) => {
      await updateBackup(home, requester.userId, params['version'], body)
      return { body: {} }
    }),
    on('DELETE', '/version/{version}', 'deleteRoomKeysVersion', async ({ requester, params }) => {
      await deleteBackup(home, requester.userId, params['version'])
      return { body: {} }
    }),
  ]
}

function allKeysEndpoints(home: Tools): Endpoint[] {
  return [
    on('PUT', '/keys', 'putRoomKeys', (call) => store(home, call, readRooms(call.body))),
    on('GET', '/keys', 'getRoomKeys', async (call) => {
      const rooms = Map.groupBy(await read(home, call, {}), (row) => row.room_id)
      return { body: { rooms: Object.fromEntries([...rooms].map(([roomId, rows]) => [roomId, { sessions: sessionsOf(rows) }])) } }
    }),
    on('DELETE', '/keys', 'deleteRoomKeys', (call) => remove(home, call, {})),
  ]
}

function roomKeysEndpoints(home: Tools): Endpoint[] {
  const path = '/keys/{roomId}'
  const which = ({ params }: Call<'access_token'>): Which => ({ roomId: params['roomId'] ?? '' })
  return [
    on('PUT', path, 'putRoomKeysByRoomId', (call) => store(home, call, readSessions(call.params['roomId'] ?? '', call.body))),
    on('GET', path, 'getRoomKeysByRoomId', async (call) => ({ body: { sessions: sessionsOf(await read(home, call, which(call))) } })),
    on('DELETE', path, 'deleteRoomKeysByRoomId', (call) => remove(home, call, which(call))),
  ]
}

function sessionKeysEndpoints(home: Tools): Endpoint[] {
  const path = '/keys/{roomId}/{sessionId}'
  const which = ({ params }: Call<'access_token'>) => ({ roomId: params['roomId'] ?? '', sessionId: params['sessionId'] ?? '' })
  return [
    on('PUT', path, 'putRoomKeyBySessionId', (call) => {
      const { roomId, sessionId } = which(call)
      return store(home, call, [readKey(roomId, sessionId, call.body)])
    }),
    on('GET', path, 'getRoomKeyBySessionId', async (call) => {
      const [row] = await read(home, call, which(call))
      if (row === undefined) throw notFound('there is no such key in this backup')
      return { body: row.content }
    }),
    on('DELETE', path, 'deleteRoomKeyBySessionId', (call) => remove(home, call, which(call))),
  ]
}

async function store(home: Tools, { requester, query }: Call<'access_token'>, keys: readonly UploadedKey[]): Promise<Reply> {
  return { body: await storeKeys(home, requester.userId, query.get('version'), keys) }
}

async function remove(home: Tools, { requester, query }: Call<'access_token'>, which: Which): Promise<Reply> {
  return { body: await deleteWhich(home, requester.userId, query.get('version'), which) }
}

function read(home: Tools, { requester, query }: Call<'access_token'>, which: Which): Promise<KeyRow[]> {
  return readKeys(home, requester.userId, query.get('version'), which)
}

function readRooms(body: JsonObject): UploadedKey[] {
  const { rooms } = body
  if (!isJsonObject(rooms)) throw badJson('`rooms` must be an object')
  return Object.entries(rooms).flatMap(([roomId, room]) => {
    if (!isJsonObject(room)) throw badJson('each of `rooms` must be an object')
    return readSessions(roomId, room)
  })
}

function sessionsOf(rows: readonly KeyRow[]): { [sessionId: string]: Json } {
  return Object.fromEntries(rows.map(({ session_id, content }) => [session_id, parseKept(content)]))
}
