import type { Home } from '../home.ts'
import { errorFields } from '../http/log.ts'
import type { Reader } from '../slice.ts'

const every = 60_000

/** Notes that this process signs with its key: where several serve one name another may have a newer one, and a clock may be set back. */
export function ownKeysReader({ home }: { readonly home: Pick<Home, 'ownKeys' | 'clock' | 'log'> }): Reader {
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
      running = run()
    },
    stop: () => {
      stopping.abort()
      return running
    },
  }
}
