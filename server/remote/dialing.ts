import type { LookupFunction } from 'node:net'

/** How servers are dialled where it is not as the system would have it: to see what somebody elsewhere sees, or what will be once the DNS says so. */
export type Dialing = {
  /** Finds addresses instead of the system. */
  readonly lookup?: LookupFunction | undefined
  /** Other places for `host:port`; the name that is asked for, and the certificate's, stay the same. */
  readonly routes?: ReadonlyMap<string, Route> | undefined
}
export type Route = { readonly hostname: string; readonly port: number }

/** Where a socket for this host (brackets or none around an IPv6 literal) and port leads. */
export function routeOf({ routes }: Dialing, hostname: string, port: number): Route {
  const bare = hostname.replace(/^\[|\]$/g, '')
  return routes?.get(`${bare}:${port}`) ?? { hostname: bare, port }
}
