import type { ServerResponse } from 'node:http'
import type { ServerName } from '../core/ids.ts'
import { createTurns } from '../remote/turns.ts'

type Asked = { readonly origin: ServerName; readonly response: Pick<ServerResponse, 'closed' | 'once'> }

/** Makes an answer when it is the asking server's turn, unless nobody waits for it any more; the turn is over when the answer is sent. */
export type MakeInTurn = <T>(asked: Asked, make: () => Promise<T>) => Promise<T | undefined>

const each = { running: 8, waiting: 200 }
const all = { running: 100, waiting: 4000 }

/**
 * Long answers for other servers, a few at a time for each: one that asks for many states and reads none of them fills no memory. 429
 * M_LIMIT_EXCEEDED beyond what may wait.
 */
export function createInTurn(): MakeInTurn {
  const inTurn = createTurns(each, all)
  return (asked, make) =>
    new Promise((resolve, reject) => {
      const work = async () => {
        const { response } = asked
        if (response.closed) return resolve(undefined)
        const sent = new Promise((end) => void response.once('close', end))
        try {
          resolve(await make())
        } catch (error) {
          reject(error)
        }
        await sent
      }
      inTurn(asked.origin, work).catch(reject)
    })
}
