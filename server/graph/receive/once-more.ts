import type { Home } from '../../home.ts'
import { errorFields } from '../../http/log.ts'

/**
 * Takes in what another server sent, once more where that fails. False for what fails each time although the disk can be written to: it is to blame itself,
 * and given up. Throws where the disk cannot be written to: then nothing may be said to be taken in, and it is to come again.
 */
export type OnceMore = (about: Readonly<Record<string, string>>, take: () => Promise<void>) => Promise<boolean>

export function createOnceMore({ database, log }: Pick<Home, 'database' | 'log'>): OnceMore {
  const isTaken = (about: Readonly<Record<string, string>>, take: () => Promise<void>) =>
    take().then(
      () => true,
      (error: unknown) => {
        log.error('what another server sent could not be taken in', { ...about, ...errorFields(error) })
        return false
      },
    )
  return async (about, take) => {
    if (await isTaken(about, take)) return true
    await database.commit({ writes: [], log: [{ kind: 'disk_tried', key: '' }] })
    return isTaken(about, take)
  }
}
