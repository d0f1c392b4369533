import type { ServerName } from '../core/ids.ts'

export type Contents = { readonly pdus: readonly string[]; readonly edus: readonly string[] }

/** The most of each in one transaction; a server that reads less than the bytes of one reads none at all. */
export const most = { pdus: 50, edus: 100, eduBytes: 4_000_000 }

const firstWaitMs = 5_000
const hour = 3_600_000
/** After so many failures, some three days, nobody is in a hurry any more. */
const many = 80
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

/** How long to wait after so many failures in a row: 5, 10, 20 … s, an hour at most, six after days; give or take a fifth. `chance` is in [0, 1). */
export function waitAfter(failures: number, chance: number): number {
  const wait = failures > many ? longestWaitMs : Math.min(hour, firstWaitMs * 2 ** Math.min(failures - 1, 20))
  return Math.round(wait * (0.8 + 0.4 * chance))
}

/** However the clock was set meanwhile, nobody waits longer than this. */
export const mostWaitMs = longestWaitMs * 1.2
