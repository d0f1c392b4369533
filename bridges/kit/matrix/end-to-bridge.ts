import { randomBytes } from 'node:crypto'
import type { NetworkKind } from '../connector.ts'
import { type Crypto, openCrypto } from '../crypto/crypto.ts'
import type { JsonObject } from '../crypto/json.ts'
import type { Log } from '../kit.ts'
import { networkOfGhost } from '../names.ts'
import { putValue, selectValue } from '../store/logins.store.ts'
import type { Store } from '../store/store.ts'
import { base32, type Vault } from '../vault.ts'
import type { MatrixClient } from './client.ts'
import type { Encryption } from './encryption.ts'
import { createMatrixRequests } from './requests.ts'
import { MatrixRequestError } from './side.ts'

type Json = Readonly<Record<string, unknown>>
type Tools = {
  readonly store: Store
  readonly vault: Vault
  readonly client: MatrixClient
  readonly serverName: string
  /** Whose ghosts they are. */
  readonly network: NetworkKind
  readonly clock: () => number
  readonly log: Log
}

const upkeepMs = 60_000

/** End-to-bridge encryption over the kit's own database, for the bot's device and those of the ghosts that speak. */
export async function openEncryption(tools: Tools): Promise<Encryption> {
  const { store, vault, client, clock, log } = tools
  const crypto = await openCrypto({
    database: store.database,
    pickleKey: vault.derive('crypto store'),
    requests: createMatrixRequests(client),
    botUserId: client.botUserId,
    botDeviceId: deviceId(store),
    clock: { now: clock },
    random: (bytes) => randomBytes(bytes),
    log: { warn: (words) => log('warn', words) },
  })
  let upkeep: NodeJS.Timeout | undefined
  return {
    encrypt: (sender, room, txn, type, content) => encrypt(tools, crypto, { sender, room, txn, type, content }),
    isEncrypted: (room) => isEncrypted(tools, room),
    decrypt(event) {
      const result = crypto.decrypt(event.room_id, { ...event } as unknown as JsonObject)
      if (result.kind === 'event') return { kind: 'clear', type: result.type, content: result.content }
      return result.kind === 'missing' ? { kind: 'no key' } : { kind: 'refused', words: result.reason }
    },
    receive: (transaction, also) => void crypto.receiveTransaction(readTransaction(transaction), also),
    async start() {
      await crypto.setUpIdentity(client.botUserId)
      await crypto.upkeep()
      upkeep ??= setInterval(() => void crypto.upkeep(), upkeepMs).unref()
    },
    async close() {
      clearInterval(upkeep)
      await crypto.close()
    },
  }
}

/** Ghosts never read, so a message is encrypted for the people and the bots: asked for anew each time, for who just came must not miss it. */
async function encrypt(tools: Tools, crypto: Crypto, message: { sender: string; room: string; txn: string; type: string; content: Json }) {
  const { client, serverName, network } = tools
  const { sender, room, txn, type, content } = message
  const state = await wholeState(client, room)
  const encryption = state.find((event) => event.type === 'm.room.encryption' && event.state_key === '')?.content
  if (!noteEncryption(tools, room, encryption)) return undefined
  const visibility = state.find((event) => event.type === 'm.room.history_visibility' && event.state_key === '')?.content
  const historyVisibility = typeof visibility?.['history_visibility'] === 'string' ? visibility['history_visibility'] : 'shared'
  const mayRead = historyVisibility === 'joined' ? ['join'] : ['join', 'invite']
  const present = state.filter((event) => event.type === 'm.room.member' && mayRead.includes(String(event.content['membership'])))
  const recipients = present
    .map(({ state_key: userId }) => userId)
    .filter((userId) => networkOfGhost(userId, serverName, network) === undefined)
    .sort()
  crypto.onRoomMembers(room, recipients)
  const request = { sender, roomId: room, recipients, type, content: content as JsonObject, txnId: txn, historyVisibility }
  const prepared = await crypto.encrypt(encryption ? { ...request, encryption: encryption as JsonObject } : request)
  return { content: prepared.content, device: prepared.deviceId }
}

async function isEncrypted(tools: Tools, room: string): Promise<boolean> {
  const known = selectValue(tools.store, encryptedKey(room)) !== undefined
  return known || noteEncryption(tools, room, await state(tools.client, room, 'm.room.encryption'))
}

/** Once encrypted, always encrypted: https://spec.matrix.org/v1.19/client-server-api/#mroomencryption */
function noteEncryption({ store }: Tools, room: string, encryption: Json | undefined): boolean {
  const key = encryptedKey(room)
  if (selectValue(store, key) !== undefined) return true
  if (encryption !== undefined) putValue(store, key, 'yes')
  return encryption !== undefined
}

function encryptedKey(room: string): string {
  return `encrypted ${room}`
}

type StateEvent = { readonly type: string; readonly state_key: string; readonly content: Json }

/** All that holds in a room, of one moment and in one request. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate */
async function wholeState(client: MatrixClient, room: string): Promise<readonly StateEvent[]> {
  const events: unknown = await client.call({ method: 'GET', path: `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state` })
  if (!Array.isArray(events)) throw new MatrixRequestError(0, 'malformed answer')
  return events
}

async function state(client: MatrixClient, room: string, type: string): Promise<Json | undefined> {
  try {
    return await client.call({ method: 'GET', path: `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state/${type}/` })
  } catch (error) {
    if (error instanceof MatrixRequestError && error.status === 404) return undefined
    throw error
  }
}

/** Servers write these fields under the names of the proposals, some also under those of the specification. */
function readTransaction(body: Json) {
  const first = (...names: string[]) => names.map((name) => body[name]).find((value) => value !== undefined)
  return {
    toDevice: first('to_device', 'de.sorunome.msc2409.to_device'),
    deviceLists: first('device_lists', 'org.matrix.msc3202.device_lists'),
    oneTimeKeyCounts: first(
      'device_one_time_keys_count',
      'org.matrix.msc3202.device_one_time_keys_count',
      'org.matrix.msc3202.device_one_time_key_counts',
    ),
    unusedFallbackKeyTypes: first('device_unused_fallback_key_types', 'org.matrix.msc3202.device_unused_fallback_key_types'),
  }
}

function deviceId(store: Store): string {
  const known = selectValue(store, 'bot device')
  if (known !== undefined) return known
  const made = base32(randomBytes(10)).toUpperCase()
  putValue(store, 'bot device', made)
  return made
}
