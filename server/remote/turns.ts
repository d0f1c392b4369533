import type { ServerName } from '../core/ids.ts'
import { createFewAtATime, type FewAtATime } from './few-at-a-time.ts'

/** Runs what asks another server when it is its turn: a few at a time of each server, so that a slow one holds up nobody else, and of all. */
export type InTurn = <T>(serverName: ServerName, work: () => Promise<T>) => Promise<T>

type Bounds = { readonly running: number; readonly waiting: number }

/** The bounds of each server, and of all; 429 beyond what may wait. */
export function createTurns(each: Bounds, all: Bounds): InTurn {
  const total = createFewAtATime(all.running, all.waiting)
  const servers = new Map<ServerName, { readonly few: FewAtATime; users: number }>()
  return async (serverName, work) => {
    const turn = servers.get(serverName) ?? { few: createFewAtATime(each.running, each.waiting), users: 0 }
    servers.set(serverName, turn)
    turn.users++
    try {
      return await turn.few(() => total(work))
    } finally {
      if (--turn.users === 0) servers.delete(serverName)
    }
  }
}

/** For short questions that clients have other servers asked. */
export function createQuestions(): InTurn {
  return createTurns({ running: 8, waiting: 100 }, { running: 100, waiting: 500 })
}
