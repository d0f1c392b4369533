import { canonicalJson } from '../core/canonical-json.ts'
import type { ServerName } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { formatXMatrix, signedPart } from '../core/servers/x-matrix.ts'
import { type SigningKey, signText } from '../core/signatures.ts'
import type { Discovery } from './discovery.ts'
import type { Answer, Egress, Failure, OutgoingRequest } from './egress.ts'

/** A request to another server, under this server's signature. */
export type SignedRequest = {
  readonly destination: ServerName
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Path and query, percent-encoded: `/_matrix/federation/v1/…`. */
  readonly uri: string
  readonly content?: JsonObject
  /** The content in canonical JSON, instead of `content`, for one that is sent to many. */
  readonly contentText?: string
  readonly limit?: number
  /** For the answer; finding out where the server is may take as long besides. */
  readonly timeoutMs?: number
  /** Over connections of its own, as `OutgoingRequest` has it. */
  readonly apart?: boolean
  /** The answer holds events: numbers are kept as they are spelled. */
  readonly exact?: boolean
  readonly signal?: AbortSignal
}

/** The other servers. Never throws; an answer of any status is an answer. */
export type Peers = {
  readonly fetchJson: (of: SignedRequest) => Promise<Answer<JsonObject> | Failure>
  readonly stream: (of: SignedRequest) => ReturnType<Egress['stream']>
  /** Without a signature, for what everybody may ask: the keys of a server, files of older ones. */
  readonly fetchUnsigned: (of: Omit<SignedRequest, 'content'>) => Promise<Answer<JsonObject> | Failure>
  readonly streamUnsigned: (of: Omit<SignedRequest, 'content'>) => ReturnType<Egress['stream']>
  readonly close: () => Promise<void>
}

type Tools = {
  readonly egress: Egress
  readonly discovery: Discovery
  readonly serverName: ServerName
  readonly signingKey: SigningKey
  readonly allowPrivate: boolean
}

const ourselves: Failure = { ok: false, reason: 'forbidden', words: 'this is the server itself' }
const nowhere: Failure = { ok: false, reason: 'unreachable', words: 'the name of the server leads nowhere' }
const late: Failure = { ok: false, reason: 'timeout', words: 'where the server is was not found in time' }
const unwanted: Failure = { ok: false, reason: 'aborted', words: 'the request is no longer wanted' }
const patience = 30_000

/** Sends signed requests to where servers are found: all the places of one have the time of one request. https://spec.matrix.org/v1.19/server-server-api/#request-authentication */
export function createPeers(tools: Tools): Peers {
  async function ask<A extends { readonly ok: boolean }>(
    of: SignedRequest,
    authorization: Readonly<Record<string, string>>,
    send: (request: OutgoingRequest) => Promise<A | Failure>,
  ): Promise<A | Failure> {
    const { destination, method, uri, limit, timeoutMs = patience, apart, exact, signal } = of
    const content = textOf(of)
    if (destination === tools.serverName) return ourselves
    const places = await inTime(tools.discovery.find(destination), timeoutMs, signal)
    if ('ok' in places) return places
    const until = performance.now() + timeoutMs
    let answer: A | Failure = nowhere
    for (const { origin, host } of places) {
      answer = await send({
        url: origin + uri,
        method,
        headers: { Host: host, ...authorization, ...(content === undefined ? {} : { 'Content-Type': 'application/json' }) },
        ...(content === undefined ? {} : { body: content }),
        ...(limit === undefined ? {} : { limit }),
        timeoutMs: Math.max(1, Math.ceil(until - performance.now())),
        ...(apart === undefined ? {} : { apart }),
        ...(exact === undefined ? {} : { exact }),
        ...(signal === undefined ? {} : { signal }),
        allowPrivate: tools.allowPrivate,
      })
      if (answer.ok || (answer as Failure).reason !== 'unreachable' || performance.now() >= until) return answer
    }
    return answer
  }

  return {
    fetchJson: (of) => ask(of, signed(tools, of), tools.egress.fetchJson),
    stream: (of) => ask(of, signed(tools, of), tools.egress.stream),
    fetchUnsigned: (of) => ask(of, {}, tools.egress.fetchJson),
    streamUnsigned: (of) => ask(of, {}, tools.egress.stream),
    close: tools.egress.close,
  }
}

/** Where servers are takes time to find out, too. */
async function inTime<T extends object>(work: Promise<T>, milliseconds = patience, signal?: AbortSignal): Promise<T | Failure> {
  if (signal?.aborted) return unwanted
  let end = () => {}
  const ended = new Promise<Failure>((resolve) => {
    const timer = setTimeout(() => resolve(late), milliseconds)
    const abort = () => resolve(unwanted)
    signal?.addEventListener('abort', abort, { once: true })
    end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  })
  return Promise.race([work, ended]).finally(end)
}

function textOf({ content, contentText }: Pick<SignedRequest, 'content' | 'contentText'>): string | undefined {
  return contentText ?? (content === undefined ? undefined : canonicalJson(content, false))
}

function signed({ serverName, signingKey }: Tools, of: SignedRequest): { Authorization: string } {
  const { destination, method, uri, content, contentText } = of
  const part = signedPart({ method, uri, origin: serverName, destination, content })
  const text = canonicalJson(part, false)
  // In canonical JSON `content` comes first.
  const signature = signText(contentText === undefined ? text : `{"content":${contentText},${text.slice(1)}`, signingKey)
  return { Authorization: formatXMatrix({ origin: serverName, destination, keyId: signingKey.keyId, signature }) }
}
