import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readSigningKey } from '../../../config/signing-key.ts'
import type { ServerName } from '../../../server/core/ids.ts'
import { generateSigningKey, type SigningKey } from '../../../server/core/signatures.ts'
import { writeCertificate } from '../certificates.ts'
import { type Cluster, type Hopper, type Member, startCluster } from '../cluster.ts'
import type { Files } from '../peers/tls-server.ts'
import { freePort, removeFolder, temporaryFolder } from '../processes.ts'
import { type World, worldFile } from './preloaded.ts'
import { type Cut, type Relay, startRelay } from './relay.ts'
import { type Stored, storedBy } from './stored.ts'

/** A homeserver where people are, that others reach by ways that can be cut. */
export type Place = {
  readonly serverName: ServerName
  readonly register: (name: string) => Promise<Hopper>
  /** What it has of a room on its disk. */
  readonly stored: (roomId: string) => Stored
  /** Where it takes other servers' requests, whatever is cut. */
  readonly federationUrl: () => string
}

/** One of ours, in a process of its own. */
export type Site = Place & {
  readonly cluster: Cluster
  /** Its process. */
  readonly member: Member
  /** Sets its clock off, from now on. */
  readonly skew: (milliseconds: number) => void
  readonly signingKey: () => SigningKey
}

/** A homeserver of another kind, which runs already, and the certificate under which it believes all servers of this machine. */
export type Beside = { readonly place: Place; readonly files: Files }

export type Sites = {
  readonly sites: readonly Site[]
  /** The sites, and behind them the homeserver of another kind. */
  readonly places: readonly Place[]
  /** Cuts the ways that lead from one group of places to another. Those between places of one group stay. */
  readonly part: (groups: readonly (readonly number[])[], how: Cut) => void
  /** Cuts one way alone: one hears the other, who does not hear it. */
  readonly deafen: (from: number, to: number, how: Cut) => void
  /** Opens all ways. */
  readonly heal: () => void
  readonly close: () => Promise<void>
}

type Ways = { readonly of: (from: number, to: number) => Relay; readonly all: () => Iterable<Relay> }
/** The port in a site's name, and the one where it listens: another one where the name leads over a way of those who know no other. */
type Ports = { readonly named: number; readonly listening: number }

const preloaded = pathToFileURL(join(import.meta.dirname, 'preloaded.ts')).href

/** Starts so many homeservers on this machine, each named `localhost` with its port, each with its own clock; perhaps one of another kind is beside them. */
export async function startSites(count: number, skews: readonly number[] = [], beside?: Beside): Promise<Sites> {
  const folder = temporaryFolder('tombolo-sites')
  const files = beside?.files ?? writeCertificate(folder)
  const ports = await Promise.all(Array.from({ length: count }, () => choosePorts(beside !== undefined)))
  const ways = await layWays(ports, beside?.place)

  async function startSite({ named, listening }: Ports, place: number): Promise<Site> {
    const path = join(folder, `world-${place}.json`)
    const others = [...ports.map((port) => port.named), ...(beside ? [portOf(beside.place)] : [])]
    const there = others.flatMap((port, to) => (to === place ? [] : [[port, ways.of(place, to).port]]))
    // Whoever reads it meanwhile finds the one or the other, whole.
    const describe = (world: World) => {
      writeFileSync(`${path}.new`, JSON.stringify(world))
      renameSync(`${path}.new`, path)
    }
    const worldOf = (skewMs: number): World => ({ skewMs, ports: Object.fromEntries(there) })
    describe(worldOf(skews[place] ?? 0))
    const keyFile = join(folder, `signing-${place}.key`)
    const more = configOf({ named, listening }, keyFile, files)
    const env = { [worldFile]: path, NODE_OPTIONS: `--import ${preloaded}` }
    const cluster = (await startCluster('sqlite', 1, more, env)) as Cluster
    const member = cluster.members[0] as Member
    const skew = (milliseconds: number) => {
      describe(worldOf(milliseconds))
      member.running().signal('SIGUSR2')
    }
    const signingKey = () => {
      const { keyId, seed } = readSigningKey(keyFile)
      return generateSigningKey(seed, keyId.slice('ed25519:'.length))
    }
    const { register, databaseFile } = cluster
    const seen = { register, stored: (roomId: string) => storedBy(databaseFile, roomId), federationUrl: () => member.url() }
    return { serverName: `localhost:${named}`, ...seen, cluster, member, skew, signingKey }
  }

  const sites = await Promise.all(ports.map(startSite))
  const places: readonly Place[] = [...sites, ...(beside ? [beside.place] : [])]
  return {
    sites,
    places,
    part: (groups, how) => {
      for (const group of groups)
        for (const from of group) for (const to of places.keys()) if (!group.includes(to)) ways.of(from, to).cut(how)
    },
    deafen: (from, to, how) => ways.of(from, to).cut(how),
    heal: () => {
      for (const way of ways.all()) way.open()
    },
    close: async () => {
      await Promise.all(sites.map(({ cluster }) => cluster.close()))
      await Promise.all([...ways.all()].map((way) => way.close()))
      removeFolder(folder)
    },
  }
}

function configOf({ named, listening }: Ports, keyFile: string, files: Files): object {
  return {
    server_name: `localhost:${named}`,
    signing_key_path: keyFile,
    listeners: [
      { host: '127.0.0.1', port: 0 },
      { serves: ['federation'], host: '127.0.0.1', port: listening, tls_certificate: files.certificate, tls_key: files.key },
    ],
    federation: { ca_file: files.certificate, allow_private_addresses: true },
  }
}

async function choosePorts(isSeenFromElsewhere: boolean): Promise<Ports> {
  const named = await freePort()
  return { named, listening: isSeenFromElsewhere ? await freePort() : named }
}

/** A way from each to each. What a site's name leads to by itself is the way of the homeserver of another kind, which knows no other. */
async function layWays(ports: readonly Ports[], beside: Place | undefined): Promise<Ways> {
  const ways = new Map<string, Relay>()
  for (const [to, { named, listening }] of ports.entries()) {
    for (const from of ports.keys()) if (from !== to) ways.set(`${from} ${to}`, await startRelay(listening))
    if (beside) ways.set(`${ports.length} ${to}`, await startRelay(listening, named))
  }
  if (beside) for (const from of ports.keys()) ways.set(`${from} ${ports.length}`, await startRelay(portOf(beside)))
  return { of: (from, to) => ways.get(`${from} ${to}`) as Relay, all: () => ways.values() }
}

function portOf({ serverName }: Place): number {
  return Number(serverName.split(':')[1])
}
