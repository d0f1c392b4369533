import 'fake-indexeddb/auto'
import { setTimeout as sleep } from 'node:timers/promises'
import { indexedDB } from 'fake-indexeddb'
import { createClient, IndexedDBStore, type MatrixClient, MemoryStore, RoomEvent, SyncState } from 'matrix-js-sdk'
import type { CryptoApi } from 'matrix-js-sdk/lib/crypto-api/index.js'
import { RustBackupManager } from 'matrix-js-sdk/lib/rust-crypto/backup.js'
import { SlidingSync } from 'matrix-js-sdk/lib/sliding-sync.js'
import './matrix-person.ts'
import { type Seat, takeSeat } from './matrix-seat.ts'

const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => quiet }
// It begins a backup after up to 10 s, so that many clients do not at once.
Object.assign(RustBackupManager, { maxBackupLoopStartDelayMillis: 0 })

const password = 'a password of a walk'

export const ways = ['sync', 'sliding sync'] as const
export type Way = (typeof ways)[number]

/** A person's client of matrix-js-sdk with Rust crypto; what it keeps outlives it, as in a browser. */
export type Device = {
  readonly client: MatrixClient
  readonly crypto: CryptoApi
  readonly userId: string
  readonly deviceId: string
  in(room: string): Seat
  /** Ends the client and starts one on what it kept; the pause between is used for something. */
  restart(meanwhile?: () => Promise<void>): Promise<Device>
  stop(): void
}

/** What recovers a person's secrets: set by whoever makes it, asked for by each of their devices. */
export type Recovery = { key?: Uint8Array<ArrayBuffer> }

type Login = { readonly user_id: string; readonly access_token: string; readonly device_id: string }
type Place = { readonly server: string; readonly way: Way; readonly login: Login; readonly recovery: Recovery }

const required = [
  ['*', '*'],
  ['m.room.member', '$LAZY'],
  ['m.room.member', '$ME'],
]
const list = { ranges: [[0, 19]], timeline_limit: 20, required_state: required, sort: ['by_recency'] }

/** Makes an account with cross-signing, whose first keys need no password, and starts its client. */
export async function createDevice(server: string, way: Way, username: string, recovery: Recovery = {}): Promise<Device> {
  const login = await ask(server, 'register', { username, password, auth: { type: 'm.login.dummy' } })
  const device = await start({ server, way, login, recovery })
  await device.crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: async (upload) => void (await upload(null)) })
  return device
}

/** Logs a person in on a new device, which has nothing yet. */
export async function addDevice(server: string, way: Way, username: string, recovery: Recovery = {}): Promise<Device> {
  const identifier = { type: 'm.id.user', user: username }
  return start({ server, way, login: await ask(server, 'login', { type: 'm.login.password', identifier, password }), recovery })
}

async function ask(server: string, path: string, body: object): Promise<Login> {
  const answer = await fetch(`${server}/_matrix/client/v3/${path}`, { method: 'POST', body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
  return (await answer.json()) as Login
}

async function start(place: Place): Promise<Device> {
  const { server, way, login, recovery } = place
  const name = `${login.user_id} ${login.device_id} ${server}`
  const store = way === 'sync' ? new IndexedDBStore({ indexedDB, dbName: name }) : new MemoryStore()
  const client = createClient({
    ...{ baseUrl: server, userId: login.user_id, accessToken: login.access_token, deviceId: login.device_id, store },
    ...{ logger: quiet as never, timelineSupport: true },
    cryptoCallbacks: {
      getSecretStorageKey: async ({ keys }) => {
        const [id] = Object.keys(keys)
        return id !== undefined && recovery.key ? [id, recovery.key] : null
      },
    },
  })
  await store.startup()
  await client.initRustCrypto({ cryptoDatabasePrefix: name })
  client.matrixRTC.start = () => undefined
  // As when they are shown: it decrypts only the newest by itself.
  client.on(RoomEvent.Timeline, (event) => void client.decryptEventIfNeeded(event))
  const slidingSync = new SlidingSync(server, new Map([['all', list]]), { timeline_limit: 20, required_state: required }, client, 10_000)
  await client.startClient({ pollTimeout: 10_000, threadSupport: true, ...(way === 'sync' ? {} : { slidingSync }) })
  await until('the first sync', () => client.getSyncState() === SyncState.Syncing)
  return deviceOver(client, store, place)
}

function deviceOver(client: MatrixClient, store: IndexedDBStore | MemoryStore, place: Place): Device {
  const crypto = client.getCrypto()
  if (!crypto) throw new Error('no crypto')
  return {
    ...{ client, crypto, userId: place.login.user_id, deviceId: place.login.device_id },
    in: (room) => takeSeat(client, () => room),
    async restart(meanwhile) {
      await store.save(true)
      client.stopClient()
      await meanwhile?.()
      return start(place)
    },
    stop: () => client.stopClient(),
  }
}

/** Looks until something is there; what is not within 45 s fails with its words. */
export async function until<T>(words: string, look: () => T | Promise<T>, otherwise: () => unknown = () => ''): Promise<NonNullable<T>> {
  const latest = performance.now() + 45_000
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > latest) throw new Error(`not there: ${words} ${JSON.stringify(otherwise())}`)
    await sleep(20)
  }
}

/** Reads a room up to its beginning, as somebody scrolls up. */
export async function scrollBack(client: MatrixClient, roomId: string): Promise<void> {
  const timeline = () => client.getRoom(roomId)?.getLiveTimeline()
  const newest = await until('some of the room', () => (timeline()?.getEvents().length ? timeline() : undefined))
  while (await client.paginateEventTimeline(newest, { backwards: true, limit: 100 }));
}
