import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, type Dispatcher, request } from 'undici'
import { MediaFailure } from './failure.ts'
import { failureOf, leave, signalOf, type Times } from './incoming.ts'

/** Where media are put and taken from, as the application service. */
export type MediaHomeserver = {
  readonly url: string
  readonly token: string
  readonly dispatcher: Dispatcher
  /** How long to wait before each further try. */
  readonly waitsMs: readonly number[]
  close(): Promise<void>
}
export type MediaRequest = Times & {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  /** Called anew for each try. */
  readonly body?: (() => AsyncIterable<Uint8Array>) | undefined
  /** Statuses after which the request may be made again, because it had no effect. */
  readonly repeatAfter: readonly number[]
}

const mostErrorBytes = 64 * 1024
const longestWait = 30_000
/** No byte of the request left this machine. */
const neverLeft = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/

export function openMediaHomeserver(of: { homeserverUrl: string; asToken: string; waitsMs?: readonly number[] }): MediaHomeserver {
  const dispatcher = new Agent({ connections: 16, headersTimeout: 120_000, bodyTimeout: 60_000 })
  const url = of.homeserverUrl.replace(/\/+$/, '')
  return { url, token: of.asToken, dispatcher, waitsMs: of.waitsMs ?? [500, 2_000, 8_000], close: () => dispatcher.destroy() }
}

/**
 * One request, made again only where it surely had no effect: no connection came about, or the status is one of `repeatAfter`. Gives the answer when it is a
 * success, and fails with a MediaFailure otherwise.
 */
export async function askHomeserver(homeserver: MediaHomeserver, asked: MediaRequest): Promise<Dispatcher.ResponseData> {
  const signal = signalOf(asked)
  for (let tried = 0; ; tried++) {
    const wait = homeserver.waitsMs[tried]
    const answer = await send(homeserver, asked, signal).catch((error: unknown) => {
      if (wait === undefined || !neverLeft.test(codeOf(error))) throw failureOf(error)
      return undefined
    })
    if (answer?.statusCode === 200) return answer
    const refusal = answer && (await readRefusal(answer))
    if (wait === undefined || (answer && !asked.repeatAfter.includes(answer.statusCode))) throw refusalOf(refusal)
    await sleep(Math.max(wait, Math.min(refusal?.retryAfterMs ?? 0, longestWait)), undefined, { signal }).catch((error: unknown) => {
      throw failureOf(error)
    })
  }
}

function send(homeserver: MediaHomeserver, { method, path, query, headers, body }: MediaRequest, signal: AbortSignal) {
  return request(`${homeserver.url}${path}?${new URLSearchParams(query)}`, {
    dispatcher: homeserver.dispatcher,
    method,
    headers: { Authorization: `Bearer ${homeserver.token}`, 'Accept-Encoding': 'identity', ...headers },
    body: body ? Readable.from(body(), { objectMode: false }) : null,
    signal,
  })
}

/** The JSON object of an answer's body; empty when it is none, or too long. */
export async function readJson({ body }: Dispatcher.ResponseData): Promise<Readonly<Record<string, unknown>>> {
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const bytes of body) {
      size += (bytes as Buffer).length
      if (size > mostErrorBytes) return {}
      parts.push(bytes as Buffer)
    }
    const value: unknown = JSON.parse(Buffer.concat(parts).toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  } finally {
    leave(body)
  }
}

type Refusal = { readonly status: number; readonly errcode: string; readonly retryAfterMs?: number }

async function readRefusal(answer: Dispatcher.ResponseData): Promise<Refusal> {
  const { errcode, retry_after_ms } = await readJson(answer)
  const seconds = Number(answer.headers['retry-after'] ?? Number.NaN)
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : retry_after_ms
  return {
    status: answer.statusCode,
    errcode: typeof errcode === 'string' && /^[A-Z_]{1,64}$/.test(errcode) ? errcode : 'M_UNKNOWN',
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
  }
}

function refusalOf(refusal: Refusal | undefined): MediaFailure {
  if (!refusal) return new MediaFailure('unreachable', 'The homeserver could not be reached.', true)
  const { status, errcode } = refusal
  const told = `(${status} ${errcode})`
  if (status === 413 || errcode === 'M_TOO_LARGE')
    return new MediaFailure('too large', `The homeserver takes no file of that size ${told}.`)
  if (errcode === 'M_NOT_YET_UPLOADED') return new MediaFailure('unreachable', `The file has not been uploaded yet ${told}.`, true)
  if (status === 404) return new MediaFailure('gone', `The homeserver has no such file ${told}.`)
  if (status === 429 || status >= 500) return new MediaFailure('unreachable', `The homeserver is busy or in trouble ${told}.`, true)
  return new MediaFailure('refused', `The homeserver refused the file ${told}.`)
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : ''
}
