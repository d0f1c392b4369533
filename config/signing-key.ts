import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ConfigError } from './load.ts'
import { replaceFile, writeOnce } from './write-once.ts'

/** A key that signs no more: its name, and its public half in unpadded Base64. */
export type FormerKey = { readonly keyId: `ed25519:${string}`; readonly key: string }
/** The key a server signs with: the 32 bytes that an Ed25519 key pair is made from, and its name; and the keys before it, the latest first. */
export type SigningKey = { readonly keyId: `ed25519:${string}`; readonly seed: Uint8Array; readonly former: readonly FormerKey[] }

const line = /^ed25519 ([A-Za-z0-9_]{1,64}) ([A-Za-z0-9+/]{43})=?$/
const formerLine = /^old ed25519 ([A-Za-z0-9_]{1,64}) ([A-Za-z0-9+/]{43})=?$/

/** Reads the signing key, and makes it first where there is none. The file is one line, `ed25519 NAME BASE64`, and one `old ed25519 NAME BASE64` for each key before it. */
export function ensureSigningKey(file: string): SigningKey {
  writeOnce(file, newLine([]))
  return readSigningKey(file)
}

/** Reads the signing key. Throws a ConfigError for a file that holds none, what the system says where there is no file. */
export function readSigningKey(file: string): SigningKey {
  const [first = '', ...rest] = readFileSync(file, 'utf8').trimEnd().split(/\r?\n/)
  const [, id, seed] = line.exec(first) ?? []
  if (!id || !seed)
    throw new ConfigError(`${file} is not a signing key: write one line, ed25519 NAME and 32 bytes in base64 (43 characters)`)
  return { keyId: `ed25519:${id}`, seed: new Uint8Array(Buffer.from(seed, 'base64')), former: rest.map((text) => readFormer(file, text)) }
}

function readFormer(file: string, text: string): FormerKey {
  const [, id, key] = formerLine.exec(text) ?? []
  if (!id || !key)
    throw new ConfigError(
      `${file}: after the first line there are only keys that sign no more, each as old ed25519 NAME and its public key`,
    )
  return { keyId: `ed25519:${id}`, key }
}

/**
 * Puts a new signing key in the place of the one in a file, which is listed below it with its public half alone. Gives both. Throws as `readSigningKey`
 * does, and then nothing has changed.
 */
export function rotateSigningKey(file: string): { readonly now: SigningKey; readonly before: FormerKey } {
  const { keyId, seed, former } = readSigningKey(file)
  const before = { keyId, key: publicKeyOf(seed) }
  const all = [before, ...former]
  replaceFile(file, [newLine(all), ...all.map((one) => `old ${one.keyId.replace(':', ' ')} ${one.key}\n`)].join(''))
  return { now: readSigningKey(file), before }
}

/** A name belongs to one key for ever. */
function newLine(former: readonly FormerKey[]): string {
  const name = `a_${randomBytes(3).toString('hex')}`
  if (former.some(({ keyId }) => keyId === `ed25519:${name}`)) return newLine(former)
  return `ed25519 ${name} ${unpadded(randomBytes(32))}\n`
}

function publicKeyOf(seed: Uint8Array): string {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const { x = '' } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' })
  return unpadded(Buffer.from(x, 'base64url'))
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
