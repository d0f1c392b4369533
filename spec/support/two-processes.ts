import postgres from 'postgres'
import { type Cluster, type Hopper, startCluster } from './cluster.ts'
import { compare, createJournal, type Journal, type SeenEvent } from './journal.ts'
import { makeRoom } from './load.ts'
import { type SyncReader, startReader } from './sync-reader.ts'

/** Many writers in one room of a homeserver of two processes, and three who read it: by the first, by the second, by both in turn. */
export type Scene = {
  readonly cluster: Cluster
  readonly journal: Journal
  readonly owner: Hopper
  readonly writers: readonly Hopper[]
  readonly roomId: string
  readonly readers: Readonly<Record<string, SyncReader>>
  /** Waits for the readers and compares all with the journal; gives the room as it is kept. */
  check(): Promise<SeenEvent[]>
}

/** Undefined where there is no PostgreSQL. Close its cluster when it is over. */
export async function openHotRoom(writerCount: number): Promise<Scene | undefined> {
  const cluster = await startCluster('postgres', 2)
  if (!cluster) return undefined
  const everyone = await Promise.all(Array.from({ length: writerCount + 1 }, (_, place) => cluster.register(`writer-${place}`)))
  const [owner, ...writers] = everyone as [Hopper, ...Hopper[]]
  const roomId = await makeRoom(owner, writers)
  const journal = createJournal()
  const readers = {
    'who syncs by the first': startReader(owner, { member: () => 0 }),
    'who syncs by the second': startReader(owner, { member: () => 1 }),
    'who hops': startReader(owner, { member: (turn) => turn, timeout: 100 }),
  }
  return {
    cluster,
    journal,
    owner,
    writers,
    roomId,
    readers,
    async check() {
      for (const reader of Object.values(readers)) await reader.untilCaughtUp()
      const timelines = Object.fromEntries(Object.entries(readers).map(([name, reader]) => [name, reader.timelines]))
      return (await compare(journal, owner, timelines)).get(roomId) ?? []
    },
  }
}

/** Cuts the connections over which the processes write, as a failing network or a failover would; gives how many. */
export async function cutWriters(databaseUrl: string): Promise<number> {
  const url = new URL(databaseUrl)
  const host = url.searchParams.get('host')
  const user = url.searchParams.get('user')
  for (const key of ['host', 'user']) url.searchParams.delete(key)
  const sql = postgres(url.href, { max: 1, onnotice: () => undefined, ...(host && { host }), ...(user && { username: user }) })
  try {
    const cut = await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'tombolo-%-%' AND pid <> pg_backend_pid()`
    return cut.length
  } finally {
    await sql.end()
  }
}
