import type { Service } from './discovery.ts'

/**
 * Asks the DNS for SRV records; fails where there is no answer in time. Both services of a server that are looked for in turn have to take less than a
 * request for its keys waits, or a server would never be believed where such questions are dropped on the way.
 */
export async function resolveSrv(name: string, patienceMs = 4000, servers?: readonly string[]): Promise<readonly Service[]> {
  const { Resolver } = await import('node:dns/promises')
  const resolver = new Resolver({ timeout: 2000, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  const timer = setTimeout(() => resolver.cancel(), patienceMs)
  try {
    return await resolver.resolveSrv(name)
  } finally {
    clearTimeout(timer)
  }
}
