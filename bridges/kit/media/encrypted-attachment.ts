import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { MediaFailure } from './failure.ts'
import type { Kept } from './spool.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#definition-encryptedfile */
export type EncryptedFile = {
  readonly url: string
  readonly v: 'v2'
  readonly key: {
    readonly kty: 'oct'
    readonly alg: 'A256CTR'
    readonly ext: true
    readonly k: string
    readonly key_ops: readonly ['encrypt', 'decrypt']
  }
  readonly iv: string
  readonly hashes: { readonly sha256: string }
}
export type Encryption = {
  /** The ciphertext, as long as what was given. */
  readonly ciphertext: AsyncIterable<Buffer>
  /** What goes into the event, once the ciphertext was read to its end and uploaded to `url`. */
  file(url: string): EncryptedFile
}
export type Decryption = { readonly key: Buffer; readonly iv: Buffer; readonly sha256: Buffer }

const cipher = 'aes-256-ctr'
const blockBytes = 16

/**
 * Encrypts an attachment as it streams by, under a key and an initialisation vector of its own: "The counter is 64 bits long, starting at 0 and prefixed by
 * a random 64-bit Initialization Vector". https://spec.matrix.org/v1.19/client-server-api/#sending-encrypted-attachments
 */
export function encryptAttachment(input: AsyncIterable<Uint8Array>): Encryption {
  const key = randomBytes(32)
  const iv = Buffer.concat([randomBytes(8), Buffer.alloc(8)])
  let sha256: string | undefined
  let isBegun = false
  async function* encrypt(): AsyncGenerator<Buffer, void> {
    // "Clients MUST NOT use the same key or IV multiple times": other bytes under the same key would tell what both are.
    if (isBegun) throw new Error('an attachment is encrypted once; a second try takes a key of its own')
    isBegun = true
    const encryption = createCipheriv(cipher, key, iv)
    const hash = createHash('sha256')
    for await (const bytes of input) {
      const encrypted = encryption.update(bytes)
      hash.update(encrypted)
      yield encrypted
    }
    sha256 = unpadded(hash.digest())
  }
  return {
    ciphertext: { [Symbol.asyncIterator]: encrypt },
    file(url) {
      if (sha256 === undefined) throw new Error('the attachment was not encrypted to its end')
      const jwk = { kty: 'oct', alg: 'A256CTR', ext: true, k: key.toString('base64url'), key_ops: ['encrypt', 'decrypt'] } as const
      return { url, v: 'v2', key: jwk, iv: unpadded(iv), hashes: { sha256 } }
    },
  }
}

/** The keys in an `EncryptedFile` that somebody sent; undefined when it is none that the specification allows. Never throws. */
export function readEncryptedFile(file: unknown): (Decryption & { readonly url: string }) | undefined {
  const { url, v, key, iv, hashes } = fieldsOf(file)
  const { kty, alg, k } = fieldsOf(key)
  if (v !== 'v2' || kty !== 'oct' || alg !== 'A256CTR' || typeof url !== 'string') return undefined
  const [secret, counter, sha256] = [fromBase64(k, 32), fromBase64(iv, blockBytes), fromBase64(fieldsOf(hashes)['sha256'], 32)]
  return secret && counter && sha256 ? { url, key: secret, iv: counter, sha256 } : undefined
}

/**
 * Opens an attachment whose ciphertext lies in the spool. "Clients MUST verify the hash before using the file contents": it was taken over all of it while it
 * was written, so no byte comes out of another file than the one that was sent, and no plaintext is on the disk. Fails as `corrupted`, and discards it then.
 * The result takes the ciphertext over: discard one of them.
 */
export async function decryptAttachment(of: Decryption, ciphertext: Kept): Promise<Pick<Kept, 'size' | 'read' | 'stream' | 'discard'>> {
  if (!ciphertext.sha256.equals(of.sha256)) {
    await ciphertext.discard()
    throw new MediaFailure('corrupted', 'The file is not the one that was sent.')
  }
  async function* stream(): AsyncGenerator<Buffer, void> {
    const decryption = createDecipheriv(cipher, of.key, of.iv)
    for await (const bytes of ciphertext.stream()) yield decryption.update(bytes)
  }
  async function read(offset: number, length: number): Promise<Buffer> {
    const within = offset % blockBytes
    const decryption = createDecipheriv(cipher, of.key, counterAt(of.iv, (offset - within) / blockBytes))
    return decryption.update(await ciphertext.read(offset - within, length + within)).subarray(within)
  }
  return { size: ciphertext.size, read, stream, discard: ciphertext.discard }
}

/** AES-CTR counts blocks in all 128 bits of the counter block. */
function counterAt(iv: Buffer, block: number): Buffer {
  const sum = (BigInt(`0x${iv.toString('hex')}`) + BigInt(block)) & ((1n << 128n) - 1n)
  return Buffer.from(sum.toString(16).padStart(32, '0'), 'hex')
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** Either alphabet, padded or not: other clients mix them up. */
function fromBase64(text: unknown, length: number): Buffer | undefined {
  if (typeof text !== 'string' || text.length > 64 || !/^[\w+/-]+={0,2}$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === length ? bytes : undefined
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
