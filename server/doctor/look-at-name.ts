import { isIPv4 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { isServerName, type ServerName } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { parseStrict } from '../core/lossless-json.ts'
import { type Place, type Service, splitServerName } from '../remote/discovery.ts'
import type { Answer, Failure } from '../remote/egress.ts'
import { failureWords } from '../remote/failure-words.ts'
import { fetchFollowing } from '../remote/well-known.ts'
import { type Patient, patienceMs } from './patient.ts'

/** What the DNS said; words where it could not be asked. */
export type FromDns<T> = { readonly found: readonly T[]; readonly failed: string | undefined }

/** A well-known file: `fault` says why it is of no use, `isAbsent` that there is none. */
export type WellKnownFile = {
  readonly url: string
  readonly isAbsent: boolean
  readonly fault: string | undefined
  readonly content: JsonObject | undefined
  readonly answer: Answer<Buffer> | Failure
}

/** All that leads from a server's name to where it is. */
export type NameFacts = {
  readonly serverName: ServerName
  readonly hostname: string
  /** Undefined for an address: there is nothing to look up. */
  readonly addresses: FromDns<string> | undefined
  /** Undefined where the name itself says the port, or is an address: nobody asks for it. */
  readonly wellKnown: WellKnownFile | undefined
  readonly delegated: ServerName | undefined
  /** Undefined where nobody asks for them. */
  readonly services: FromDns<Service> | undefined
  readonly oldServices: FromDns<Service> | undefined
  /** What the server's own discovery makes of it. */
  readonly places: readonly Place[]
}

/** Goes the way that every server goes. https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names */
export async function lookAtName(patient: Patient, serverName: ServerName, allowPrivate: boolean): Promise<NameFacts> {
  const { hostname, port } = splitServerName(serverName) ?? { hostname: serverName, port: undefined }
  const literal = isLiteral(hostname)
  const addresses = literal ? undefined : await addressesOf(patient, hostname)
  const nothing = { wellKnown: undefined, delegated: undefined, services: undefined, oldServices: undefined, places: [] }
  // Where the DNS does not answer, no way can be gone.
  if (addresses?.failed !== undefined) return { serverName, hostname, addresses, ...nothing }
  const [wellKnown, places] = await Promise.all([
    literal || port !== undefined ? undefined : fetchFile(patient, hostname, 'server', allowPrivate),
    patient.discovery.find(serverName),
  ])
  const said = wellKnown?.content?.['m.server']
  const delegated = isServerName(said) ? said : undefined
  const to = splitServerName(delegated ?? serverName)
  const asksServices = to !== undefined && to.port === undefined && !isLiteral(to.hostname)
  const [services, oldServices] = asksServices
    ? await Promise.all([servicesOf(patient, `_matrix-fed._tcp.${to.hostname}`), servicesOf(patient, `_matrix._tcp.${to.hostname}`)])
    : []
  return { serverName, hostname, addresses, wellKnown, delegated, services, oldServices, places }
}

export function isLiteral(hostname: string): boolean {
  return hostname.startsWith('[') || isIPv4(hostname)
}

export function addressesOf({ names }: Patient, hostname: string): Promise<FromDns<string>> {
  return fromDns(hostname === 'localhost' ? Promise.resolve(['127.0.0.1']) : names.addresses(hostname))
}

function servicesOf({ names }: Patient, name: string): Promise<FromDns<Service>> {
  return fromDns(names.services(name))
}

async function fromDns<T>(asked: Promise<readonly T[]>): Promise<FromDns<T>> {
  const late = new AbortController()
  const patience = sleep(patienceMs, undefined, { ref: false, signal: late.signal }).then(() => Promise.reject({ code: 'ETIMEOUT' }))
  try {
    return { found: await Promise.race([asked, patience]), failed: undefined }
  } catch (error) {
    const { code } = error as { code?: unknown }
    return { found: [], failed: code === 'ETIMEOUT' || code === 'ECONNREFUSED' ? 'the DNS does not answer' : failureWords(code) }
  } finally {
    patience.catch(() => {})
    late.abort()
  }
}

/** One of the well-known files, redirects followed. */
export async function fetchFile(
  patient: Patient,
  hostname: string,
  kind: 'server' | 'client',
  allowPrivate: boolean,
): Promise<WellKnownFile> {
  const url = `https://${hostname}/.well-known/matrix/${kind}`
  const answer = await fetchFollowing({ egress: patient.egress, allowPrivate }, url, patienceMs)
  if (!answer.ok) {
    const nobody = answer.reason === 'unreachable' && /ECONNREFUSED|ENOTFOUND/.test(answer.words)
    return { url, isAbsent: nobody, fault: nobody ? undefined : answer.words, content: undefined, answer }
  }
  if (answer.status === 404) return { url, isAbsent: true, fault: undefined, content: undefined, answer }
  if (answer.status !== 200) return { url, isAbsent: false, fault: `it answers ${answer.status}`, content: undefined, answer }
  const content = parse(answer.body)
  return {
    url,
    isAbsent: false,
    fault: content === undefined ? `it is no JSON (${shownType(answer)})` : faultOf(kind, content),
    content,
    answer,
  }
}

function shownType({ headers }: Answer<Buffer>): string {
  return String(headers['content-type'] ?? 'without a type').slice(0, 60)
}

function parse(body: Buffer): JsonObject | undefined {
  try {
    const said = parseStrict(body)
    return isJsonObject(said) ? said : undefined
  } catch {
    return undefined
  }
}

function faultOf(kind: 'server' | 'client', content: JsonObject): string | undefined {
  if (kind === 'server') return isServerName(content['m.server']) ? undefined : 'it has no m.server that is the name of a server'
  const homeserver = content['m.homeserver']
  const url = isJsonObject(homeserver) ? homeserver['base_url'] : undefined
  return typeof url === 'string' && URL.canParse(url) ? undefined : 'it has no base_url under m.homeserver that is a URL'
}
