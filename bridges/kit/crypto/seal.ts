import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync } from 'node:crypto'

/** Encrypts what is secret at rest. The name of the row is bound in, so that one row's secret cannot be moved to another. */
export type Seal = {
  close(name: string, secret: string): Buffer
  /** Throws when the bytes were not closed under this name and key. */
  open(name: string, sealed: Uint8Array): string
}

/** AES-256-GCM under a key derived from `pickleKey` (at least 32 bytes; otherwise a RangeError). */
export function makeSeal(pickleKey: Uint8Array, random: (bytes: number) => Uint8Array): Seal {
  if (pickleKey.length < 32) throw new RangeError('the pickle key needs at least 32 bytes')
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', pickleKey, '', 'tombolo bridge crypto store', 32)))
  return {
    close(name, secret) {
      const nonce = random(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(name))
      return Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()])
    },
    open(name, sealed) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 }).setAAD(Buffer.from(name))
      decipher.setAuthTag(sealed.subarray(-16))
      return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString('utf8')
    },
  }
}
