import { canonicalJson } from '../core/canonical-json.ts'
import type { ServerName } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { parseStored } from '../core/lossless-json.ts'
import { checkServerKeys, isValidAt, lesser, type ServerKey } from '../core/servers/server-keys.ts'
import { verifySignature } from '../core/signatures.ts'
import { type Database, write } from '../storage/database.ts'
import type { OwnKeys } from './own-keys.ts'
import {
  deleteForgottenKeys,
  insertFormerKey,
  type KeyRow,
  type ResponseRow,
  selectKeys,
  selectResponse,
  upsertKey,
  upsertResponse,
} from './server-keys.store.ts'
import type { Peers } from './signed-request.ts'

export type Wanted = {
  readonly serverName: ServerName
  readonly keyId: string
  /** When it was signed, in milliseconds; undefined where validity is not asked for (events of room versions 1 to 4). */
  readonly at: number | undefined
  /** A request: old keys are no good. */
  readonly forRequest?: boolean
  /** Only a key that is here already: nobody is asked. */
  readonly isHere?: boolean
}
export type KeyRing = {
  /** The public key in Base64, or undefined: there is none, it was not valid then, or nobody could be asked. */
  readonly find: (wanted: Wanted) => Promise<string | undefined>
  /** What a server said of its keys, for those who ask us instead; asked for again unless it is valid until then and names those keys. */
  readonly responsesOf: (serverName: ServerName, minimumValidUntil: number, keyIds?: readonly string[]) => Promise<readonly JsonObject[]>
}

type Kept = ServerKey & { readonly fetchedAt: number }
type Tools = {
  readonly database: Database
  readonly peers: Peers
  readonly serverName: ServerName
  readonly ownKeys: Pick<OwnKeys, 'find'>
  readonly clock: { now(): number }
  /** Servers asked for the keys of others. */
  readonly notaries: readonly ServerName[]
  /** After so long without an answer of the server itself the notaries are asked meanwhile. */
  readonly soonMs?: number
}
/** What is wanted of a server's keys: which, if that is known, and good until when. */
type Question = { readonly serverName: ServerName; readonly keyId: string | undefined; readonly until: number }
/** With which notaries did not answer of late: they are not waited for again for every server. */
type Asking = Tools & { readonly silent: ReturnType<typeof createAttempts> }
type Attempt = {
  readonly at: number
  readonly wait: number
  readonly failures: number
  /** When the server itself last said what its keys are. */
  readonly saidAt: number | undefined
}

const mostServers = 10_000
const mostKeys = 64
/** Questions under way, of strangers' making and for events; beyond them it is as if nobody could be asked. Anybody may name servers that do not answer. */
const mostAsked = 50
/** For so long memory is believed: another process may have heard since that a key is old. */
const believed = 5 * 60_000
const patience = 10_000
const soon = 3000
const mostBytes = 64 * 1024
const betweenAnswers = 60_000
const firstBackOff = 30_000
const longestBackOff = 10 * 60_000
/** Kinds of old keys, as `KeyRow` has them. */
const givenUp = 1
const remembered = 2
/** For so long a server uses the keys that it says it has, however far behind its clock is. */
const usedFor = 3_600_000

