import { errorFields } from '../http/log.ts'
import type { Tools } from '../slice.ts'
import type { Write } from '../storage/database.ts'

/** Writes what nobody waits for, together with what comes soon after. */
export type PutAway = {
  /** Resolves when it is on the disk, or could not be put there. */
  readonly add: (writes: readonly Write[]) => Promise<void>
  readonly flush: () => Promise<void>
}

const soonMs = 25

export function createPutAway({ home }: Pick<Tools, 'home'>): PutAway {
  let waiting: Write[] = []
  let timer: NodeJS.Timeout | undefined
  let resolve = () => {}
  let written = Promise.resolve()

  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const [writes, done] = [waiting, resolve]
    waiting = []
    try {
      if (writes.length > 0) await home.database.commit({ writes })
    } catch (error) {
      home.log.warn('transactions that were answered could not be put away', errorFields(error))
    } finally {
      done()
    }
  }

  return {
    flush,
    add: (writes) => {
      if (timer === undefined) {
        timer = setTimeout(() => void flush(), soonMs)
        written = new Promise((done) => {
          resolve = done
        })
      }
      waiting.push(...writes)
      return written
    },
  }
}
