import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerName } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Call, Requester } from './endpoint.ts'
import type { Leaf } from './path-tree.ts'

const noQuery = new URLSearchParams()

/** The calls that somebody may want to abort, and whether that is so from now on. */
export type Abortable = { readonly calls: Set<RunningCall>; draining: boolean }

/** One request on its way through. What few handlers ask for (query, path, signal) is made when it is asked for. */
export class RunningCall {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly params: Readonly<Record<string, string>>
  readonly ip: string
  origin: ServerName | undefined
  requester: Requester | undefined
  body: JsonObject = {}
  readonly #leaf: Leaf
  readonly #queryText: string
  readonly #running: Abortable
  #query: URLSearchParams | undefined
  #aborter: AbortController | undefined

  constructor(of: {
    request: IncomingMessage
    response: ServerResponse
    leaf: Leaf
    params: Record<string, string>
    queryText: string
    running: Abortable
  }) {
    this.request = of.request
    this.response = of.response
    this.params = of.params
    this.ip = addressOf(of.request)
    this.#leaf = of.leaf
    this.#queryText = of.queryText
    this.#running = of.running
  }

  get query(): URLSearchParams {
    if (this.#queryText === '') return noQuery
    this.#query ??= new URLSearchParams(this.#queryText)
    return this.#query
  }

  get path(): string {
    return fill(this.#leaf.endpoint.path, this.params)
  }

  get signal(): AbortSignal {
    if (!this.#aborter) {
      this.#aborter = new AbortController()
      this.#running.calls.add(this)
      if (this.response.closed || this.#running.draining) this.abort()
      else this.response.once('close', () => this.#end())
    }
    return this.#aborter.signal
  }

  /** A call that was answered has nobody to tell; to abort it would cost more than a wake. */
  #end(): void {
    if (this.response.writableFinished) this.#running.calls.delete(this)
    else this.abort()
  }

  abort(): void {
    this.#running.calls.delete(this)
    this.#aborter?.abort()
  }
}

/** The call as a handler sees it; its `requester` is what the endpoint's `auth` promises. */
export function asCall(call: RunningCall): Call {
  return call as unknown as Call
}

/** Who is at the other end; behind a proxy on this machine, whom the proxy names last. */
export function addressOf(request: IncomingMessage): string {
  const peer = request.socket.remoteAddress ?? ''
  const address = peer.startsWith('::ffff:') ? peer.slice(7) : peer
  const forwarded = request.headers['x-forwarded-for']
  if (forwarded === undefined || (address !== '127.0.0.1' && address !== '::1')) return address
  const last = String(forwarded).split(',').at(-1)!.trim()
  return /^[0-9a-fA-F.:]{2,45}$/.test(last) ? last : address
}

function fill(template: string, params: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\*?\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
}
