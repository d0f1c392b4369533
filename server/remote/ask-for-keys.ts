import { canonicalJson } from '../core/canonical-json.ts'
import type { ServerName } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { checkServerKeys } from '../core/servers/server-keys.ts'
import { type Database, write } from '../storage/database.ts'
import { deleteForgottenKeys, insertFormerKey, selectResponse, upsertKey, upsertResponse } from './server-keys.store.ts'
import type { Peers } from './signed-request.ts'

export type KeyTools = { readonly database: Database; readonly peers: Peers; readonly clock: { now(): number } }

/** So many bytes of an answer are read, and for so many milliseconds it is waited for. */
export const bounds = { limit: 64 * 1024, timeoutMs: 10_000 }
const mostKeys = 64
/** Kinds of old keys, as `KeyRow` has them. */
const givenUp = 1
const remembered = 2

/** Who said it, and for whom it was asked: what strangers alone want is not kept for ever. */
type Telling = { readonly byItself: boolean; readonly isStrangers: boolean }

/** Asks a server for its own keys; whether it told some. */
export async function askItself(tools: KeyTools, serverName: ServerName, isStrangers: boolean): Promise<boolean> {
  const answer = await tools.peers.fetchUnsigned({
    destination: serverName,
    method: 'GET',
    uri: '/_matrix/key/v2/server',
    apart: true,
    ...bounds,
  })
  return answer.ok && answer.status === 200 && (await keep(tools, serverName, answer.body, { byItself: true, isStrangers }))
}

/**
 * Stores what a server says of its keys; false when it is not to be believed. Of what others tell that is older than what is known, keys count that nobody
 * knew, and as old ones: a key that the server has given up is not in use again. Only the server itself, over TLS, where nobody can repeat what it said once,
 * may say of one that was told like that that it is in use.
 */
export async function keep(
  { database, clock }: KeyTools,
  serverName: ServerName,
  response: JsonObject,
  { byItself, isStrangers }: Telling,
): Promise<boolean> {
  const checked = checkServerKeys(response, serverName)
  if (checked === undefined) return false
  const before = await database.selectOne(selectResponse, serverName)
  const now = clock.now()
  const stranger = isStrangers ? 1 : null
  const forget = write(deleteForgottenKeys, serverName, serverName, mostKeys)
  if (!byItself && before !== undefined && before.valid_until > checked.validUntil) {
    const former = checked.keys.map(({ keyId, key, until, isOld }) =>
      write(insertFormerKey, serverName, keyId, key, until, isOld ? givenUp : remembered, now, stranger),
    )
    await database.commit({ writes: [...former, forget] })
    return true
  }
  const orKind = byItself ? remembered : 0
  const keys = checked.keys.map(({ keyId, key, until, isOld }) =>
    write(upsertKey, serverName, keyId, key, until, isOld ? givenUp : 0, now, stranger, orKind),
  )
  const said = write(upsertResponse, serverName, checked.validUntil, now, Buffer.from(canonicalJson(response)), stranger)
  await database.commit({ writes: [...keys, forget, said] })
  return true
}
