import { createRequire } from 'node:module'
import type { JsonObject } from '../../../server/core/json.ts'
import type { SigningKey } from '../../../server/core/signatures.ts'

type Sodium = { crypto_sign_detached: (signature: Buffer, message: Buffer, secretKey: Uint8Array) => void }

/** Sees everything that is signed under a key, whoever has it signed. */
export type SignerWitness = {
  /** Events, as they were signed: pruned, without signatures. Forgotten when they were read. */
  readonly takeEvents: () => JsonObject[]
  /** What was signed that is neither an event nor a request nor what a server says of its keys. */
  readonly strange: readonly JsonObject[]
  readonly end: () => void
}

/** Watches the binding that signs for this whole process. */
export function watchSigner({ secretKey }: SigningKey): SignerWitness {
  const sodium = createRequire(import.meta.url)('sodium-native') as Sodium
  const sign = sodium.crypto_sign_detached
  const events: JsonObject[] = []
  const strange: JsonObject[] = []
  sodium.crypto_sign_detached = (signature, message, key) => {
    if (key === secretKey) {
      const signed = JSON.parse(message.toString()) as JsonObject
      if (typeof signed['type'] === 'string') events.push(signed)
      else if (!isRequest(signed) && !isOfKeys(signed)) strange.push(signed)
    }
    sign(signature, message, key)
  }
  return {
    takeEvents: () => events.splice(0),
    strange,
    end: () => {
      sodium.crypto_sign_detached = sign
    },
  }
}

function isRequest(signed: JsonObject): boolean {
  return Object.keys(signed).every((key) => ['method', 'uri', 'origin', 'destination', 'content'].includes(key)) && 'uri' in signed
}

function isOfKeys(signed: JsonObject): boolean {
  return 'server_name' in signed && 'verify_keys' in signed
}
