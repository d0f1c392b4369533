import { encodeBase64 } from '../core/base64.ts'
import { type OwnKeyRow, selectOwnKeys } from '../remote/own-keys.store.ts'
import type { Asked, DatabaseFacts } from '../storage/database-facts.ts'
import { attention, type Finding, ok, wrong } from './finding.ts'
import type { Patient } from './patient.ts'

/** What the database remembers of the keys that this server has signed with. */
export const ownKeysAsked: Asked = { since: '0104-own-keys', sql: selectOwnKeys.sql }

/** Whether the key on the disk is the one that the server may sign with, as its database remembers the keys. */
export function knownKeysFinding({ config, key, now }: Patient, { rows }: DatabaseFacts): Finding[] {
  const known = rows as readonly OwnKeyRow[]
  if (key === undefined) return []
  const check = 'known keys'
  const file = config.signing_key_path
  const again = 'or make a new one: npm run rotate-key'
  if (config.old_signing_keys.some((one) => one.key_id === key.keyId)) {
    return [
      wrong(check, `old_signing_keys names ${key.keyId}, the key in ${file}: so the server does not start`, `Take it out there, ${again}`),
    ]
  }
  if (known.length === 0) return []
  const row = known.find((one) => one.key_id === key.keyId)
  const others = known.filter((one) => one.key_id !== key.keyId)
  if (row === undefined) {
    const before = others.filter(({ until }) => until === null).map(({ key_id }) => key_id)
    return [
      attention(
        check,
        `${key.keyId} in ${file} is new${before.length === 0 ? '' : `, and ${before.join(', ')} signs as yet`}`,
        'The next start of the server takes it up, and tells others that the one before is an old one.',
        'Unless you made it (npm run rotate-key): give the right file back from the backup, before that start.',
      ),
    ]
  }
  if (row.key !== encodeBase64(key.publicKey))
    return [
      wrong(
        check,
        `another key of the name ${key.keyId} was used before, and others remember it`,
        `Give that back from the backup, ${again}`,
      ),
    ]
  if (row.until === null)
    return [ok(check, others.length === 0 ? 'none was used before this one' : `${countOf(others)} before it, told to others as old`)]
  const when = new Date(row.until).toISOString()
  if (row.until > now())
    return [
      attention(
        check,
        `${key.keyId} in ${file} is being given up: a process of this server has a newer one`,
        'Give every process the newer file.',
      ),
    ]
  return [
    wrong(
      check,
      `${key.keyId} in ${file} was given up for a newer one at ${when}: the server does not start with it`,
      `Give the newer file back, ${again}`,
    ),
  ]
}

function countOf(keys: readonly unknown[]): string {
  return keys.length === 1 ? 'there is one' : `there are ${keys.length}`
}
