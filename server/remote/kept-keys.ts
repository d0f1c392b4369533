import type { ServerName } from '../core/ids.ts'
import { isValidAt, type ServerKey } from '../core/servers/server-keys.ts'
import type { Database } from '../storage/database.ts'
import { type KeyRow, selectKeys } from './server-keys.store.ts'

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

/** A key of another server as it is stored. */
export type Kept = ServerKey & {
  readonly fetchedAt: number
  /** Strangers alone have named it, and no event. */
  readonly isStrangers: boolean
}

const mostServers = 10_000
/** For so long memory is believed: another process may have heard since that a key is old. */
const believed = 5 * 60_000
/** For so long a server uses the keys that it says it has, however far behind its clock is. */
const usedFor = 3_600_000

/** The keys that were read last. */
export function createMemory({ database, clock }: { readonly database: Pick<Database, 'select'>; readonly clock: { now(): number } }) {
  const known = new Map<ServerName, { readonly keys: readonly Kept[]; readonly readAt: number }>()
  return {
    fresh: (serverName: ServerName): readonly Kept[] => {
      const memory = known.get(serverName)
      const isFresh = memory !== undefined && clock.now() >= memory.readAt && clock.now() < memory.readAt + believed
      return isFresh ? memory.keys : []
    },
    read: async (serverName: ServerName): Promise<readonly Kept[]> => {
      const keys = await readKeys(database, serverName)
      known.delete(serverName)
      known.set(serverName, { keys, readAt: clock.now() })
      if (known.size > mostServers) known.delete(known.keys().next().value as ServerName)
      return keys
    },
  }
}

export async function readKeys({ select }: Pick<Database, 'select'>, serverName: ServerName): Promise<Kept[]> {
  return (await select(selectKeys, serverName)).map(keptOf)
}

function keptOf(row: KeyRow): Kept {
  const { key_id: keyId, key, until, is_old, fetched_at: fetchedAt, stranger } = row
  return { keyId, key, until, isOld: is_old !== 0, fetchedAt, isStrangers: stranger === 1 }
}

/** For a request, a key is good too that its server has just shown. */
export function chooseNow(keys: readonly Kept[], wanted: Wanted, now: number, saidAt: number | undefined): string | undefined {
  const { at = 0, forRequest = false } = wanted
  const found = choose(keys, wanted)
  if (found !== undefined || !forRequest || saidAt === undefined || at > now || Math.abs(now - saidAt) >= usedFor) return found
  const shown = keys.filter(({ fetchedAt }) => fetchedAt >= saidAt)
  return choose(shown, { ...wanted, at: undefined })
}

/** The key that is wanted, where it is among them and good for that. */
export function choose(keys: readonly Kept[], { keyId, at, forRequest = false }: Wanted): string | undefined {
  const found = keys.find((key) => key.keyId === keyId)
  if (found === undefined || (forRequest && found.isOld)) return undefined
  return at === undefined || isValidAt(found, found.fetchedAt, at) ? found.key : undefined
}
