import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'

/**
 * Keeps what says who somebody is: values are sealed (AES-256-GCM), and found again by a blind index (HMAC-SHA256) only. Each network has a key file
 * of its own, so rows of two networks cannot be joined.
 */
export type Vault = {
  /** Seals a value for one purpose; it opens under the same purpose only. */
  seal(value: string, purpose: string): Buffer
  /** Throws when the bytes are not ours, were changed, or were sealed for another purpose. */
  open(sealed: Buffer, purpose: string): string
  /** The same value of the same kind always has the same index; without the key it says nothing about the value. */
  blind(kind: string, value: string): string
  /** A key for another use, as secret as the key file. */
  derive(use: string): Buffer
}

const version = 1
const nonceBytes = 12
const tagBytes = 16

/** Opens the vault of one network on its key file, which is made (mode 0600) when there is none. Throws when the file is no key or others may read it. */
export function openVault(network: string, keyFile: string): Vault {
  const master = readOrMakeKey(keyFile)
  const derive = (use: string) => Buffer.from(hkdfSync('sha256', master, network, `tombolo vault ${use}`, 32))
  // From bytes, Node would make these anew for each value: five times the work.
  const sealKey = createSecretKey(derive('seal'))
  const indexKey = createSecretKey(derive('index'))
  return {
    seal(value, purpose) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce)
      cipher.setAAD(Buffer.from(`${network}/${purpose}`))
      const body = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(version), nonce, cipher.getAuthTag(), body])
    },
    open(sealed, purpose) {
      if (sealed[0] !== version || sealed.length < 1 + nonceBytes + tagBytes) throw new Error('not a sealed value')
      const decipher = createDecipheriv('aes-256-gcm', sealKey, sealed.subarray(1, 1 + nonceBytes), { authTagLength: tagBytes })
      decipher.setAAD(Buffer.from(`${network}/${purpose}`))
      decipher.setAuthTag(sealed.subarray(1 + nonceBytes, 1 + nonceBytes + tagBytes))
      return Buffer.concat([decipher.update(sealed.subarray(1 + nonceBytes + tagBytes)), decipher.final()]).toString('utf8')
    },
    derive: (use) => derive(`use ${use}`),
    blind: (kind, value) => createHmac('sha256', indexKey).update(`${kind.length}:${kind}:${value}`).digest('base64url'),
  }
}

function readOrMakeKey(file: string): Buffer {
  const made = makeKey(file)
  if (made) return made
  if ((statSync(file).mode & 0o077) !== 0) throw new Error('the vault key may be read by others: chmod 600')
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url')
  if (key.length !== 32) throw new Error('the vault key file is damaged: restore it from a backup')
  return key
}

function makeKey(file: string): Buffer | undefined {
  const key = randomBytes(32)
  try {
    const handle = openSync(file, 'wx', 0o600)
    writeSync(handle, `${key.toString('base64url')}\n`)
    fsyncSync(handle)
    closeSync(handle)
    return key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** Base32 in lower case, without padding (RFC 4648 alphabet). */
export function base32(bytes: Uint8Array): string {
  let bits = 0
  let held = 0
  let text = ''
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff
    bits += 8
    for (; bits >= 5; bits -= 5) text += alphabet[(held >> (bits - 5)) & 31]
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text
}

/** An id that says nothing: 128 random bits. */
export function opaqueId(): string {
  return base32(randomBytes(16))
}
