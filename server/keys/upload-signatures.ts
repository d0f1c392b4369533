import { type DeviceId, isUserId, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { badJson } from '../core/matrix-error.ts'
import { verifySignature } from '../core/signatures.ts'
import type { Home } from '../home.ts'
import { crossSigning, deviceListChanges, signedUserChange } from '../people/device-changes.ts'
import { type LogRow, type Write, write } from '../storage/database.ts'
import { selectCrossSigningKeys, upsertSignature } from './cross-signing.store.ts'
import { signaturesOf } from './cross-signing.ts'
import { signingKeyOf, unsignedText } from './device-keys.ts'
import { selectDeviceKeysOfUsers } from './keys.store.ts'

/** What is known of the users whose keys are signed, and of the signer. */
type Known = {
  /** By user and device id, or by user and public key. */
  readonly keys: ReadonlyMap<string, JsonObject>
  /** The signer's keys by key id, with whose keys they may sign. */
  readonly signers: ReadonlyMap<
    string,
    { readonly publicKey: string; readonly signs: 'own master' | 'own devices' | 'other masters' | 'own keys' }
  >
  readonly masters: ReadonlySet<string>
  readonly isDevice: (target: Target) => boolean
}

type Target = { readonly userId: UserId; readonly signed: string; readonly object: JsonObject }
type Failure = { readonly errcode: string; readonly error: string }

const mostTargets = 1000
const nameOf = (userId: string, signed: string) => `${userId}\0${signed}`

/**
 * Keeps the signatures that a user made on own devices, the own master key or master keys of others, each checked against the keys that the
 * server has. Answers what failed, by user and key. Throws `M_BAD_JSON` for a wrong shape.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keyssignaturesupload
 */
export async function uploadSignatures({ database }: Pick<Home, 'database'>, signer: UserId, body: JsonObject): Promise<JsonObject> {
  const targets = readTargets(body)
  const known = await readKnown(database, signer, [...new Set([signer, ...targets.map(({ userId }) => userId)])])
  const failures = new Map<UserId, Map<string, Failure>>()
  const writes: Write[] = []
  const signed = new Set<UserId>()
  const ownSigned = new Set<DeviceId>()
  for (const target of targets) {
    const accepted = judge(target, signer, known)
    if (!Array.isArray(accepted)) {
      const ofUser = failures.get(target.userId) ?? new Map<string, Failure>()
      failures.set(target.userId, ofUser.set(target.signed, accepted as Failure))
      continue
    }
    for (const [keyId, signature] of accepted) writes.push(write(upsertSignature, target.userId, target.signed, signer, keyId, signature))
    if (accepted.length === 0) continue
    if (target.userId === signer) ownSigned.add(known.isDevice(target) ? target.signed : crossSigning)
    else signed.add(target.userId)
  }
  const own = deviceListChanges(signer, 0, [...ownSigned])
  const log: LogRow[] = [...own.log]
  writes.push(...own.writes)
  for (const userId of signed) {
    const change = signedUserChange(signer, userId, log.length)
    writes.push(change.write)
    log.push(change.log)
  }
  if (writes.length > 0) await database.commit({ writes, log })
  return Object.fromEntries([...failures].map(([userId, ofUser]) => [userId, Object.fromEntries(ofUser)]))
}

function readTargets(body: JsonObject): Target[] {
  const targets: Target[] = []
  for (const [userId, keys] of Object.entries(body)) {
    if (!isUserId(userId)) throw badJson('the body has something else than user ids')
    if (!isJsonObject(keys)) throw badJson(`${userId} is not a map of keys`)
    for (const [signed, object] of Object.entries(keys)) {
      if (!isJsonObject(object)) throw badJson(`${signed} is not a signed object`)
      targets.push({ userId, signed, object })
    }
  }
  if (targets.length > mostTargets) throw badJson(`more than ${mostTargets} keys at once`)
  return targets
}

async function readKnown(database: Home['database'], signer: UserId, userIds: readonly UserId[]): Promise<Known> {
  const [devices, crossSigningRows] = await Promise.all([
    database.select(selectDeviceKeysOfUsers, userIds),
    database.select(selectCrossSigningKeys, userIds),
  ])
  const keys = new Map<string, JsonObject>()
  const signers: Map<string, { publicKey: string; signs: 'own master' | 'own devices' | 'other masters' | 'own keys' }> = new Map()
  const masters = new Set<string>()
  for (const row of devices) {
    const content = JSON.parse(row.content) as JsonObject
    keys.set(nameOf(row.user_id, row.device_id), content)
    if (row.user_id === signer) signers.set(`ed25519:${row.device_id}`, { publicKey: signingKeyOf(content), signs: 'own master' })
  }
  const signs = { master: 'own keys', self_signing: 'own devices', user_signing: 'other masters' } as const
  for (const row of crossSigningRows) {
    keys.set(nameOf(row.user_id, row.public_key), JSON.parse(row.content))
    if (row.usage === 'master') masters.add(nameOf(row.user_id, row.public_key))
    const use = signs[row.usage as keyof typeof signs]
    if (row.user_id === signer) signers.set(`ed25519:${row.public_key}`, { publicKey: row.public_key, signs: use })
  }
  const deviceNames = new Set(devices.map((row) => nameOf(row.user_id, row.device_id)))
  return { keys, signers, masters, isDevice: ({ userId, signed }) => deviceNames.has(nameOf(userId, signed)) }
}

/** The signatures to keep, or why there are none. */
function judge({ userId, signed, object }: Target, signer: UserId, known: Known): [string, string][] | Failure {
  const stored = known.keys.get(nameOf(userId, signed))
  if (!stored) return { errcode: 'M_NOT_FOUND', error: 'there is no such key' }
  const wrong = (error: string) => ({ errcode: 'M_INVALID_SIGNATURE', error })
  if (!isSameObject(object, stored)) return wrong('the signed object is not the key that the server has')
  const isMaster = known.masters.has(nameOf(userId, signed))
  const accepted: [string, string][] = []
  for (const [keyId, signature] of signaturesOf(object, signer)) {
    if (signaturesOf(stored, signer).some(([id, text]) => id === keyId && text === signature)) continue
    const key = known.signers.get(keyId)
    if (!key || !maySign(key.signs, userId === signer, isMaster)) return wrong(`${keyId} may not sign this key`)
    if (!verifySignature(object, signer, keyId, key.publicKey)) return wrong(`the signature of ${keyId} is wrong`)
    accepted.push([keyId, signature])
  }
  return accepted.length > 0 || userId === signer ? accepted : wrong('it bears no signature of yours')
}

function isSameObject(object: JsonObject, stored: JsonObject): boolean {
  try {
    return unsignedText(object) === unsignedText(stored)
  } catch {
    return false
  }
}

function maySign(signs: 'own master' | 'own devices' | 'other masters' | 'own keys', own: boolean, isMaster: boolean): boolean {
  if (!own) return isMaster && signs === 'other masters'
  return isMaster ? signs === 'own master' : signs === 'own devices' || signs === 'own keys'
}
