import { errorFields } from '../http/log.ts'
import type { Tools } from '../slice.ts'
import { selectReader } from './queue.store.ts'

/** Does a part of the work that may fail, several times if need be; undefined for one that fails every time, so that it does not stop the others. */
export type Insist = <T>(what: string, work: () => Promise<T>) => Promise<T | undefined>

const mostTries = 5

/** Throws where nothing can be read at all: then it is not for this work alone to fail. */
export function createInsist({ home }: Pick<Tools, 'home'>): Insist {
  return async (what, work) => {
    for (let tries = 1; ; tries++) {
      try {
        return await work()
      } catch (error) {
        home.log.error('what other servers are to be told could not be read', { what, tries, ...errorFields(error) })
        await home.database.selectOne(selectReader, '')
        if (tries === mostTries) return undefined
        await home.clock.sleep(200 * tries)
      }
    }
  }
}
