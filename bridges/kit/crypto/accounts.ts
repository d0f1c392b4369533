import type { Account } from '@matrix-org/olm'
import { type CryptoContext, innerPickleKey, inTransaction } from './context.ts'
import { type JsonObject, objectAt, parseObject } from './json.ts'
import type { OwnDeviceRow } from './own-devices.store.ts'
import { addSignature, signedText } from './signatures.ts'

const target = 50
const hour = 3_600_000

/** One of our own devices: the bot's, or that of a ghost that speaks. */
export type OwnDevice = {
  readonly userId: string
  readonly deviceId: string
  readonly identityKey: string
  readonly signingKey: string
  /** Signed by the device and by its owner's self-signing key. */
  readonly deviceKeys: JsonObject
  readonly stage: number
}

/** Our device of a user, when it has one. */
export function selectOwnDevice(context: CryptoContext, userId: string): OwnDevice | undefined {
  const row = context.own.select(userId)
  if (row === undefined) return undefined
  return {
    userId,
    deviceId: row.device_id,
    identityKey: row.identity_key,
    signingKey: row.signing_key,
    deviceKeys: parseObject(row.device_keys) ?? {},
    stage: row.stage,
  }
}

/** The Olm account of one of our devices, for use until the next await. Throws when the user has none. */
export function readAccount(context: CryptoContext, userId: string): Account {
  const known = context.accounts.get(userId)
  if (known !== undefined) return known
  const row = context.own.select(userId)
  if (row === undefined) throw new Error('this user has no device of ours')
  const account = new context.olm.Account()
  account.unpickle(innerPickleKey, context.seal.open(`account ${userId}`, row.account))
  return context.accounts.set(userId, account)
}

/** Stores the account as it now is. */
export function saveAccount(context: CryptoContext, userId: string): void {
  context.own.updateAccount(userId, sealAccount(context, userId, readAccount(context, userId)))
}

/** An account as it is stored. */
export function sealAccount(context: Pick<CryptoContext, 'seal'>, userId: string, account: Account): Buffer {
  return context.seal.close(`account ${userId}`, account.pickle(innerPickleKey))
}

/**
 * Uploads one-time keys until the server holds enough of them, and a new fallback key when the old one was used (at most once an
 * hour; the one before is kept for that hour: https://spec.matrix.org/v1.19/client-server-api/#one-time-and-fallback-keys).
 * What was made and not uploaded is uploaded again, the same.
 */
export function replenishKeys(context: CryptoContext, userId: string): Promise<void> {
  return context.lanes.run(`keys ${userId}`, async () => {
    renewFallbackKey(context, userId)
    const row = context.own.select(userId)
    if (row === undefined || row.replenish === 0) return
    const held = countKeys(await context.requests.uploadKeys(userId, row.device_id, {}))
    await uploadWith(context, row, {}, held)
  })
}

/**
 * Uploads the keys of a new device, and in the same request the first one-time and fallback keys if it is to have some: whoever sees
 * the device can reach it.
 */
export function uploadDevice(context: CryptoContext, userId: string, deviceKeys: JsonObject): Promise<void> {
  return context.lanes.run(`keys ${userId}`, async () => {
    renewFallbackKey(context, userId)
    const row = context.own.select(userId)
    if (row !== undefined) await uploadWith(context, row, { device_keys: deviceKeys }, row.replenish === 0 ? target : 0)
  })
}

async function uploadWith(context: CryptoContext, row: OwnDeviceRow, body: JsonObject, held: number): Promise<void> {
  const { user_id: userId, device_id: deviceId } = row
  inTransaction(context, () => {
    const account = readAccount(context, userId)
    const missing = target - held - Object.keys(unpublishedKeys(account.one_time_keys())).length
    if (missing > 0) account.generate_one_time_keys(Math.min(missing, target))
    saveAccount(context, userId)
  })
  const whole = { ...body, ...keysToUpload(context, userId, deviceId) }
  if (Object.keys(whole).length > 0) await context.requests.uploadKeys(userId, deviceId, whole)
  inTransaction(context, () => {
    readAccount(context, userId).mark_keys_as_published()
    saveAccount(context, userId)
    context.own.replenished(userId)
  })
}

function renewFallbackKey(context: CryptoContext, userId: string): void {
  const row = context.own.select(userId)
  const now = context.clock.now()
  const settled = row !== undefined && (row.fallback_at === null || now - row.fallback_at >= hour)
  if (!settled) return
  inTransaction(context, () => {
    const account = readAccount(context, userId)
    if (row.fallback_kept === 1) {
      account.forget_old_fallback_key()
      context.own.fallbackForgotten(userId)
    }
    if (row.renew_fallback === 1) {
      account.generate_fallback_key()
      context.own.fallbackMade(userId, now, row.fallback_at !== null)
      context.own.want(userId, true, false)
    }
    saveAccount(context, userId)
  })
}

function keysToUpload(context: CryptoContext, userId: string, deviceId: string): JsonObject {
  const account = readAccount(context, userId)
  const sign = (object: JsonObject) => addSignature(object, userId, `ed25519:${deviceId}`, account.sign(signedText(object)))
  const signAll = (keys: Record<string, string>, extra: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(keys).map(([id, key]) => [`signed_curve25519:${id}`, sign({ key, ...extra })]))
  const oneTimeKeys = signAll(unpublishedKeys(account.one_time_keys()), {})
  const fallbackKeys = signAll(unpublishedKeys(account.unpublished_fallback_key()), { fallback: true })
  const some = (name: string, keys: JsonObject): JsonObject => (Object.keys(keys).length > 0 ? { [name]: keys } : {})
  return { ...some('one_time_keys', oneTimeKeys), ...some('fallback_keys', fallbackKeys) }
}

function unpublishedKeys(json: string): Record<string, string> {
  const keys = objectAt(parseObject(json), 'curve25519')
  return Object.fromEntries(Object.entries(keys).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

function countKeys(response: unknown): number {
  const count = objectAt(response, 'one_time_key_counts').signed_curve25519
  return typeof count === 'number' && Number.isSafeInteger(count) && count > 0 ? count : 0
}

/** Notes what the server says it holds for one of our devices; `replenishKeys` then does what is due. */
export function noteKeyCounts(
  context: CryptoContext,
  userId: string,
  oneTimeKeys: number | undefined,
  fallbackUnused: boolean | undefined,
): void {
  context.own.want(userId, oneTimeKeys !== undefined && oneTimeKeys < target / 2, fallbackUnused === false)
}