/** The keys of other servers: in memory, on disk, from themselves, from notaries; asked for one request a server at a time. */
export function createKeyRing(tools: Tools): KeyRing {
  const { database, clock } = tools
  const { fresh, read } = createMemory(tools)
  const asking = new Map<ServerName, Promise<void>>()
  const underWay = { strangers: 0, events: 0 }
  const attempts = createAttempts(clock)
  const asker: Asking = { ...tools, silent: createAttempts(clock) }

  /** Asks for a server's keys, of itself alone or of notaries too, unless that was just done; resolves when what came of it is on disk. */
  function refresh(question: Question, whose: keyof typeof underWay, alsoNotaries: boolean): Promise<void> {
    const { serverName } = question
    const alone = `${serverName} itself`
    const name = alsoNotaries ? serverName : alone
    const under = asking.get(name)
    if (under !== undefined) return under
    if (underWay[whose] >= mostAsked || attempts.isRecent(name)) return Promise.resolve()
    underWay[whose]++
    const from = clock.now()
    const asked = fetchKeys(alsoNotaries ? asker : { ...asker, notaries: [] }, question)
      .catch(() => undefined)
      .then((by) => {
        attempts.note(name, by, from)
        if (by === 'itself') attempts.note(alsoNotaries ? alone : serverName, by, from)
      })
      .finally(() => {
        asking.delete(name)
        underWay[whose]--
      })
    asking.set(name, asked)
    return asked
  }

  const pick = (keys: readonly Kept[], wanted: Wanted) => chooseNow(keys, wanted, clock.now(), attempts.saidAt(wanted.serverName))

  return {
    find: async (wanted) => {
      const { serverName, keyId, at, isHere = false } = wanted
      if (serverName === tools.serverName) return tools.ownKeys.find(wanted)
      const remembered = pick(fresh(serverName), wanted)
      if (remembered !== undefined) return remembered
      const stored = await read(serverName)
      const found = pick(stored, wanted)
      if (found !== undefined || isHere) return found
      // Whoever speaks to us can be asked: strangers with names of their own choice make this server tell no notary of them.
      const question = { serverName, keyId, until: at ?? clock.now() }
      await (wanted.forRequest ? refresh(question, 'strangers', stored.length > 0) : refresh(question, 'events', true))
      return pick(await read(serverName), wanted)
    },
    responsesOf: async (serverName, minimumValidUntil, keyIds = []) => {
      const until = Math.max(minimumValidUntil, clock.now())
      const before = await database.selectOne(selectResponse, serverName)
      const keyId = keyIds.find((wanted) => !names(before, wanted))
      if (keyId !== undefined || endOf(before) < until) await refresh({ serverName, keyId, until }, 'strangers', false)
      const row = await database.selectOne(selectResponse, serverName)
      return row === undefined ? [] : [parseStored(row.response) as JsonObject]
    },
  }
}

/** The keys that were read last. */
function createMemory({ database, clock }: Tools) {
  const known = new Map<ServerName, { readonly keys: readonly Kept[]; readonly readAt: number }>()
  return {
    fresh: (serverName: ServerName): readonly Kept[] => {
      const memory = known.get(serverName)
      return memory !== undefined && clock.now() < memory.readAt + believed ? memory.keys : []
    },
    read: async (serverName: ServerName): Promise<readonly Kept[]> => {
      const keys = (await database.select(selectKeys, serverName)).map(keptOf)
      known.delete(serverName)
      known.set(serverName, { keys, readAt: clock.now() })
      if (known.size > mostServers) known.delete(known.keys().next().value as ServerName)
      return keys
    },
  }
}

/** What came of asking servers for their keys, of those that were asked last. */
function createAttempts(clock: Tools['clock']) {
  const attempts = new Map<ServerName, Attempt>()
  return {
    saidAt: (serverName: ServerName) => attempts.get(serverName)?.saidAt,
    /** Whether a server was asked so shortly before that it is to be left alone. A clock that was set back counts no longer. */
    isRecent: (serverName: ServerName): boolean => {
      const last = attempts.get(serverName)
      return last !== undefined && clock.now() >= last.at && clock.now() < last.at + last.wait
    },
    forget: (serverName: ServerName): void => void attempts.delete(serverName),
    note: (serverName: ServerName, by: Parameters<typeof attemptOf>[0], from: number): void => {
      const attempt = attemptOf(by, from, clock.now(), attempts.get(serverName))
      attempts.delete(serverName)
      attempts.set(serverName, attempt)
      if (attempts.size > mostServers) attempts.delete(attempts.keys().next().value as ServerName)
    },
  }
}

function endOf(row: ResponseRow | undefined): number {
  return row === undefined ? 0 : lesser(row.valid_until, row.fetched_at)
}

