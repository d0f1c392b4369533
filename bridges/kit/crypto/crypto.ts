import type { Database } from 'better-sqlite3'
import { type OwnDevice, selectOwnDevice } from './accounts.ts'
import { type CryptoContext, type CryptoLog, forgetMemory, inTransaction } from './context.ts'
import { type Decrypted, decrypt } from './decrypt.ts'
import { openDeviceListStore } from './device-list.store.ts'
import { refreshDeviceLists, trackUsers } from './device-lists.ts'
import { type EncryptRequest, encrypt, type PreparedEvent } from './encrypt.ts'
import { makeHot } from './hot.ts'
import { setUpIdentity } from './identity.ts'
import { openInboundStore } from './inbound.store.ts'
import type { JsonObject } from './json.ts'
import { makeLanes } from './lanes.ts'
import { loadOlm } from './olm.ts'
import { openOlmSessionsStore } from './olm-sessions.store.ts'
import { openOutboundStore } from './outbound.store.ts'
import { openOwnDevicesStore } from './own-devices.store.ts'
import { type CryptoTransaction, type Received, receiveTransaction } from './receive.ts'
import type { MatrixRequests } from './requests.ts'
import { migrateCrypto } from './schema.store.ts'
import { makeSeal } from './seal.ts'
import { upkeep } from './upkeep.ts'

export type CryptoOptions = {
  readonly database: Database
  /** At least 32 secret bytes, kept apart from the database; without them the store cannot be read. */
  readonly pickleKey: Uint8Array
  readonly requests: MatrixRequests
  readonly botUserId: string
  readonly botDeviceId: string
  readonly clock: { now(): number }
  readonly random: (bytes: number) => Uint8Array
  readonly log: CryptoLog
}

/** End-to-bridge encryption for the bot and the ghosts of one bridge. */
export type Crypto = {
  /** Gives one of our users a cross-signed device, once. */
  setUpIdentity(userId: string): Promise<OwnDevice>
  /** The device of one of our users, when it has one. */
  device(userId: string): OwnDevice | undefined
  encrypt(request: EncryptRequest): Promise<PreparedEvent>
  decrypt(roomId: string, event: JsonObject): Decrypted
  /** Synchronous up to the commit; what follows from it goes on by itself (`idle` awaits it). */
  receiveTransaction(transaction: CryptoTransaction, alsoInTransaction?: (received: Received) => void): Received
  /** Everybody in a room. Someone who is missing since the last time has left: every session of the room is replaced. */
  onRoomMembers(roomId: string, users: readonly string[]): void
  /** Brings the devices of these users up to date, so that the first message need not wait for it. */
  prefetch(users: readonly string[]): Promise<void>
  /** Takes the identity that another user now has as theirs, after the change was shown to those whom it concerns. */
  acceptIdentity(userId: string): void
  /** Removes all that is stored of a user: of ours, its keys; of others, their devices and the sessions they gave. */
  forgetUser(userId: string): void
  /** Does what is due (after a start, and from time to time): never rejects. */
  upkeep(): Promise<void>
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
  /** Waits for what is under way and frees libolm's memory; the database stays open. */
  close(): Promise<void>
}

/** Opens encryption over the kit's database, whose `crypto_` tables it owns. Nothing is sent before a function is called. */
export async function openCrypto(options: CryptoOptions): Promise<Crypto> {
  const { database, botUserId, botDeviceId, requests, clock, random, log } = options
  const olm = await loadOlm()
  migrateCrypto(database)
  const context: CryptoContext = {
    database,
    olm,
    seal: makeSeal(options.pickleKey, random),
    requests,
    bot: { userId: botUserId, deviceId: botDeviceId },
    clock,
    random,
    log,
    lanes: makeLanes(),
    own: openOwnDevicesStore(database),
    lists: openDeviceListStore(database),
    sessions: openOlmSessionsStore(database),
    outbound: openOutboundStore(database),
    inbound: openInboundStore(database),
    accounts: makeHot(64),
    groups: makeHot(512),
    inboundGroups: makeHot(256),
    checked: new Map(),
    silent: new Map(),
    epoch: 1,
    upkeep: undefined,
  }
  context.own.want(botUserId, true, false)
  return cryptoOver(context)
}

function cryptoOver(context: CryptoContext): Crypto {
  return {
    setUpIdentity: (userId) => setUpIdentity(context, userId),
    device: (userId) => selectOwnDevice(context, userId),
    encrypt: (request) => encrypt(context, request),
    decrypt: (roomId, event) => {
      const result = inTransaction(context, () => decrypt(context, roomId, event))
      if (result.kind === 'missing') void upkeep(context)
      return result
    },
    receiveTransaction: (transaction, alsoInTransaction = () => undefined) => {
      const received = receiveTransaction(context, transaction, alsoInTransaction)
      void upkeep(context)
      return received
    },
    onRoomMembers: (roomId, users) => noteRoomMembers(context, roomId, users),
    prefetch: (users) => refreshDeviceLists(context, users),
    acceptIdentity: (userId) => void context.lists.pin(userId),
    forgetUser: (userId) => forgetUser(context, userId),
    upkeep: () => upkeep(context),
    idle: () => context.lanes.idle(),
    async close() {
      await context.lanes.idle()
      forgetMemory(context)
    },
  }
}

function noteRoomMembers(context: CryptoContext, roomId: string, users: readonly string[]): void {
  inTransaction(context, () => {
    const present = new Set(users)
    const left = context.lists.selectMembers(roomId).filter((user) => !present.has(user))
    for (const user of left) context.lists.deleteMember(roomId, user)
    for (const user of users) context.lists.insertMember(roomId, user)
    trackUsers(
      context,
      users.filter((user) => context.own.select(user) === undefined),
    )
    if (left.length > 0) context.outbound.retireRoom(roomId)
  })
}

function forgetUser(context: CryptoContext, userId: string): void {
  inTransaction(context, () => {
    context.own.remove(userId)
    context.sessions.forget(userId)
    context.outbound.forget(userId)
    context.inbound.forget(userId)
    context.lists.forget(userId)
    context.lists.deleteMemberships(userId)
  })
  forgetMemory(context)
  context.epoch++
}
