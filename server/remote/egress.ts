import { type LookupAddress, lookup as lookUpName } from 'node:dns'
import { readFileSync } from 'node:fs'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { setImmediate as breathe } from 'node:timers/promises'
import { rootCertificates } from 'node:tls'
import { Agent, buildConnector, request as send } from 'undici'
import type { JsonObject } from '../core/json.ts'
import { type Dialing, routeOf } from './dialing.ts'
import { failureWords } from './failure-words.ts'
import { parseAnswer } from './parse-answer.ts'
import { isPrivateAddress } from './private-address.ts'

export type OutgoingRequest = {
  readonly url: string
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Bytes of the answer's body; 1 MiB unless told. */
  readonly limit?: number
  /** For all of it; 30 s unless told. */
  readonly timeoutMs?: number
  /** Numbers of a JSON answer are kept as they are spelled (`parseLossless`): it holds events. */
  readonly exact?: boolean
  /** May reach this machine and private networks. */
  readonly allowPrivate?: boolean
  /** Over connections of its own: it waits for nothing else that is asked of the same server, of which so many at most are under way. */
  readonly apart?: boolean
  readonly signal?: AbortSignal
}

/** Why there is no answer. `forbidden`: the address is private, or the URL is none that this server may ask for. */
export type Failure = {
  readonly ok: false
  readonly reason: 'forbidden' | 'unreachable' | 'timeout' | 'aborted' | 'too large' | 'not json'
  readonly words: string
}
export type Answer<B> = {
  readonly ok: true
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: B
}

/** The one way out. An answer of any status is an answer; a redirect is one too, and is not followed. Never throws. */
export type Egress = {
  readonly request: (of: OutgoingRequest) => Promise<Answer<Buffer> | Failure>
  /** The same for an answer that has to be a JSON object. */
  readonly fetchJson: (of: OutgoingRequest) => Promise<Answer<JsonObject> | Failure>
  /**
   * The same for an answer that is read as it comes: whoever asks reads its body to the end or destroys it, and bounds what it takes (`limit`
   * says nothing here). The body fails when the time is over.
   */
  readonly stream: (of: OutgoingRequest) => Promise<Answer<Readable> | Failure>
  readonly close: () => Promise<void>
}

const copiedAtOnce = 4 * 1024 * 1024
const mostOrigins = 1000

type Received = Awaited<ReturnType<typeof send>>
class ForbiddenAddress extends Error {}
class AnswerTooLarge extends Error {}
class Closed extends Error {
  readonly code = 'UND_ERR_DESTROYED'
}

export type EgressOptions = { readonly caFile: string | undefined; readonly userAgent: string; readonly dialing?: Dialing }

/** Opens the way out. `caFile` is trusted besides the authorities that everybody trusts. */
export function createEgress({ caFile, userAgent, dialing = {} }: EgressOptions): Egress {
  const ca = authorities(caFile)
  const sockets = createSockets()
  const ways = () => ({
    publicOnly: agents(() => agent(ca, true, dialing, sockets)),
    anywhere: agents(() => agent(ca, false, dialing, sockets)),
  })
  const [shared, apart] = [ways(), ways()]

  async function ask<B>(of: OutgoingRequest, read: (answer: Received) => Promise<B> | B): Promise<Answer<B> | Failure> {
    const url = URL.canParse(of.url) ? new URL(of.url) : undefined
    if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
      return { ok: false, reason: 'forbidden', words: 'this is no address that the server asks' }
    }
    const time = AbortSignal.timeout(of.timeoutMs ?? 30_000)
    const signal = of.signal ? AbortSignal.any([time, of.signal]) : time
    try {
      const answer = await send(url, {
        dispatcher: (of.apart ? apart : shared)[of.allowPrivate ? 'anywhere' : 'publicOnly'].for(url.origin),
        method: of.method ?? 'GET',
        headers: { 'User-Agent': userAgent, ...of.headers },
        body: of.body ?? null,
        signal,
      })
      return { ok: true, status: answer.statusCode, headers: answer.headers, body: await read(answer) }
    } catch (error) {
      return failureOf(error, time, of.signal)
    }
  }
  const request = (of: OutgoingRequest) =>
    ask(of, ({ body, headers }) => readBounded(body, of.limit ?? 1024 * 1024, Number(headers['content-length'])))
  // Until somebody listens, a body that fails has nobody to tell.
  const stream = (of: OutgoingRequest) => ask<Readable>(of, ({ body }) => body.on('error', () => {}))
  async function fetchJson(of: OutgoingRequest): Promise<Answer<JsonObject> | Failure> {
    const answer = await request(of)
    if (!answer.ok) return answer
    const body = await parseAnswer(answer.body, of.exact)
    return body ? { ...answer, body } : { ok: false, reason: 'not json', words: `the answer (${answer.status}) is not a JSON object` }
  }
  async function close(): Promise<void> {
    await Promise.all([shared, apart].flatMap(({ publicOnly, anywhere }) => [publicOnly.destroy(), anywhere.destroy()]))
    sockets.end()
  }
  return { request, fetchJson, stream, close }
}

