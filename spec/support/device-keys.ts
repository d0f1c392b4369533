import { createHash } from 'node:crypto'
import { encodeBase64 } from '../../server/core/base64.ts'
import { canonicalJson } from '../../server/core/canonical-json.ts'
import type { UserId } from '../../server/core/ids.ts'
import type { JsonObject } from '../../server/core/json.ts'
import { generateSigningKey, type SigningKey, signText } from '../../server/core/signatures.ts'

/** A key that is the same for the same name. */
export function namedKey(name: string): SigningKey & { readonly text: string } {
  const key = generateSigningKey(createHash('sha256').update(name).digest())
  return { ...key, text: encodeBase64(key.publicKey) }
}

/** Signs an object as a user, under a key with a name of its own. */
export function signAs<T extends JsonObject>(object: T, userId: UserId, keyName: string, key: SigningKey): T & { signatures: JsonObject } {
  const signature = signText(canonicalJson({ ...object, signatures: undefined, unsigned: undefined }), key)
  const others = (object['signatures'] ?? {}) as Record<string, JsonObject>
  return { ...object, signatures: { ...others, [userId]: { ...others[userId], [`ed25519:${keyName}`]: signature } } }
}

/** The identity keys of a device, signed by itself. */
export function deviceKeysOf({ userId, deviceId }: { userId: UserId; deviceId: string }, seed = '') {
  const key = namedKey(`${userId} ${deviceId} ${seed}`)
  const unsigned = {
    user_id: userId,
    device_id: deviceId,
    algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
    keys: { [`ed25519:${deviceId}`]: key.text, [`curve25519:${deviceId}`]: namedKey(`curve ${userId} ${deviceId} ${seed}`).text },
  }
  return { key, json: signAs(unsigned, userId, deviceId, key) }
}

/** Signed one-time keys under the given ids. */
export function oneTimeKeysOf(owner: { userId: UserId; deviceId: string }, ids: readonly string[], seed = '') {
  const { key } = deviceKeysOf(owner)
  const made = ids.map((id) => {
    const json = { key: namedKey(`${seed}${id}`).text }
    return [`signed_curve25519:${id}`, signAs(json, owner.userId, owner.deviceId, key)] as const
  })
  return Object.fromEntries(made)
}

/** The three cross-signing keys of a user. */
export function crossSigningKeysOf(userId: UserId, seed = '') {
  const [master, selfSigning, userSigning] = ['master', 'self', 'user'].map((name) => namedKey(`${name} ${userId} ${seed}`)) as [
    ReturnType<typeof namedKey>,
    ReturnType<typeof namedKey>,
    ReturnType<typeof namedKey>,
  ]
  const jsonOf = (usage: string, key: { text: string }) => ({
    user_id: userId,
    usage: [usage],
    keys: { [`ed25519:${key.text}`]: key.text },
  })
  return {
    master,
    selfSigning,
    userSigning,
    body: {
      master_key: jsonOf('master', master),
      self_signing_key: signAs(jsonOf('self_signing', selfSigning), userId, master.text, master),
      user_signing_key: signAs(jsonOf('user_signing', userSigning), userId, master.text, master),
    },
  }
}
