import type { ServerResponse } from 'node:http'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { MatrixError } from '../core/matrix-error.ts'
import type { Reply } from './endpoint.ts'
import { createGate } from './gate.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#web-browser-clients */
const cors: readonly string[] = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Allow-Methods',
  'GET, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers',
  'X-Requested-With, Content-Type, Authorization',
]
const json: readonly string[] = [...cors, 'Content-Type', 'application/json', 'Content-Length']
const preflight: readonly string[] = [...cors, 'Access-Control-Max-Age', '86400', 'Content-Length', '0']
const compressible = 2048
const compress = promisify(gzip)
/** What is left of a refused body up to here is read and dropped, so that the connection can go on and the client reads the answer. */
const worthDraining = 64 * 1024 * 1024

/** Answers a preflight of a browser. */
export function sendPreflight(response: ServerResponse): void {
  response.writeHead(204, preflight as string[])
  response.end()
}

/** Answers with JSON, or with what the reply's own headers say; compressed when it is large and the client takes gzip. */
export function sendReply(response: ServerResponse, reply: Reply): void {
  const { status = 200, body, headers } = reply
  const data = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length
  const type = headers?.['Content-Type']
  if (length > compressible && isText(type) && takesGzip(response)) {
    sendCompressed(response, reply, data)
    return
  }
  response.writeHead(status, headerList(headers, length))
  response.end(data)
}

/** Answers with an error in Matrix's form. */
export function sendError(response: ServerResponse, error: MatrixError, headers: Readonly<Record<string, string>> = {}): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const retryAfter = error.fields['retry_after_ms']
  const all = {
    ...headers,
    ...(typeof retryAfter === 'number' ? { 'Retry-After': String(Math.ceil(retryAfter / 1000)) } : {}),
    ...(isEndless(response) ? { Connection: 'close' } : {}),
  }
  const data = JSON.stringify(error)
  response.writeHead(error.status, headerList(all, Buffer.byteLength(data)))
  response.end(data)
}

/** An error as the bytes of a whole answer, for a request that could not be read; the connection ends with it. */
export function rawError(error: MatrixError): string {
  const data = JSON.stringify(error)
  const fields = [...headerList(undefined, Buffer.byteLength(data)), 'Connection', 'close']
  const lines = fields.flatMap((name, index) => (index % 2 === 0 ? `${name}: ${fields[index + 1]}\r\n` : []))
  return `HTTP/1.1 ${error.status} ${process.getBuiltinModule('node:http').STATUS_CODES[error.status]}\r\n${lines.join('')}\r\n${data}`
}

/** Begins an answer whose body the handler streams itself. */
export function sendHead(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>): void {
  response.writeHead(status, [...cors, ...Object.entries(headers).flat()])
}

/** The error as the client may see it: whatever is not made to be shown is a 500 without words. */
export function shown(error: unknown): MatrixError {
  return error instanceof MatrixError ? error : new MatrixError(500, 'M_UNKNOWN', 'the server has made a mistake')
}

function headerList(headers: Readonly<Record<string, string>> | undefined, length: number): string[] {
  if (headers === undefined) return [...json, String(length)]
  const typed = 'Content-Type' in headers ? [...cors] : [...cors, 'Content-Type', 'application/json']
  for (const name in headers) typed.push(name, headers[name]!)
  typed.push('Content-Length', String(length))
  return typed
}

function isText(type: string | undefined): boolean {
  return type === undefined || type.startsWith('application/json') || type.startsWith('text/')
}

function takesGzip(response: ServerResponse): boolean {
  const accepted = response.req.headers['accept-encoding']
  return accepted !== undefined && /(?:^|[\s,])gzip(?!\s*;\s*q=0(?:[^.]|$))/.test(String(accepted))
}

/** Threads are many, since most of what they do is to wait; only so many of them compress at a time. */
const compressing = createGate(Math.max(2, availableParallelism()), Number.POSITIVE_INFINITY)

function sendCompressed(response: ServerResponse, { status = 200, headers = {} }: Reply, data: string | Uint8Array): void {
  const compressed = compressing(() => compress(data, { level: 1 })).catch(() => undefined)
  void compressed.then((bytes) => {
    if (response.destroyed) return
    const body = bytes ?? Buffer.from(data)
    const encoding: Record<string, string> = bytes ? { 'Content-Encoding': 'gzip' } : {}
    response.writeHead(status, headerList({ ...headers, ...encoding, Vary: 'Accept-Encoding' }, body.length))
    response.end(body)
  })
}

/** Whether so much is left of a body that is not wanted that the connection is better ended. */
function isEndless(response: ServerResponse): boolean {
  const { req: request } = response
  if (request.complete) return false
  const promised = request.headers['content-length']
  return promised === undefined ? request.headers['transfer-encoding'] !== undefined : Number(promised) > worthDraining
}
