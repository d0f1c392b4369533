import type { Graph } from '../graph/graph.ts'
import type { Home } from '../home.ts'
import { errorFields } from '../http/log.ts'
import type { Reader } from '../slice.ts'
import { guard, write } from '../storage/database.ts'
import { selectTold, selectToldAt, updateTold } from './search.store.ts'

const atOnce = 200
/** So slowly that the indexer keeps up, and what is new meanwhile is found. */
const pause = 250
const pauseAfterFailure = 1000

type Needs = { readonly home: Pick<Home, 'database' | 'clock' | 'log'>; readonly graph: Pick<Graph, 'searchedPast'> }

/**
 * Tells the log of history that was here before it could be searched, so that the indexer hears of it as it does of all other: a page a commit, which
 * says how far it came; of several processes, the first to write a page wins it.
 */
export function toldHistoryReader(needs: Needs): Reader {
  const { clock, log } = needs.home
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        if (await tellPage(needs)) return
        await clock.sleep(pause, stopping.signal)
      } catch (error) {
        log.error('history of before could not be told of', errorFields(error))
        await clock.sleep(pauseAfterFailure, stopping.signal)
      }
    }
  }

  return {
    name: 'told history',
    start: () => {
      running = run()
    },
    stop: () => {
      stopping.abort()
      return running
    },
  }
}

/** Whether all is told. */
async function tellPage({ home: { database }, graph }: Needs): Promise<boolean> {
  const told = (await database.selectOne(selectTold))?.told ?? null
  if (told === null) return true
  const { eventIds, last } = await graph.searchedPast(told, atOnce)
  const unmoved = guard('told', 'row', selectToldAt, told)
  const log = eventIds.map((key) => ({ kind: 'history', key }))
  await database.commit({ guards: [unmoved], writes: [write(updateTold, last ?? null)], log })
  return false
}
