import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'

export interface ExchangeRequest {
  origin: string
  path: string
  method: 'GET' | 'POST' | 'DELETE'
  headers: Record<string, string>
  body?: string | Readable
  timeoutMs: number
  maxReplyBytes: number
}

/** How far an HTTP exchange got: no byte of it left this machine, some may have, or an answer came (whole, or cut: `body` undefined). */
export type Exchange =
  | { reached: 'nothing' }
  | { reached: 'sent' }
  | { reached: 'answered'; status: number; headers: IncomingHttpHeaders; body?: Buffer }

/**
 * One HTTP exchange that knows how far it got. The dispatcher announces a request just before it writes it to a connected (and, with TLS, verified)
 * socket; whatever fails before that moment surely never reached the network, and a timeout before it stops the write. Never throws.
 */
export function exchange(dispatcher: Dispatcher, request: ExchangeRequest): Promise<Exchange> {
  const { promise, resolve } = Promise.withResolvers<Exchange>()
  const reply = { started: false, over: false, status: 0, headers: {} as IncomingHttpHeaders, chunks: [] as Buffer[], bytes: 0 }
  let controller: Dispatcher.DispatchController | undefined
  const finish = (whole: boolean) => {
    if (reply.over) return
    reply.over = true
    clearTimeout(timer)
    if (!reply.started) resolve({ reached: 'nothing' })
    else if (reply.status === 0) resolve({ reached: 'sent' })
    else
      resolve({
        reached: 'answered',
        status: reply.status,
        headers: reply.headers,
        ...(whole ? { body: Buffer.concat(reply.chunks) } : {}),
      })
    if (!whole) controller?.abort(new Error('exchange over'))
  }
  const timer = setTimeout(() => finish(false), request.timeoutMs)
  const { origin, path, method, headers, body } = request
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      if (reply.over) return started.abort(new Error('gave up before it was written'))
      controller = started
      reply.started = true
    },
    onResponseStart(_, status, replyHeaders) {
      if (status < 200) return
      reply.status = status
      reply.headers = replyHeaders
    },
    onResponseData(_, chunk) {
      reply.bytes += chunk.length
      if (reply.bytes > request.maxReplyBytes) finish(false)
      else reply.chunks.push(chunk)
    },
    onResponseEnd: () => finish(true),
    onResponseError: () => finish(false),
  }
  try {
    dispatcher.dispatch({ origin, path, method, headers, ...(body === undefined ? {} : { body }) }, handler)
  } catch {
    finish(false)
  }
  return promise
}
