import type { ServerName } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Home } from '../../home.ts'

export type Question = {
  readonly method: 'GET' | 'POST'
  /** Below `/_matrix/federation/v1/user`. */
  readonly path: string
  readonly content?: JsonObject
  readonly limit: number
  readonly timeoutMs: number
}

/** What came of it: an answer, a no (to this question), or silence (of the whole server). */
export type Heard = { readonly ok: true; readonly body: JsonObject } | { readonly ok: false; readonly silent: boolean }

/** Why the keys of a server's users are missing, as clients are told: nothing of what that server said is passed on. */
export type Failures = Record<ServerName, { status: number; message: string }>

export type AskServer = {
  readonly ask: (server: ServerName, question: Question) => Promise<Heard>
  /** It has just been heard of: it is asked again. */
  readonly isBack: (server: ServerName) => void
}

const restMs = 30_000
const mostRemembered = 10_000
/** One that had no time to answer has not shown that it is down. */
const timeEnough = 5000

/** Says in an answer that a server could not be asked. */
export function addFailure(failures: Failures, server: ServerName): void {
  failures[server] = { status: 503, message: 'the server did not answer' }
}

/** Asks other servers for keys. One that did not answer is left alone for a while, so that those who ask for others' keys need not wait for it each time. */
export function createAskServer({ peers, clock }: Pick<Home, 'peers' | 'clock'>): AskServer {
  const silentUntil = new Map<ServerName, number>()
  return {
    ask: async (destination, { path, ...question }) => {
      if ((silentUntil.get(destination) ?? 0) > clock.now()) return { ok: false, silent: true }
      const answer = await peers.fetchJson({ ...question, destination, uri: `/_matrix/federation/v1/user${path}` })
      if (answer.ok && answer.status === 200) return { ok: true, body: answer.body }
      const silent = answer.ok
        ? answer.status >= 500 || answer.status === 429
        : answer.reason !== 'not json' && answer.reason !== 'too large'
      if (silent && question.timeoutMs >= timeEnough) {
        silentUntil.set(destination, clock.now() + restMs)
        if (silentUntil.size > mostRemembered) silentUntil.delete(silentUntil.keys().next().value!)
      }
      return { ok: false, silent }
    },
    isBack: (server) => void silentUntil.delete(server),
  }
}