function names(row: ResponseRow | undefined, keyId: string): boolean {
  const { verify_keys: keys, old_verify_keys: old }: JsonObject = row === undefined ? {} : (parseStored(row.response) as JsonObject)
  return [keys, old].some((some) => isJsonObject(some) && Object.hasOwn(some, keyId))
}

function keptOf(row: KeyRow): Kept {
  const { key_id: keyId, key, until, is_old, fetched_at: fetchedAt } = row
  return { keyId, key, until, isOld: is_old !== 0, fetchedAt }
}

function attemptOf(by: 'itself' | 'notary' | undefined, from: number, at: number, last: Attempt | undefined): Attempt {
  if (by !== undefined) return { at, wait: betweenAnswers, failures: 0, saidAt: by === 'itself' ? from : undefined }
  const failures = (last?.failures ?? 0) + 1
  const wait = Math.min(firstBackOff * 2 ** Math.min(failures - 1, 10), longestBackOff)
  return { at, wait, failures, saidAt: last?.saidAt }
}

/** For a request, a key is good too that its server has just shown. */
function chooseNow(keys: readonly Kept[], wanted: Wanted, now: number, saidAt: number | undefined): string | undefined {
  const { at = 0, forRequest = false } = wanted
  const found = choose(keys, wanted)
  if (found !== undefined || !forRequest || saidAt === undefined || at > now || Math.abs(now - saidAt) >= usedFor) return found
  const shown = keys.filter(({ fetchedAt }) => fetchedAt >= saidAt)
  return choose(shown, { ...wanted, at: undefined })
}

function choose(keys: readonly Kept[], { keyId, at, forRequest = false }: Wanted): string | undefined {
  const found = keys.find((key) => key.keyId === keyId)
  if (found === undefined || (forRequest && found.isOld)) return undefined
  return at === undefined || isValidAt(found, found.fetchedAt, at) ? found.key : undefined
}

/** Asks the server itself, and the notaries where it does not answer, or not soon; who knew, if anybody. */
async function fetchKeys(tools: Asking, question: Question): Promise<'itself' | 'notary' | undefined> {
  const itself = askItself(tools, question.serverName)
  const isSlow = tools.notaries.length > 0 && (await takesLong(itself, tools.soonMs ?? soon))
  if (!isSlow && (await itself)) return 'itself'
  const notaries = askNotaries(tools, question)
  if (!isSlow) return (await notaries) ? 'notary' : undefined
  const first = await Promise.race([
    itself.then((knew) => (knew ? 'itself' : undefined)),
    notaries.then((knew) => (knew ? 'notary' : undefined)),
  ])
  return first ?? ((await itself) ? 'itself' : (await notaries) ? 'notary' : undefined)
}

function takesLong(asked: Promise<unknown>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), milliseconds)
    const done = () => {
      clearTimeout(timer)
      resolve(false)
    }
    asked.then(done, done)
  })
}

async function askItself(tools: Tools, serverName: ServerName): Promise<boolean> {
  const answer = await tools.peers.fetchUnsigned({
    destination: serverName,
    method: 'GET',
    uri: '/_matrix/key/v2/server',
    limit: mostBytes,
    timeoutMs: patience,
  })
  return answer.ok && answer.status === 200 && (await keep(tools, serverName, answer.body, true))
}

async function askNotaries(tools: Asking, question: Question): Promise<boolean> {
  let knew = false
  for (const notary of tools.notaries) {
    if (notary === question.serverName || tools.silent.isRecent(notary)) continue
    if (await askNotary(tools, notary, question)) knew = true
    if (knew && (await isHere(tools, question))) break
  }
  return knew
}

/** Whether the key that is wanted is known, and good for so long. */
async function isHere({ database }: Tools, { serverName, keyId, until }: Question): Promise<boolean> {
  const keys = (await database.select(selectKeys, serverName)).map(keptOf)
  return keyId === undefined ? keys.length > 0 : choose(keys, { serverName, keyId, at: until }) !== undefined
}

