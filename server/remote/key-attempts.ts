import type { ServerName } from '../core/ids.ts'

/** By whom the keys of a server were told, if anybody did. */
export type By = 'itself' | 'notary' | undefined

type Attempt = {
  readonly at: number
  readonly wait: number
  readonly failures: number
  /** When the server itself last said what its keys are. */
  readonly saidAt: number | undefined
}

const mostServers = 10_000
const betweenAnswers = 60_000
const betweenNewKeys = 10_000
const firstBackOff = 30_000
const longestBackOff = 10 * 60_000

/** What came of asking servers for their keys, of those that were asked last. A clock that was set back counts no longer. */
export function createAttempts(clock: { now(): number }) {
  const attempts = new Map<string, Attempt>()
  const newKeys = new Map<ServerName, number>()
  const isWithin = (from: number, wait: number) => clock.now() >= from && clock.now() < from + wait
  return {
    saidAt: (serverName: ServerName) => attempts.get(serverName)?.saidAt,
    /** Whether a server was asked so shortly before that it is to be left alone. */
    isRecent: (name: string): boolean => {
      const last = attempts.get(name)
      return last !== undefined && isWithin(last.at, last.wait)
    },
    /**
     * Whether a server that has just said what its keys are may be asked for one that nobody knows: it may have made a new one since. Anybody can name
     * one that it has not, so that is once in a while, whoever asks.
     */
    mayHaveNewKey: (serverName: ServerName): boolean => {
      const last = attempts.get(serverName)
      const before = newKeys.get(serverName)
      return last?.saidAt !== undefined && last.failures === 0 && (before === undefined || !isWithin(before, betweenNewKeys))
    },
    noteNewKey: (serverName: ServerName): void => {
      newKeys.delete(serverName)
      newKeys.set(serverName, clock.now())
      forgetFirst(newKeys)
    },
    forget: (name: string): void => void attempts.delete(name),
    note: (name: string, by: By, from: number): void => {
      const attempt = attemptOf(by, from, clock.now(), attempts.get(name))
      attempts.delete(name)
      attempts.set(name, attempt)
      forgetFirst(attempts)
    },
  }
}

function forgetFirst(of: Map<string, unknown>): void {
  if (of.size > mostServers) of.delete(of.keys().next().value as string)
}

function attemptOf(by: By, from: number, at: number, last: Attempt | undefined): Attempt {
  if (by !== undefined) return { at, wait: betweenAnswers, failures: 0, saidAt: by === 'itself' ? from : undefined }
  const failures = (last?.failures ?? 0) + 1
  const wait = Math.min(firstBackOff * 2 ** Math.min(failures - 1, 10), longestBackOff)
  return { at, wait, failures, saidAt: last?.saidAt }
}
