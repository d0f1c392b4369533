import type { OwnDevice } from './accounts.ts'
import { type CryptoContext, inLazyTransaction, inTransaction } from './context.ts'
import type { DeviceRow } from './device-list.store.ts'
import { refreshDeviceLists } from './device-lists.ts'
import { createGroup, readGroup, retireGroup, saveGroup } from './group.ts'
import { setUpIdentity } from './identity.ts'
import { type JsonObject, parseObject } from './json.ts'
import type { OutboundSessionRow } from './outbound.store.ts'
import { megolmAlgorithm, shareGroupKey } from './share.ts'

const week = 604_800_000
const hour = 3_600_000
const sessionsChecked = 5000

export type EncryptRequest = {
  /** The bot, or the ghost that speaks. */
  readonly sender: string
  readonly roomId: string
  /** Everybody who is to read it: joined, and invited where the history visibility lets them; our own users may be among them. */
  readonly recipients: readonly string[]
  readonly type: string
  readonly content: JsonObject
  /** Made from what is bridged: the same one gives the same bytes, whatever else is asked. */
  readonly txnId: string
  /** The content of the room's `m.room.encryption`. */
  readonly encryption?: JsonObject
  readonly historyVisibility?: string
  /** Stands beside the ciphertext, readable by servers. */
  readonly cleartext?: JsonObject
}

export type PreparedEvent = { readonly type: 'm.room.encrypted'; readonly content: JsonObject; readonly deviceId: string }

/**
 * Encrypts an event for a room. Before it answers, every reachable device of the recipients was sent the key, and the ratchet and the
 * ciphertext are stored in one transaction under `txnId`, which is on disk with the caller's next commit. Rejects when the homeserver
 * does not answer; asking again goes on from there.
 * https://spec.matrix.org/v1.19/client-server-api/#mmegolmv1aes-sha2
 */
export function encrypt(context: CryptoContext, request: EncryptRequest): Promise<PreparedEvent> {
  return context.lanes.run(`encrypt ${request.sender} ${request.roomId}`, async () => {
    const own = await setUpIdentity(context, request.sender)
    const known = context.outbound.selectPrepared(own.userId, request.roomId, request.txnId)
    if (known !== undefined) return { type: 'm.room.encrypted', content: parseObject(known) ?? {}, deviceId: own.deviceId }
    for (;;) {
      const row = context.outbound.selectLive(own.userId, request.roomId)
      if (row !== undefined && isReady(context, row, request)) return encryptWith(context, own, row, request)
      await context.lanes.run(`share ${own.userId}`, () => makeReady(context, own, request))
    }
  })
}

/** Whether the session may be used, and every device that should have its key has it, as far as was found at this state of the lists. */
function isReady(context: CryptoContext, row: OutboundSessionRow, request: EncryptRequest): boolean {
  const found = context.checked.get(row.session_id)
  if (found === undefined || found.epoch !== context.epoch || found.until <= context.clock.now()) return false
  return sameUsers(found.recipients, request.recipients) && !isSpent(context, row, request)
}

/** https://spec.matrix.org/v1.19/client-server-api/#mroomencryption */
function isSpent(context: CryptoContext, row: OutboundSessionRow, { encryption, historyVisibility }: EncryptRequest): boolean {
  const messages = Math.min(numberAt(encryption, 'rotation_period_msgs', 100), 10_000)
  const age = Math.max(numberAt(encryption, 'rotation_period_ms', week), hour)
  if (row.shared_history !== (isShared(historyVisibility) ? 1 : 0)) return true
  return context.clock.now() - row.created_at >= age || readGroup(context, row).message_index() >= messages
}

async function makeReady(context: CryptoContext, own: OwnDevice, request: EncryptRequest): Promise<void> {
  const users = request.recipients.filter((user) => context.own.select(user) === undefined)
  await refreshDeviceLists(context, users)
  const epoch = context.epoch
  const devices = users.flatMap((user) => context.lists.selectDevices(user))
  const row = inTransaction(context, () => {
    const live = context.outbound.selectLive(own.userId, request.roomId)
    if (live !== undefined && !isSpent(context, live, request) && !hasLeaver(context, live, devices)) return live
    if (live !== undefined) retireGroup(context, live.session_id)
    return createGroup(context, own.userId, request.roomId, isShared(request.historyVisibility))
  })
  const until = await shareGroupKey(context, own, row, devices)
  if (context.checked.size >= sessionsChecked) context.checked.clear()
  context.checked.set(row.session_id, { recipients: request.recipients, epoch, until })
}

/** Whether a device has the key that is no longer among those that should. */
function hasLeaver(context: CryptoContext, row: OutboundSessionRow, devices: readonly DeviceRow[]): boolean {
  const present = new Map(devices.map((device) => [`${device.user_id} ${device.device_id}`, device.identity_key]))
  return context.outbound
    .selectShares(row.session_id)
    .some((share) => present.get(`${share.user_id} ${share.device_id}`) !== share.identity_key)
}

function encryptWith(context: CryptoContext, own: OwnDevice, row: OutboundSessionRow, request: EncryptRequest): PreparedEvent {
  const { 'm.relates_to': relation, ...inner } = request.content
  const content: JsonObject = inLazyTransaction(context, () => {
    const group = readGroup(context, row)
    const ciphertext = group.encrypt(JSON.stringify({ type: request.type, content: inner, room_id: request.roomId }))
    const prepared: JsonObject = {
      ...request.cleartext,
      ...(relation === undefined ? {} : { 'm.relates_to': relation }),
      algorithm: megolmAlgorithm,
      sender_key: own.identityKey,
      device_id: own.deviceId,
      session_id: row.session_id,
      ciphertext,
    }
    saveGroup(context, row.session_id, group)
    context.outbound.insertPrepared(own.userId, request.roomId, request.txnId, JSON.stringify(prepared), context.clock.now())
    return prepared
  })
  return { type: 'm.room.encrypted', content, deviceId: own.deviceId }
}

function isShared(historyVisibility: string | undefined): boolean {
  return historyVisibility === 'shared' || historyVisibility === 'world_readable'
}

function numberAt(content: JsonObject | undefined, key: string, otherwise: number): number {
  const value = content?.[key]
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : otherwise
}

function sameUsers(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((user, n) => user === b[n]))
}
