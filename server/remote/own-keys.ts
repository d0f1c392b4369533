import { encodeBase64 } from '../core/base64.ts'
import type { SigningKey } from '../core/signatures.ts'
import { type Database, write } from '../storage/database.ts'
import { endOtherKeys, extendOwnKey, insertOwnKey, selectOwnKeys, selectUsedKeys, updateUsed } from './own-keys.store.ts'

/**
 * A key of this server; `until` is when it is used last, which lies ahead where another process may still sign with it, and undefined for one in use.
 * The public half in unpadded Base64.
 */
export type OwnKey = { readonly keyId: string; readonly key: string; readonly until: number | undefined }

/** The keys of this server: the one of this process, those of its other processes, and those before. */
export type OwnKeys = {
  /** Those in use first, this process's at the head of them; then the old ones, the latest first. */
  readonly list: () => Promise<readonly OwnKey[]>
  /** As `KeyRing.find` has it for the keys of others. */
  readonly find: (wanted: {
    readonly keyId: string
    readonly at: number | undefined
    readonly forRequest?: boolean
  }) => Promise<string | undefined>
  /** Notes that this process signs on, also where another one has a newer key already; to be called every minute. */
  readonly keepUp: () => Promise<void>
}

type Former = { readonly keyId: string; readonly key: string }
type Tools = {
  readonly database: Database
  readonly clock: { now(): number }
  readonly log: { warn(message: string, fields: Record<string, string>): void }
  readonly signingKey: SigningKey
  /** Those that the key's file lists below it. */
  readonly former: readonly Former[]
  /** Those that the configuration says the last word of. */
  readonly declared: readonly (Former & { readonly until: number })[]
}

/** For so long after it last said so a process may sign under a key that others of its server have given up. */
const lasts = 10 * 60_000
/** So often it is noted when a key signs: so much later than the last note it may have signed too. */
const betweenNotes = 10 * 60_000
/** "Servers MUST use the lesser of this field and 7 days into the future": what was signed further ahead than that nobody believed. */
const furthestAhead = 7 * 24 * 3_600_000
/** Others refuse a list that is too long. */
const mostOld = 24

/**
 * The file says which key signs, the database remembers the others: a key that is not the file's any more ends when this process starts, or, where others
 * may still sign with it, soon after the last of them has ended. Throws in words for the operator when the key is one that has ended.
 */
export async function openOwnKeys(tools: Tools): Promise<OwnKeys> {
  const { database, clock, log, signingKey } = tools
  const { keyId } = signingKey
  const own = encodeBase64(signingKey.publicKey)
  await takeUp(tools, own)
  let isBehind = false
  const noteUse = createNotes(tools)

  async function list(): Promise<readonly OwnKey[]> {
    const rows = await database.select(selectOwnKeys)
    const said = new Set([keyId, ...tools.declared.map((one) => one.keyId)])
    const others = rows
      .filter((row) => !said.has(row.key_id))
      .map(({ key_id, key, until }) => ({ keyId: key_id, key, until: until ?? undefined }))
    const old = [...others, ...tools.declared].filter((one): one is OwnKey & { until: number } => one.until !== undefined)
    const latest = old.toSorted((a, b) => b.until - a.until).slice(0, mostOld)
    return [{ keyId, key: own, until: undefined }, ...others.filter(({ until }) => until === undefined), ...latest]
  }

  return {
    list,
    find: async (wanted) => {
      if (wanted.keyId === keyId) return own
      const found = (await list()).find((one) => one.keyId === wanted.keyId)
      if (found === undefined || found.until === undefined || found.until > clock.now()) return found?.key
      return wanted.forRequest !== true && (wanted.at === undefined || wanted.at <= found.until) ? found.key : undefined
    },
    keepUp: async () => {
      await noteUse()
      if (!database.shared) return
      const row = (await database.select(selectOwnKeys)).find((one) => one.key_id === keyId)
      if (row === undefined || row.until === null) return
      if (!isBehind)
        log.warn('this process signs with a key that another one has given up: start it again, with the new one', { key: keyId })
      isBehind = true
      const until = clock.now() + lasts
      if (row.until < until - lasts / 2) await database.commit({ writes: [write(extendOwnKey, until, keyId, until)] })
    },
  }
}

/** Notes now and then when the key is used, and at once when the clock was set back: what it signed before is of a later time. */
function createNotes({ database, clock, signingKey: { keyId } }: Tools): () => Promise<void> {
  let highest = 0
  let noted = 0
  return async () => {
    const now = clock.now()
    const wasSetBack = now < highest
    highest = Math.max(highest, now)
    if (highest <= noted || (!wasSetBack && now < noted + betweenNotes)) return
    await database.commit({ writes: [write(updateUsed, highest, keyId, highest)] })
    noted = highest
  }
}

/** Notes the key of this process, and that those it does not know of have ended. */
async function takeUp({ database, clock, log, signingKey: { keyId }, former, declared }: Tools, own: string): Promise<void> {
  const now = clock.now()
  const rows = await database.select(selectOwnKeys)
  const row = rows.find((one) => one.key_id === keyId)
  const again = 'or make a new one: npm run rotate-key'
  if (declared.some((one) => one.keyId === keyId)) {
    throw new Error(`old_signing_keys names ${keyId}, with which this server is to sign: take it out there, ${again}`)
  }
  if (row !== undefined && row.key !== own) {
    throw new Error(`another key of the name ${keyId} was used before, and others remember it: give that back from the backup, ${again}`)
  }
  if (row !== undefined && row.until !== null && (!database.shared || row.until <= now)) {
    const when = new Date(row.until).toISOString()
    throw new Error(
      `the signing key ${keyId} was given up for a newer one at ${when}, and others were told: give back the newer one, ${again}`,
    )
  }
  const isNewest = row === undefined || row.until === null
  const ended = isNewest ? rows.filter((one) => one.until === null && one.key_id !== keyId) : []
  const until = Math.max(now + (database.shared ? lasts : 0), await endOfUse(database, ended, now))
  const unknown = former.filter((one) => one.keyId !== keyId && !rows.some(({ key_id }) => key_id === one.keyId))
  if (row !== undefined && ended.length === 0 && unknown.length === 0) return
  await database.commit({
    writes: [
      write(insertOwnKey, keyId, own, null),
      ...unknown.map((one) => write(insertOwnKey, one.keyId, one.key, until)),
      ...(ended.length > 0 ? [write(endOtherKeys, until, keyId)] : []),
    ],
  })
  for (const { key_id: key } of ended)
    log.warn('a new key signs from now on; the one before is told to others as an old one', { key, by: keyId })
}

/** Until when keys may have signed by a clock that was ahead of this one; 0 where none was. */
async function endOfUse({ select }: Database, keys: readonly { readonly key_id: string }[], now: number): Promise<number> {
  if (keys.length === 0) return 0
  const used = (await select(selectUsedKeys)).filter(({ key_id }) => keys.some((one) => one.key_id === key_id)).map((row) => row.used)
  const last = Math.max(0, ...used)
  return last <= now ? 0 : Math.min(last + betweenNotes, now + furthestAhead)
}
