import { lookup as lookUpName } from 'node:dns'
import { lookup, Resolver } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import type { Service } from './discovery.ts'

/** What the DNS says of names. */
export type Names = {
  /** The addresses of a name, as a connection to it would find them; empty where it has none. Rejects when nobody could be asked. */
  readonly addresses: (name: string) => Promise<readonly string[]>
  /** The SRV records of a name. Rejects when nobody could be asked. */
  readonly services: (name: string) => Promise<readonly Service[]>
  /** Finds addresses as `addresses` does; undefined where that is the system's own way. */
  readonly lookup: LookupFunction | undefined
}

const patience = { timeout: 2000, tries: 2 }
const nothing: readonly unknown[] = ['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA']

/** Asks the system, or one resolver (`1.1.1.1`, `127.0.0.1:5353`) alone. */
export function createNames(server: string | undefined): Names {
  const resolver = new Resolver(patience)
  if (server !== undefined) resolver.setServers([server])
  const services = (name: string) => orNone(resolver.resolveSrv(name))
  if (server === undefined) {
    const find = async (name: string) => (await orNone(lookup(name, { all: true }))).map(({ address }) => address)
    return { addresses: find, services, lookup: undefined }
  }
  const addresses = async (name: string) => (await Promise.all([orNone(resolver.resolve4(name)), orNone(resolver.resolve6(name))])).flat()
  return { addresses, services, lookup: lookupOver(addresses) }
}

async function orNone<T>(asked: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await asked
  } catch (error) {
    if (nothing.includes((error as { code?: unknown }).code)) return []
    throw error
  }
}

/** Names of this machine stay the system's. */
function lookupOver(addresses: (name: string) => Promise<readonly string[]>): LookupFunction {
  return (name, options, callback) => {
    if (name === 'localhost') return void lookUpName(name, options, callback)
    addresses(name).then(
      (all) => {
        const found = all.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
        const first = found[0]
        if (first === undefined) callback(Object.assign(new Error(`${name} has no address`), { code: 'ENOTFOUND' }), '')
        else if (options.all) callback(null, found)
        else callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    )
  }
}
