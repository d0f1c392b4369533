import { setTimeout as sleep } from 'node:timers/promises'
import { readRows } from '../bound-value.ts'
import type { Select, Statement } from '../database.ts'
import { boundQuery } from './portable-sql.ts'
import { client, isLoss } from './session.ts'

const patience = 10_000
const longestPause = 1000

/** A pool of connections for reading. A read that meets a lost connection is asked again, for up to 10 s. */
export function readingPool(url: string): { readonly select: Select; readonly end: () => Promise<void> } {
  const pool = client(url, 'tombolo-reader', { max: 8, backoff: false })

  async function read(of: Statement, parameters: Parameters<typeof boundQuery>[1]): Promise<unknown[]> {
    const query = boundQuery(of, parameters)
    const until = performance.now() + patience
    for (let pause = 10; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        return [...(await pool.unsafe(query.sql, query.parameters as never[], { prepare: true, simple: false } as object))]
      } catch (error) {
        if (!isLoss(error) || performance.now() + pause > until) throw error
        await sleep(pause)
      }
    }
  }

  return {
    select: async (of, ...parameters) => readRows(await read(of as unknown as Statement, parameters)) as never,
    end: () => pool.end({ timeout: 1 }),
  }
}
