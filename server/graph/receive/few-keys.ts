import type { ServerName } from '../../core/ids.ts'
import type { KeyRing } from '../../remote/key-ring.ts'

/**
 * The keys of other servers for the events of one answer: whatever servers these name, only so many are asked whose keys are not here, and none once
 * the time is over. It is then as if the others could not be reached.
 */
export function askFewForKeys(keyRing: Pick<KeyRing, 'find'>, most: number, signal?: AbortSignal): Pick<KeyRing, 'find'> {
  const asked = new Set<ServerName>()
  let isOver: Promise<undefined> | undefined
  const over = (of: AbortSignal) => {
    isOver ??= new Promise((resolve) => of.addEventListener('abort', () => resolve(undefined), { once: true }))
    return isOver
  }
  return {
    find: async (wanted) => {
      const here = await keyRing.find({ ...wanted, isHere: true })
      if (here !== undefined || signal?.aborted) return here
      if (!asked.has(wanted.serverName) && asked.size >= most) return undefined
      asked.add(wanted.serverName)
      return signal === undefined ? keyRing.find(wanted) : Promise.race([keyRing.find(wanted), over(signal)])
    },
  }
}
