import type { JsonObject } from '../core/json.ts'
import type { Place } from '../remote/discovery.ts'
import type { Answer, Failure } from '../remote/egress.ts'
import { lookAtTls, type TlsFailure, type TlsLook } from '../remote/look-at-tls.ts'
import { addressesOf, type FromDns, isLiteral } from './look-at-name.ts'
import { type Patient, patienceMs } from './patient.ts'

/** What is found at one of the places that a server's name leads to. */
export type PlaceFacts = {
  readonly place: Place
  readonly hostname: string
  readonly port: number
  /** The name that the certificate has to be for. */
  readonly name: string
  readonly addresses: FromDns<string>
  /** Of several addresses those at which nobody answers, as far as this machine can tell, with why. */
  readonly silent: readonly { readonly address: string; readonly words: string }[]
  readonly tls: TlsLook | TlsFailure
  /** Undefined where nobody answers at the port. */
  readonly version: Answer<JsonObject> | Failure | undefined
  readonly keys: Answer<JsonObject> | Failure | undefined
  /** How far its clock is ahead of ours, give or take a second; undefined where it does not tell the time. */
  readonly aheadMs: number | undefined
}

export async function lookAtPlace(patient: Patient, place: Place, allowPrivate: boolean): Promise<PlaceFacts> {
  const { hostname, port } = new URL(place.origin)
  const name = new URL(`https://${place.host}`).hostname
  const at = { hostname, port: Number(port || 443) }
  const { ca, dialing } = patient
  const [addresses, tls] = await Promise.all([
    isLiteral(hostname) ? { found: [hostname.replace(/^\[|\]$/g, '')], failed: undefined } : addressesOf(patient, hostname),
    lookAtTls({ ...at, name, ca, dialing, timeoutMs: patienceMs }),
  ])
  const silent = tls.ok ? await silentOnes(patient, { ...at, name }, addresses.found) : []
  const facts = { place, ...at, name, addresses, silent, tls }
  if (!tls.ok) return { ...facts, version: undefined, keys: undefined, aheadMs: undefined }
  const ask = (path: string) =>
    patient.egress.fetchJson({
      url: place.origin + path,
      headers: { Host: place.host },
      limit: 65_536,
      timeoutMs: patienceMs,
      allowPrivate,
    })
  const before = patient.now()
  const version = await ask('/_matrix/federation/v1/version')
  const middle = (before + patient.now()) / 2
  return { ...facts, version, keys: await ask('/_matrix/key/v2/server'), aheadMs: version.ok ? aheadOf(version, middle) : undefined }
}

/** Whoever connects tries one address after the other, so that one that is dead costs every server time, and some give up. */
async function silentOnes(
  { ca, dialing }: Patient,
  { hostname, port, name }: { readonly hostname: string; readonly port: number; readonly name: string },
  addresses: readonly string[],
): Promise<PlaceFacts['silent']> {
  if (addresses.length < 2 || dialing.routes?.has(`${hostname}:${port}`)) return []
  const looks = await Promise.all(
    addresses.slice(0, 8).map(async (address) => {
      const look = await lookAtTls({ hostname: address, port, name, ca, dialing: {}, timeoutMs: patienceMs })
      // Without IPv6 of one's own nothing is known of that of others.
      return look.ok || /NETUNREACH|ADDRNOTAVAIL|HOSTUNREACH/.test(look.words) ? [] : [{ address, words: look.words }]
    }),
  )
  return looks.flat()
}

/** A Date header names the second that has begun. */
function aheadOf({ headers }: Answer<JsonObject>, now: number): number | undefined {
  const date = Date.parse(String(headers['date'] ?? ''))
  return Number.isNaN(date) ? undefined : date + 500 - now
}

/** The place as people write it. */
export function shownPlace({ hostname, port }: Pick<PlaceFacts, 'hostname' | 'port'>): string {
  return `${hostname}:${port}`
}
