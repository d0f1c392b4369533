import { canonicalJson } from '../core/canonical-json.ts'
import type { UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { conflict, forbidden, missingParam } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { crossSigning, deviceListChanges } from '../people/device-changes.ts'
import type { People } from '../people/people.ts'
import { type Guard, guard, type Part, type Write, write } from '../storage/database.ts'
import {
  type CrossSigningRow,
  deleteCrossSigningKey,
  deleteSignaturesBy,
  deleteSignaturesOn,
  insertCrossSigningKey,
  selectCrossSigningKey,
  selectCrossSigningKeys,
  selectSameCrossSigningKey,
} from './cross-signing.store.ts'
import { type CrossSigningKey, checkCrossSigningKey, checkSignedByMaster, usages } from './cross-signing.ts'
import { unsignedText } from './device-keys.ts'

const tries = 10

/**
 * Keeps a user's cross-signing keys. `authorise` is awaited first when the user has a master key and the keys are not those already there; it
 * throws when the user does not prove to be the owner. Throws `M_MISSING_PARAM` without a master key, `M_INVALID_SIGNATURE`, `M_FORBIDDEN`
 * for a key that is called like a device. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysdevice_signingupload
 */
export async function uploadCrossSigningKeys(
  { home: { database }, people }: { home: Pick<Home, 'database'>; people: Pick<People, 'devices'> },
  userId: UserId,
  body: JsonObject,
  authorise: () => Promise<void>,
): Promise<void> {
  const keys = usages.flatMap((usage) => checkCrossSigningKey(body[`${usage}_key`], usage, userId) ?? [])
  let authorised = false
  for (let left = tries; left > 0; left--) {
    const stored = await database.select(selectCrossSigningKeys, [userId])
    const master = keys.find(({ usage }) => usage === 'master')?.publicKey ?? stored.find(({ usage }) => usage === 'master')?.public_key
    if (master === undefined) throw missingParam('there is no master key')
    checkSignedByMaster(keys, userId, master)
    const devices = await people.devices(userId)
    if (devices.some(({ deviceId }) => keys.some(({ publicKey }) => publicKey === deviceId)))
      throw forbidden('a device has the name of this key')
    const changed = keys.filter((key) => !stored.some((row) => isSame(row, key)))
    if (changed.length === 0) return
    if (!authorised && stored.some(({ usage }) => usage === 'master')) await authorise()
    authorised = true
    if ((await database.commit(replace(userId, stored, changed))).ok) return
  }
  throw conflict('the keys of this user are uploaded by too many at once')
}

function isSame(row: CrossSigningRow, { usage, publicKey, content }: CrossSigningKey): boolean {
  if (row.usage !== usage || row.public_key !== publicKey) return false
  return unsignedText(JSON.parse(row.content)) === unsignedText(content)
}

function replace(userId: UserId, stored: readonly CrossSigningRow[], changed: readonly CrossSigningKey[]): Part {
  const guards: Guard[] = []
  const writes: Write[] = []
  for (const { usage, publicKey, content } of changed) {
    const before = stored.find((row) => row.usage === usage)
    if (before) {
      guards.push(guard(usage, 'row', selectSameCrossSigningKey, userId, usage, before.public_key))
      writes.push(write(deleteCrossSigningKey, userId, usage))
      if (before.public_key !== publicKey) {
        writes.push(write(deleteSignaturesOn, userId, before.public_key), write(deleteSignaturesBy, userId, `ed25519:${before.public_key}`))
      }
    } else {
      guards.push(guard(usage, 'no row', selectCrossSigningKey, userId, usage))
    }
    writes.push(write(insertCrossSigningKey, userId, usage, publicKey, canonicalJson(content, false)))
  }
  const change = deviceListChanges(userId, 0, [crossSigning])
  return { guards, writes: [...writes, ...change.writes], log: change.log }
}
