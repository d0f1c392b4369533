import { type ServerName, serverNameOf, type UserId } from '../../core/ids.ts'
import type { Home } from '../../home.ts'
import type { Reader } from '../../slice.ts'
import { write } from '../../storage/database.ts'
import { selectDueLists, selectListsAfter, selectNextRetry, updateRetry } from './remote-lists.store.ts'
import type { RemoteLists } from './remote-lists.ts'

type Needs = { readonly home: Pick<Home, 'database' | 'clock' | 'log'>; readonly lists: RemoteLists }

const mostDue = 500
const mostServers = 20
const timeoutMs = 15_000
const restOfServer = 30_000
/** While a server is asked for other lists, these do not stand in the way of those of other servers. */
const restWhileBusy = 1000
/** What one process has taken up no other takes up for so long. */
const lease = 10 * 60_000
const longestSleep = 60_000
const pauseAfterFailure = 1000
const sweepEvery = 6 * 60 * 60_000
const sweptAtOnce = 200

/**
 * Asks again for the device lists of which something was missed: few servers at a time, one list of each, so that a slow one stops no other; after a
 * failure later and later. What is to be asked for stands on the disk. Once in hours it lets go of the lists of those with whom nobody shares a room.
 */
export function resyncReader(needs: Needs): Reader {
  const { home, lists } = needs
  const stopping = new AbortController()
  const servers = new Map<ServerName, Promise<void>>()
  let bell = new AbortController()
  let running: Promise<void> = Promise.resolve()
  let sweptAt = 0

  async function begin(): Promise<void> {
    const now = home.clock.now()
    const due = await home.database.select(selectDueLists, now, mostDue)
    const all = due.map(({ user_id }) => user_id as UserId)
    const { free = [], busy = [] } = Object.groupBy(all, (userId) => (servers.has(serverNameOf(userId)) ? 'busy' : 'free'))
    const writes = [write(updateRetry, now + lease, free), write(updateRetry, now + restWhileBusy, busy)]
    if (all.length > 0) await home.database.commit({ writes })
    for (const [server, some] of Map.groupBy(free, serverNameOf)) {
      if (servers.size >= mostServers) await Promise.race(servers.values())
      const ended = resyncServer(needs, some, stopping.signal)
        .catch((error: unknown) => home.log.error('device lists could not be asked for', { server, error: String(error) }))
        .finally(() => {
          servers.delete(server)
          bell.abort()
        })
      servers.set(server, ended)
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      bell = new AbortController()
      const woken = AbortSignal.any([stopping.signal, bell.signal])
      try {
        await begin()
        if (home.clock.now() - sweptAt >= sweepEvery) {
          sweptAt = home.clock.now()
          await sweep(needs, stopping.signal)
        }
        await rest(home, woken)
      } catch (error) {
        home.log.error('device lists could not be asked for', { error: String(error) })
        await home.clock.sleep(pauseAfterFailure, stopping.signal)
      }
    }
    await Promise.all(servers.values())
  }
  return {
    name: 'device lists of other servers',
    start: () => {
      sweptAt = home.clock.now()
      lists.onMissed(() => bell.abort())
      running = run()
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

/** Until something has to be asked for; what another process missed is found in a while. */
async function rest({ database, clock }: Needs['home'], woken: AbortSignal): Promise<void> {
  const retryAt = (await database.selectOne(selectNextRetry))?.retry_at
  const wait = retryAt === undefined ? longestSleep : Math.max(retryAt - clock.now(), 0)
  await clock.sleep(Math.min(wait, longestSleep), woken)
}

async function resyncServer({ home, lists }: Needs, users: readonly UserId[], signal: AbortSignal): Promise<void> {
  for (const [at, userId] of users.entries()) {
    const left = users.slice(at)
    if (signal.aborted) return void (await home.database.commit({ writes: [write(updateRetry, home.clock.now(), left)] }))
    if (!(await lists.isShared(userId))) {
      await lists.drop(userId)
    } else if ((await lists.refresh(userId, timeoutMs)) === 'silent') {
      const retryAt = home.clock.now() + restOfServer
      if (left.length > 1) await home.database.commit({ writes: [write(updateRetry, retryAt, left.slice(1))] })
      return
    }
  }
}

async function sweep({ home, lists }: Needs, signal: AbortSignal): Promise<void> {
  let after = ''
  while (!signal.aborted) {
    const rows = await home.database.select(selectListsAfter, after, sweptAtOnce)
    for (const { user_id } of rows) if (!(await lists.isShared(user_id as UserId))) await lists.drop(user_id as UserId)
    if (rows.length < sweptAtOnce) return
    after = rows.at(-1)!.user_id
  }
}
