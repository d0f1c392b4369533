import { canonicalJson } from '../core/canonical-json.ts'
import type { ServerName } from '../core/ids.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import { parseLossless } from '../core/lossless-json.ts'
import { transactionText } from './transaction-text.ts'

const minute = 60_000
const week = 7 * 24 * 60 * minute

const ofUse: Readonly<Record<string, number>> = { 'm.typing': minute / 2, 'm.presence': 10 * minute, 'm.receipt': week }

/** For how long an EDU is of use to a server that is away, in milliseconds: who is online it is told again as long as they are. */
export function ofUseFor(type: unknown): number {
  return ofUse[String(type)] ?? Number.POSITIVE_INFINITY
}

/**
 * A transaction's text without the EDUs that have become of no use since it was first written down, which it still says; undefined where none have. What
 * is left counts once also where the destination has taken it in under another id: events by theirs, messages to devices by their `message_id`, device
 * lists by their `stream_id`, and of the others the last.
 */
export function withoutStale(text: string, now: number): { readonly text: string; readonly edus: number } | undefined {
  const {
    origin,
    pdus,
    edus,
    origin_server_ts: writtenAt,
  } = parseLossless(text, Number.POSITIVE_INFINITY) as {
    origin: ServerName
    pdus: Json[]
    edus: Json[]
    origin_server_ts: number
  }
  const left = edus.filter((edu) => now - writtenAt < ofUseFor(isJsonObject(edu) ? edu['edu_type'] : undefined))
  if (left.length === edus.length) return undefined
  const textsOf = (values: readonly Json[]) => values.map((value) => canonicalJson(value, false))
  return { text: transactionText(origin, writtenAt, { pdus: textsOf(pdus), edus: textsOf(left) }), edus: left.length }
}