/**
 * Asks for all keys that a notary knows of a server, as one that is gone may have had several; some then tell what they have, and look for more only where
 * a key is named. One that does not answer rests half a minute and no longer: it may have waited for a server that keeps everybody waiting.
 * https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server
 */
async function askNotary(tools: Asking, notary: ServerName, question: Question): Promise<boolean> {
  const { serverName, keyId, until } = question
  const all = await query(tools, notary, serverName, {})
  tools.silent.forget(notary)
  if (all === undefined) tools.silent.note(notary, undefined, tools.clock.now())
  if (all === undefined || keyId === undefined || (await isHere(tools, question))) return all ?? false
  return (await query(tools, notary, serverName, { [keyId]: { minimum_valid_until_ts: until } })) || all
}

/** Whether a notary told something; undefined where it did not answer. */
async function query(tools: Asking, notary: ServerName, serverName: ServerName, wanted: JsonObject): Promise<boolean | undefined> {
  const answer = await tools.peers.fetchJson({
    destination: notary,
    method: 'POST',
    uri: '/_matrix/key/v2/query',
    content: { server_keys: { [serverName]: wanted } },
    limit: mostBytes,
    timeoutMs: patience,
  })
  if (!answer.ok) return undefined
  const said = answer.status === 200 ? answer.body['server_keys'] : undefined
  const responses = (Array.isArray(said) ? said : []).filter(isJsonObject)
  let found = false
  for (const response of responses.toSorted((a, b) => Number(b['valid_until_ts']) - Number(a['valid_until_ts']))) {
    // The connection shows that it is the notary; its signature lets others check that it was.
    if ((await isSignedBy(tools, notary, response)) && (await keep(tools, serverName, response, false))) found = true
  }
  return found
}

/** Whether a notary signed this; it is asked for its own keys where none of those known did, as it may have a new one. */
async function isSignedBy(tools: Asking, notary: ServerName, response: JsonObject): Promise<boolean> {
  const isSigned = async () =>
    (await tools.database.select(selectKeys, notary)).some(({ key_id: keyId, key }) => verifySignature(response, notary, keyId, key))
  if (await isSigned()) return true
  const own = `${notary} itself`
  if (!tools.silent.isRecent(own)) tools.silent.note(own, await fetchOwn(tools, notary), tools.clock.now())
  return isSigned()
}

async function fetchOwn(tools: Asking, serverName: ServerName): Promise<'itself' | undefined> {
  return (await askItself(tools, serverName)) ? 'itself' : undefined
}

/**
 * Stores what a server says of its keys; false when it is not to be believed. Of what others tell that is older than what is known, keys count that nobody
 * knew, and as old ones: a key that the server has given up is not in use again. Only the server itself, over TLS, where nobody can repeat what it said once,
 * may say of one that was told like that that it is in use.
 */
async function keep({ database, clock }: Tools, serverName: ServerName, response: JsonObject, byItself: boolean): Promise<boolean> {
  const checked = checkServerKeys(response, serverName)
  if (checked === undefined) return false
  const before = await database.selectOne(selectResponse, serverName)
  const now = clock.now()
  const forget = write(deleteForgottenKeys, serverName, serverName, mostKeys)
  if (!byItself && before !== undefined && before.valid_until > checked.validUntil) {
    const former = checked.keys.map(({ keyId, key, until, isOld }) =>
      write(insertFormerKey, serverName, keyId, key, until, isOld ? givenUp : remembered, now),
    )
    await database.commit({ writes: [...former, forget] })
    return true
  }
  const orKind = byItself ? remembered : 0
  const keys = checked.keys.map(({ keyId, key, until, isOld }) =>
    write(upsertKey, serverName, keyId, key, until, isOld ? givenUp : 0, now, orKind),
  )
  const said = write(upsertResponse, serverName, checked.validUntil, now, Buffer.from(canonicalJson(response)))
  await database.commit({ writes: [...keys, forget, said] })
  return true
}
