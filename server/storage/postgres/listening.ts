import { setTimeout as sleep } from 'node:timers/promises'
import { openSession, type Session } from './session.ts'

const poll = 1000
const pauses = { first: 50, longest: 2000 }

/**
 * Hears of positions that processes commit: by NOTIFY, and by reading the counter every second in case one was lost. Connects again for ever. Resolves
 * once it listens.
 */
export async function listen(url: string, heard: (position: number) => void): Promise<{ readonly end: () => Promise<void> }> {
  const closing = new AbortController()
  const wait = (milliseconds: number) => sleep(milliseconds, undefined, { signal: closing.signal, ref: false }).catch(() => undefined)
  let session: Session | undefined

  const open = async () => {
    const opened = await openSession({ url, name: 'tombolo-listener', onNotify: (payload) => heard(Number(payload)) })
    await opened.send([{ sql: 'LISTEN tombolo', parameters: [] }])
    return opened
  }
  const follow = async (live: Session) => {
    while (!live.lost() && !closing.signal.aborted) {
      const [rows] = await live.send([{ sql: 'SELECT position FROM positions WHERE id = 1', parameters: [] }])
      heard(rows![0]!['position'] as number)
      await wait(poll)
    }
  }
  const keep = async () => {
    for (let pause = pauses.first; !closing.signal.aborted; pause = Math.min(pause * 2, pauses.longest)) {
      try {
        session = session && !session.lost() ? session : await open()
        pause = pauses.first
        await follow(session)
      } catch {
        await session?.end()
        session = undefined
        await wait(pause)
      }
    }
  }

  session = await open()
  const kept = keep()
  return {
    async end() {
      closing.abort()
      await kept
      await session?.end()
    },
  }
}
