import type { RoomId, ServerName } from '../../core/ids.ts'
import { MatrixError } from '../../core/matrix-error.ts'
import type { Home } from '../../home.ts'
import type { Wanted } from '../../remote/kept-keys.ts'
import type { KeyRing } from '../../remote/key-ring.ts'

/** The servers of which a key was wanted that nobody told. */
export type UnknownKeys = { readonly keyRing: KeyRing; readonly servers: ReadonlySet<ServerName> }

const mostNamed = 5

/** Finds keys as before, and notes whose are not to be had. */
export function notingUnknown(keyRing: KeyRing): UnknownKeys {
  const left = new Map<string, ServerName>()
  const find = async (wanted: Wanted) => {
    const found = await keyRing.find(wanted)
    if (found !== undefined && left.size === 0) return found
    const name = `${wanted.serverName} ${wanted.keyId} ${wanted.at}`
    if (found === undefined) left.set(name, wanted.serverName)
    else left.delete(name)
    return found
  }
  return {
    keyRing: { ...keyRing, find },
    get servers() {
      return new Set(left.values())
    },
  }
}

/** Judges a room that is to be entered: should it fall short where keys were not to be had, the refusal says whose, and what helps. */
export function sayingUnknown(servers: ReadonlySet<ServerName>, judge: () => void): void {
  try {
    judge()
  } catch (error) {
    if (servers.size === 0 || !(error instanceof MatrixError)) throw error
    const hint = 'whoever runs this server can name one that remembers them in federation.trusted_key_servers'
    throw new MatrixError(
      error.status,
      error.errcode,
      `${error.message}; what ${named(servers)} signed cannot be checked, since nobody told this server the keys: ${hint}`,
    )
  }
}

/** Tells the operator of what was left out of a room for want of keys. */
export function logUnknown({ log }: Pick<Home, 'log'>, roomId: RoomId, servers: ReadonlySet<ServerName>): void {
  if (servers.size === 0) return
  const fields = { room: roomId, servers: named(servers), key: 'federation.trusted_key_servers' }
  log.warn('a room was entered without what was signed by servers whose keys nobody told', fields)
}

function named(servers: ReadonlySet<ServerName>): string {
  const some = [...servers].slice(0, mostNamed).join(', ')
  return servers.size > mostNamed ? `${some} and ${servers.size - mostNamed} more` : some
}
