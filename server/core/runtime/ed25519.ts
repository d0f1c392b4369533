import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** Ed25519 with node:crypto alone, for where libsodium's binding can't be loaded. Keys are raw bytes; OpenSSL wants them wrapped. */

const privateWrapping = Buffer.from('302e020100300506032b657004220420', 'hex')
const publicWrapping = Buffer.from('302a300506032b6570032100', 'hex')

/** The public key that belongs to a seed of 32 bytes. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  const wrapped = createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' })
  return new Uint8Array(wrapped.subarray(publicWrapping.length))
}

/** Signs a message under the key of a seed; 64 bytes. */
export function signWithNode(message: Uint8Array, seed: Uint8Array): Buffer {
  return sign(null, message, privateKey(seed))
}

/** Whether a signature over a message is valid under a public key; false also for keys that are none. */
export function verifyWithNode(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.concat([publicWrapping, publicKey]), format: 'der', type: 'spki' })
    return verify(null, message, key, signature)
  } catch {
    return false
  }
}

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([privateWrapping, seed]), format: 'der', type: 'pkcs8' })
}
