import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ConfigError } from './load.ts'
import { writeOnce } from './write-once.ts'

/** The key a server signs with: the 32 bytes that an Ed25519 key pair is made from, and its name. */
export type SigningKey = { keyId: `ed25519:${string}`; seed: Uint8Array }

const line = /^ed25519 ([A-Za-z0-9_]{1,64}) ([A-Za-z0-9+/]{43})=?\s*$/

/** Reads the signing key, and makes it first where there is none. The file is one line: `ed25519 NAME BASE64`. */
export function ensureSigningKey(file: string): SigningKey {
  const name = `a_${randomBytes(3).toString('hex')}`
  writeOnce(file, `ed25519 ${name} ${randomBytes(32).toString('base64').replace(/=+$/, '')}\n`)
  return readSigningKey(file)
}

/** Reads the signing key. Throws a ConfigError for a file that holds none, what the system says where there is no file. */
export function readSigningKey(file: string): SigningKey {
  const [, id, seed] = line.exec(readFileSync(file, 'utf8')) ?? []
  if (!id || !seed)
    throw new ConfigError(`${file} is not a signing key: write one line, ed25519 NAME and 32 bytes in base64 (43 characters)`)
  return { keyId: `ed25519:${id}`, seed: new Uint8Array(Buffer.from(seed, 'base64')) }
}
