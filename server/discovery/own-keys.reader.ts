import type { Home } from '../home.ts'
import { errorFields } from '../http/log.ts'
import type { Reader } from '../slice.ts'

const every = 60_000

/** Where several processes serve one name: says that this one still signs with its key, should another one have a newer one. */
export function ownKeysReader({ home }: { readonly home: Pick<Home, 'database' | 'ownKeys' | 'clock' | 'log'> }): Reader {
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await home.ownKeys.keepUp().catch((error: unknown) => home.log.error('the key in use could not be kept up', errorFields(error)))
      await home.clock.sleep(every, stopping.signal)
    }
  }

  return {
    name: 'own keys',
    start: () => {
      if (home.database.shared) running = run()
    },
    stop: () => {
      stopping.abort()
      return running
    },
  }
}
