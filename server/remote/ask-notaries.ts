import type { ServerName } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { verifySignature } from '../core/signatures.ts'
import { askItself, bounds, type KeyTools, keep } from './ask-for-keys.ts'
import { choose, readKeys } from './kept-keys.ts'
import type { createAttempts } from './key-attempts.ts'

/** What is wanted of a server's keys: which, if that is known, and good until when; and whether strangers alone want it. */
export type Question = {
  readonly serverName: ServerName
  readonly keyId: string | undefined
  readonly until: number
  readonly isStrangers: boolean
}
export type NotaryTools = KeyTools & {
  /** Servers asked for the keys of others. */
  readonly notaries: readonly ServerName[]
  /** Which of them did not answer of late: they are not waited for again for every server. */
  readonly silent: ReturnType<typeof createAttempts>
}

/** Asks one notary after the other until the key is known; whether any of them told something. */
export async function askNotaries(tools: NotaryTools, question: Question): Promise<boolean> {
  let knew = false
  for (const notary of tools.notaries) {
    if (notary === question.serverName || tools.silent.isRecent(notary)) continue
    if (await askNotary(tools, notary, question)) knew = true
    if (knew && (await isHere(tools, question))) break
  }
  return knew
}

/** Whether the key that is wanted is known, and good for so long. */
async function isHere({ database }: NotaryTools, { serverName, keyId, until }: Question): Promise<boolean> {
  const keys = await readKeys(database, serverName)
  return keyId === undefined ? keys.length > 0 : choose(keys, { serverName, keyId, at: until }) !== undefined
}

/**
 * Asks for all keys that a notary knows of a server, as one that is gone may have had several; some then tell what they have, and look for more only where
 * a key is named. One that does not answer rests half a minute and no longer: it may have waited for a server that keeps everybody waiting.
 * https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server
 */
async function askNotary(tools: NotaryTools, notary: ServerName, question: Question): Promise<boolean> {
  const { keyId, until } = question
  const all = await query(tools, notary, question, {})
  tools.silent.forget(notary)
  if (all === undefined) tools.silent.note(notary, undefined, tools.clock.now())
  if (all === undefined || keyId === undefined || (await isHere(tools, question))) return all ?? false
  return (await query(tools, notary, question, { [keyId]: { minimum_valid_until_ts: until } })) || all
}

/** Whether a notary told something; undefined where it did not answer. */
async function query(
  tools: NotaryTools,
  notary: ServerName,
  { serverName, isStrangers }: Question,
  wanted: JsonObject,
): Promise<boolean | undefined> {
  const answer = await tools.peers.fetchJson({
    destination: notary,
    method: 'POST',
    uri: '/_matrix/key/v2/query',
    content: { server_keys: { [serverName]: wanted } },
    apart: true,
    ...bounds,
  })
  if (!answer.ok) return undefined
  const said = answer.status === 200 ? answer.body['server_keys'] : undefined
  const responses = (Array.isArray(said) ? said : []).filter(isJsonObject)
  let found = false
  for (const response of responses.toSorted((a, b) => Number(b['valid_until_ts']) - Number(a['valid_until_ts']))) {
    // The connection shows that it is the notary; its signature lets others check that it was.
    if ((await isSignedBy(tools, notary, response)) && (await keep(tools, serverName, response, { byItself: false, isStrangers })))
      found = true
  }
  return found
}

/** Whether a notary signed this; it is asked for its own keys where none of those known did, as it may have a new one. */
async function isSignedBy(tools: NotaryTools, notary: ServerName, response: JsonObject): Promise<boolean> {
  const isSigned = async () =>
    (await readKeys(tools.database, notary)).some(({ keyId, key }) => verifySignature(response, notary, keyId, key))
  if (await isSigned()) return true
  const own = `${notary} itself`
  if (!tools.silent.isRecent(own)) tools.silent.note(own, await fetchOwn(tools, notary), tools.clock.now())
  return isSigned()
}

async function fetchOwn(tools: NotaryTools, serverName: ServerName): Promise<'itself' | undefined> {
  return (await askItself(tools, serverName, false)) ? 'itself' : undefined
}
