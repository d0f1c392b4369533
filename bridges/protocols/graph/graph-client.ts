import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { Agent, type Dispatcher } from 'undici'
import { failure, failureOfAnswer } from './errors.ts'
import { exchange } from './exchange.ts'
import type { GraphFailure } from './failure.ts'
import { encodeMultipart, type Multipart } from './multipart.ts'
import { asObject, field, integerField, type JsonObject, parseJson } from './read-json.ts'

export interface GraphClientOptions {
  /** `https://graph.facebook.com`, `https://graph.instagram.com`, or a stand-in on loopback (only there may it be http). */
  baseUrl: string
  version?: string
  accessToken: string
  timeoutMs?: number
  /** For requests that carry a file. */
  uploadTimeoutMs?: number
  maxReplyBytes?: number
  dispatcher?: Dispatcher
}

/** A request as data; the builders of each network make them. */
export interface GraphRequest {
  method: 'GET' | 'POST' | 'DELETE'
  /** Below the version, each id encoded: `/1234/messages`. */
  path: string
  query?: Readonly<Record<string, string>>
  json?: JsonObject
  form?: Readonly<Record<string, string>>
  multipart?: Multipart
}

export type GraphResult = { kind: 'done'; body: JsonObject } | GraphFailure

export interface GraphClient {
  /** Never throws for what the network does; a malformed request is a TypeError. */
  call(request: GraphRequest): Promise<GraphResult>
  close(): Promise<void>
}

const pathPattern = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~%:-]{1,512})+$/
const secretParameters = ['access_token', 'input_token', 'client_secret', 'appsecret_proof', 'fb_exchange_token']

/** A client for one account. The access token travels in a header only; redirects are not followed. Throws a TypeError for unusable options. */
export function createGraphClient(options: GraphClientOptions): GraphClient {
  const { accessToken, version = 'v25.0', timeoutMs = 20_000, uploadTimeoutMs = 300_000, maxReplyBytes = 1_048_576 } = options
  const base = checkBaseUrl(options.baseUrl)
  if (!/^v\d{1,3}\.\d{1,2}$/.test(version)) throw new TypeError('the Graph version must look like v25.0')
  if (!/^[\x21-\x7e]+$/.test(accessToken)) throw new TypeError('the access token must be printable ASCII')
  const dispatcher = options.dispatcher ?? new Agent({ allowH2: false, connect: { timeout: timeoutMs } })
  return {
    async call(request) {
      const payload = encodePayload(request)
      const { path, method } = request
      if (!pathPattern.test(path)) throw new TypeError('the path must be made of encoded segments')
      const answer = await exchange(dispatcher, {
        origin: base.origin,
        path: `${base.prefix}/${version}${path}${encodeQuery(request.query)}`,
        method,
        headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json', ...payload.headers },
        ...(payload.body === undefined ? {} : { body: payload.body }),
        timeoutMs: request.multipart ? uploadTimeoutMs : timeoutMs,
        maxReplyBytes,
      })
      const problem = payload.problem?.()
      if (problem) return problem
      const result = resultOf(answer)
      // Nobody sees an upload until it is sent, so it may be made again, as a question may be asked again.
      const repeatable = method === 'GET' || request.multipart !== undefined
      return repeatable && result.kind === 'unknown' ? failure('retry', result.class, withoutWords(result)) : result
    },
    close: () => (options.dispatcher ? Promise.resolve() : dispatcher.close()),
  }
}

function resultOf(answer: Awaited<ReturnType<typeof exchange>>): GraphResult {
  if (answer.reached === 'nothing') return failure('retry', 'network')
  if (answer.reached === 'sent') return failure('unknown', 'network')
  const body = asObject(answer.body && parseJson(answer.body.toString('utf8')))
  const succeeded = answer.status >= 200 && answer.status < 300
  if (!succeeded || field(body, 'error') !== undefined) return failureOfAnswer(answer.status, body, waitFrom(answer.headers))
  return body ? { kind: 'done', body } : failure('unknown', 'server', { status: answer.status })
}

function withoutWords({ status, code, subcode, trace }: GraphFailure) {
  return Object.fromEntries(Object.entries({ status, code, subcode, trace }).filter(([, value]) => value !== undefined))
}

function checkBaseUrl(text: string): { origin: string; prefix: string } {
  const url = URL.parse(text)
  if (!url || url.username || url.password || url.search || url.hash) throw new TypeError('the Graph base URL must be a plain https URL')
  const loopback = /^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/.test(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) {
    throw new TypeError('the Graph base URL must be https, or http on loopback: a token must not travel in the clear')
  }
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') }
}

function encodeQuery(query: GraphRequest['query']): string {
  if (!query) return ''
  if (Object.keys(query).some((name) => secretParameters.includes(name))) throw new TypeError('a secret must not stand in a URL')
  return `?${new URLSearchParams(query)}`
}

interface Payload {
  headers: Record<string, string>
  body?: string | Readable
  problem?(): GraphFailure | undefined
}

function encodePayload({ json, form, multipart }: GraphRequest): Payload {
  if (multipart) return encodeMultipart(multipart)
  if (json) return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }
  if (form) return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(form).toString() }
  return { headers: {} }
}

/** How long to wait, from `Retry-After` in seconds or the longest `estimated_time_to_regain_access` (minutes) of Meta's usage headers. */
function waitFrom(headers: IncomingHttpHeaders): number | undefined {
  const seconds = headers['retry-after']
  if (typeof seconds === 'string' && /^\d{1,6}$/.test(seconds)) return Number(seconds) * 1000
  const usage = headers['x-business-use-case-usage']
  const accounts = typeof usage === 'string' ? Object.values(asObject(parseJson(usage)) ?? {}) : []
  const minutes = accounts.flat().map((row) => integerField(asObject(row), 'estimated_time_to_regain_access') ?? 0)
  const longest = Math.max(0, ...minutes)
  return longest > 0 ? longest * 60_000 : undefined
}
