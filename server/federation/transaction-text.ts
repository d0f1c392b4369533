import type { ServerName } from '../core/ids.ts'

export type Contents = { readonly pdus: readonly string[]; readonly edus: readonly string[] }

/** The most of each in one transaction; a server that reads less than the bytes of one reads none at all. */
export const most = { pdus: 50, edus: 100, eduBytes: 4_000_000 }

const firstWaitMs = 5_000
const hour = 3_600_000
const day = 24 * hour
const longestWaitMs = 6 * hour

/** A transaction's body as canonical JSON, of PDUs and EDUs that are. https://spec.matrix.org/v1.19/server-server-api/#transactions */
export function transactionText(origin: ServerName, sentAt: number, { pdus, edus }: Contents): string {
  return `{"edus":[${edus.join(',')}],"origin":${JSON.stringify(origin)},"origin_server_ts":${sentAt},"pdus":[${pdus.join(',')}]}`
}

/** How many of these fit into one transaction; one at least. */
export function countFitting(edus: readonly { readonly length: number }[]): number {
  let bytes = 0
  let count = 0
  for (const { length } of edus) {
    bytes += length
    if (count > 0 && (bytes > most.eduBytes || count === most.edus)) break
    count++
  }
  return count
}

/** How a destination fails. */
export type Failing = {
  /** So many tries in a row. */
  readonly failures: number
  readonly forMs: number
  /** It was there not long before, and now nobody is at its address: it may be back soon, and to look costs next to nothing. */
  readonly isMissed: boolean
}

/**
 * How long to wait then: 5, 10, 20 … s, an hour at most, six after three days; give or take a fifth. One that is missed is looked for every minute of the first
 * hour, and every ten of the first day.
 */
export function waitAfter({ failures, forMs, isMissed }: Failing, chance: number): number {
  const wait = Math.min(longestWait(forMs, isMissed), firstWaitMs * 2 ** Math.min(failures - 1, 20))
  return Math.round(wait * (0.8 + 0.4 * chance))
}

function longestWait(forMs: number, isMissed: boolean): number {
  if (forMs >= 3 * day) return longestWaitMs
  if (!isMissed || forMs >= day) return hour
  return forMs < hour ? 40_000 : hour / 6
}

/** However the clock was set meanwhile, nobody waits longer than this. */
export const mostWaitMs = longestWaitMs * 1.2
