import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ServerName } from '../../../server/core/ids.ts'
import { writeCertificate } from '../certificates.ts'
import { type Cluster, type Member, startCluster } from '../cluster.ts'
import { freePort, removeFolder, temporaryFolder } from '../processes.ts'
import { type World, worldFile } from './preloaded.ts'
import { type Cut, type Relay, startRelay } from './relay.ts'

/** A homeserver in a process of its own, that others reach by ways that can be cut. */
export type Site = {
  readonly serverName: ServerName
  readonly cluster: Cluster
  /** Its process. */
  readonly member: Member
  /** Sets its clock off, from now on. */
  readonly skew: (milliseconds: number) => void
}

export type Sites = {
  readonly sites: readonly Site[]
  /** Cuts the ways that lead from one group of sites to another, by their places. Those between sites of one group stay. */
  readonly part: (groups: readonly (readonly number[])[], how: Cut) => void
  /** Cuts one way alone: one hears the other, who does not hear it. */
  readonly deafen: (from: number, to: number, how: Cut) => void
  /** Opens all ways. */
  readonly heal: () => void
  readonly close: () => Promise<void>
}

const preloaded = pathToFileURL(join(import.meta.dirname, 'preloaded.ts')).href

/** Starts so many homeservers on this machine, each named `localhost` with its port, each with its own clock. */
export async function startSites(count: number, skews: readonly number[] = []): Promise<Sites> {
  const folder = temporaryFolder('tombolo-sites')
  const files = writeCertificate(folder)
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  const ways = new Map<string, Relay>()
  for (const from of ports.keys())
    for (const [to, port] of ports.entries()) if (from !== to) ways.set(`${from} ${to}`, await startRelay(() => port))
  const wayOf = (from: number, to: number) => ways.get(`${from} ${to}`) as Relay

  async function startSite(port: number, place: number): Promise<Site> {
    const path = join(folder, `world-${place}.json`)
    const there = ports.flatMap((one, to) => (to === place ? [] : [[one, wayOf(place, to).port]]))
    // Whoever reads it meanwhile finds the one or the other, whole.
    const describe = (world: World) => {
      writeFileSync(`${path}.new`, JSON.stringify(world))
      renameSync(`${path}.new`, path)
    }
    const worldOf = (skewMs: number): World => ({ skewMs, ports: Object.fromEntries(there) })
    describe(worldOf(skews[place] ?? 0))
    const more = {
      server_name: `localhost:${port}`,
      listeners: [
        { host: '127.0.0.1', port: 0 },
        { serves: ['federation'], host: '127.0.0.1', port, tls_certificate: files.certificate, tls_key: files.key },
      ],
      federation: { ca_file: files.certificate, allow_private_addresses: true },
    }
    const env = { [worldFile]: path, NODE_OPTIONS: `--import ${preloaded}` }
    const cluster = (await startCluster('sqlite', 1, more, env)) as Cluster
    const member = cluster.members[0] as Member
    const skew = (milliseconds: number) => {
      describe(worldOf(milliseconds))
      member.running().signal('SIGUSR2')
    }
    return { serverName: `localhost:${port}`, cluster, member, skew }
  }

  const sites = await Promise.all(ports.map(startSite))
  return {
    sites,
    part: (groups, how) => {
      for (const group of groups) for (const from of group) for (const to of ports.keys()) if (!group.includes(to)) wayOf(from, to).cut(how)
    },
    deafen: (from, to, how) => wayOf(from, to).cut(how),
    heal: () => {
      for (const way of ways.values()) way.open()
    },
    close: async () => {
      await Promise.all(sites.map(({ cluster }) => cluster.close()))
      await Promise.all([...ways.values()].map((way) => way.close()))
      removeFolder(folder)
    },
  }
}
