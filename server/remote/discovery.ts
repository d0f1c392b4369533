import { isIPv4 } from 'node:net'
import { isServerName, type ServerName } from '../core/ids.ts'
import type { WellKnown } from './well-known.ts'

/** Where a server is reached, and as whom: the certificate has to be `host`'s. */
export type Place = {
  /** `https://host:port` of the socket. */
  readonly origin: string
  /** The `Host` header; its hostname is what the certificate is checked for. */
  readonly host: string
}
export type Service = { readonly name: string; readonly port: number; readonly priority: number; readonly weight: number }
export type Discovery = {
  /** The places to try, the best first; none when the name leads nowhere. */
  readonly find: (serverName: ServerName) => Promise<readonly Place[]>
}

type Tools = {
  readonly wellKnown: WellKnown
  /** SRV records of a name; fails or gives none where there are none. */
  readonly resolveSrv: (name: string) => Promise<readonly Service[]>
  readonly clock: { now(): number }
}

const defaultPort = 8448
const keptFor = 5 * 60_000
/** Where the DNS or the well-known file could not be asked, as before the network is there. */
const keptUnsure = 15_000
const mostKept = 10_000
const mostPlaces = 10
const saysNone: readonly unknown[] = ['ENOTFOUND', 'ENODATA']

/** Finds servers by their names. https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names */
export function createDiscovery(tools: Tools): Discovery {
  const known = new Map<ServerName, { readonly places: Promise<readonly Place[]>; until: number }>()
  return {
    find: (serverName) => {
      const kept = known.get(serverName)
      if (kept !== undefined && tools.clock.now() < kept.until) return kept.places
      const found = findPlaces(tools, serverName)
      const fresh = { places: found.then(({ places }) => places), until: Number.POSITIVE_INFINITY }
      const keepFor = (milliseconds: number) => {
        fresh.until = tools.clock.now() + milliseconds
      }
      found.then(
        ({ isSure }) => keepFor(isSure ? keptFor : keptUnsure),
        () => keepFor(keptUnsure),
      )
      known.delete(serverName)
      known.set(serverName, fresh)
      if (known.size > mostKept) known.delete(known.keys().next().value as ServerName)
      return fresh.places
    },
  }
}

/** `isSure` is false where somebody who may know better could not be asked. */
type Found = { readonly places: readonly Place[]; readonly isSure: boolean }

async function findPlaces(tools: Tools, serverName: ServerName): Promise<Found> {
  const name = splitServerName(serverName)
  if (name === undefined) return { places: [], isSure: true }
  // 1. "If the hostname is an IP literal, then that IP address should be used, together with the given port number, or 8448 if no port is given."
  // 2. "If … the server name includes an explicit port, resolve the hostname to an IP address using CNAME, AAAA or A records."
  if (isLiteral(name.hostname) || name.port !== undefined) return { places: [placeOf(name)], isSure: true }
  // 3. "A regular HTTPS request is made to https://<hostname>/.well-known/matrix/server."
  const delegated = await tools.wellKnown.delegated(name.hostname)
  const to = delegated.to === undefined ? undefined : splitServerName(delegated.to)
  if (to !== undefined && (isLiteral(to.hostname) || to.port !== undefined)) return { places: [placeOf(to)], isSure: true }
  const found = await placesByDns(tools, (to ?? name).hostname)
  return { ...found, isSure: found.isSure && delegated.isSure }
}

/** SRV records under the registered name, then under the old one, then port 8448. The certificate is always that of the name itself. */
async function placesByDns({ resolveSrv }: Tools, hostname: string): Promise<Found> {
  let isSure = true
  for (const service of ['_matrix-fed._tcp', '_matrix._tcp']) {
    const found = await resolveSrv(`${service}.${hostname}`).catch((error: NodeJS.ErrnoException) => {
      if (!saysNone.includes(error.code)) isSure = false
      return []
    })
    const usable = found.filter(({ name, port }) => name !== '' && name !== '.' && isServerName(name) && port > 0 && port <= 65_535)
    const best = usable.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight).slice(0, mostPlaces)
    const places = best.map(({ name, port }) => ({ origin: `https://${name}:${port}`, host: hostname }))
    if (places.length > 0) return { places, isSure }
  }
  return { places: [placeOf({ hostname, port: undefined })], isSure }
}

function placeOf({ hostname, port }: Name): Place {
  return { origin: `https://${hostname}:${port ?? defaultPort}`, host: port === undefined ? hostname : `${hostname}:${port}` }
}

type Name = { readonly hostname: string; readonly port: number | undefined }

/** A server name's parts; undefined for what is no server name, and for a port that is none. */
export function splitServerName(serverName: string): Name | undefined {
  if (!isServerName(serverName)) return undefined
  const [, hostname, digits] = /^(\[[^\]]*\]|[^:]*)(?::([0-9]+))?$/.exec(serverName) ?? []
  const port = digits === undefined ? undefined : Number(digits)
  if (hostname === undefined || hostname === '' || (port !== undefined && (port < 1 || port > 65_535))) return undefined
  return { hostname, port }
}

function isLiteral(hostname: string): boolean {
  return hostname.startsWith('[') || isIPv4(hostname)
}