/** Whom to believe besides those that Node does; undefined for nobody. */
export function authorities(caFile: string | undefined): string[] | undefined {
  return caFile === undefined ? undefined : [...rootCertificates, readFileSync(caFile, 'utf8')]
}

/** Keeps connections open to so many servers at most: beyond them it begins anew, and those that are in use end by themselves. */
function agents(make: () => Agent): { readonly for: (origin: string) => Agent; readonly destroy: () => Promise<unknown> } {
  let [current, origins] = [make(), new Set<string>()]
  return {
    for: (origin) => {
      if (origins.size >= mostOrigins && !origins.has(origin)) {
        // One that was destroyed ends no more.
        current.close().catch(() => undefined)
        ;[current, origins] = [make(), new Set()]
      }
      origins.add(origin)
      return current
    },
    destroy: () => current.destroy(),
  }
}

type Sockets = { readonly keep: (socket: Socket) => boolean; readonly end: () => void }

/** What is dialled, from the start, over all agents: one that was replaced knows nothing any more of what it still waits for. `keep` is false when it is over. */
function createSockets(): Sockets {
  const open = new Set<Socket>()
  let isOver = false
  return {
    keep: (socket) => {
      if (isOver) return false
      open.add(socket)
      socket.on('error', () => {}).once('close', () => open.delete(socket))
      return true
    },
    end: () => {
      isOver = true
      for (const socket of open) socket.destroy(new Closed())
    },
  }
}

function agent(ca: string[] | undefined, publicOnly: boolean, dialing: Dialing, sockets: Sockets): Agent {
  const lookup = publicOnly ? lookUpPublic(dialing.lookup ?? lookUpName) : dialing.lookup
  const connect = buildConnector({ timeout: 10_000, allowH2: false, ...(ca ? { ca } : {}), ...(lookup ? { lookup } : {}) })
  return new Agent({
    connections: 32,
    // All requests share one connection there: gone dead, it would be asked on and on, where here it ends with the first request that has no answer in time.
    allowH2: false,
    maxHeaderSize: 32 * 1024,
    keepAliveTimeout: 20_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (options, callback) => {
      const to = routeOf(dialing, options.hostname, Number(options.port || (options.protocol === 'https:' ? 443 : 80)))
      // A literal address is dialled without a look-up.
      if (publicOnly && isIP(to.hostname) && isPrivateAddress(to.hostname)) callback(new ForbiddenAddress(), null)
      else {
        // Its type keeps quiet about the socket that it gives at once.
        const socket = connect({ ...options, hostname: to.hostname, port: String(to.port) }, callback) as unknown as Socket
        if (!sockets.keep(socket)) socket.destroy(new Closed())
      }
    },
  })
}

/** Finds a name's addresses and gives only public ones on: what is dialled is what was checked. */
function lookUpPublic(lookUp: LookupFunction): LookupFunction {
  return (name, options, callback) => {
    lookUp(name, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '')
      const allowed = (found as LookupAddress[]).filter(({ address }) => !isPrivateAddress(address))
      const first = allowed[0]
      if (first === undefined) return callback(new ForbiddenAddress(), '')
      if (options.all) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}

async function readBounded(body: AsyncIterable<Buffer>, limit: number, promised: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    // Leaving the loop destroys the body, and with it the connection.
    if (size > limit || promised > limit) throw new AnswerTooLarge()
    chunks.push(chunk)
  }
  return join(chunks, size)
}

/** One buffer of many, other work in between. */
async function join(chunks: readonly Buffer[], size: number): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(size)
  let at = 0
  let restAt = copiedAtOnce
  for (const chunk of chunks) {
    at += chunk.copy(whole, at)
    if (at < restAt) continue
    restAt = at + copiedAtOnce
    await breathe()
  }
  return whole
}

function failureOf(error: unknown, time: AbortSignal, signal: AbortSignal | undefined): Failure {
  if (isCausedBy(error, ForbiddenAddress)) return { ok: false, reason: 'forbidden', words: 'the address is not on the public internet' }
  if (error instanceof AnswerTooLarge) return { ok: false, reason: 'too large', words: 'the answer is too large' }
  if (signal?.aborted) return { ok: false, reason: 'aborted', words: 'the request is no longer wanted' }
  if (time.aborted) return { ok: false, reason: 'timeout', words: 'no answer in time' }
  return { ok: false, reason: 'unreachable', words: failureWords((error as { code?: unknown }).code) }
}

function isCausedBy(error: unknown, kind: typeof ForbiddenAddress): boolean {
  if (error instanceof kind) return true
  if (error instanceof AggregateError) return error.errors.some((one) => isCausedBy(one, kind))
  return error instanceof Error && error.cause !== undefined && isCausedBy(error.cause, kind)
}
