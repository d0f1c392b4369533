import type { FileHandle } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { Call } from '../http/endpoint.ts'
import { sendHead } from '../http/reply.ts'
import { type Range, readRange } from './byte-range.ts'
import type { Files } from './files.ts'
import { spareBuffers } from './spare-buffers.ts'

/** A file on its way out. */
export type Served = {
  readonly contentHash: string
  readonly size: number
  readonly contentType: string
  readonly disposition: string
}

/** Up to here a file is read at once, and sent with its head; a larger one goes out in such pieces, two at a time. */
const atOnce = 256 * 1024
const tiny = 32 * 1024
const spare = spareBuffers(atOnce, 16)
/** "The recommended policy", and what keeps a browser from seeing in a file what its type does not say. */
const safety = {
  'Content-Security-Policy':
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Content-Type-Options': 'nosniff',
  'Accept-Ranges': 'bytes',
}

/**
 * Answers a request with a file, a part of it (RFC 9110, section 14), or the news that the client has it already. What an id means never
 * changes, so it may be kept for ever: by browsers, and by others only when no token was needed.
 */
export async function serveFile(files: Files, { request, response, requester }: Call, served: Served): Promise<undefined> {
  const { contentHash, size, contentType, disposition } = served
  const etag = `"${contentHash}"`
  const headers = { ...safety, ETag: etag, 'Cache-Control': `${requester ? 'private' : 'public'}, max-age=31536000, immutable` }
  if (isKnown(request.headers['if-none-match'], etag)) {
    sendHead(response, 304, headers)
    response.end()
    return undefined
  }
  const condition = request.headers['if-range']
  const range = condition === undefined || condition === etag ? readRange(request.headers.range, size) : undefined
  if (range === 'unsatisfiable') {
    sendHead(response, 416, { ...safety, 'Content-Range': `bytes */${size}`, 'Content-Length': '0' })
    response.end()
    return undefined
  }
  const { from, to } = range ?? { from: 0, to: size - 1 }
  const head = {
    ...headers,
    'Content-Type': contentType,
    'Content-Length': String(to - from + 1),
    'Content-Disposition': disposition,
    ...(range ? { 'Content-Range': `bytes ${from}-${to}/${size}` } : {}),
  }
  await sendBytes(files, { request, response }, { contentHash, status: range ? 206 : 200, head, range: { from, to } })
  return undefined
}

export type Sending = {
  readonly contentHash: string
  readonly status: number
  readonly head: Record<string, string>
  readonly range: Range
  /** What stands before and after the file. */
  readonly around?: { readonly before: Buffer; readonly after: Buffer }
}

const nothing = Buffer.alloc(0)

/** Answers with bytes of a file, between others; never holds more than two pieces of it. Resolves when all is sent, or the client has gone. */
export async function sendBytes(
  files: Files,
  { request, response }: Pick<Call, 'request' | 'response'>,
  { contentHash, status, head, range, around }: Sending,
): Promise<void> {
  const length = range.to - range.from + 1
  const file = await files.open(contentHash)
  if (!file) throw new Error(`the file ${contentHash} is missing`)
  try {
    if (request.method === 'HEAD' || length === 0) {
      sendHead(response, status, head)
      response.end(between(around, nothing))
    } else if (length <= atOnce) {
      // A tiny one would hold a large buffer for as long as a slow client likes.
      const buffer = length > tiny ? spare.take() : Buffer.allocUnsafe(length)
      const { bytesRead } = await file.read(buffer, 0, length, range.from)
      if (bytesRead !== length) throw new Error(`the file ${contentHash} is shorter than it was`)
      sendHead(response, status, head)
      response.end(between(around, buffer.subarray(0, length)), () => length > tiny && spare.give(buffer))
    } else {
      sendHead(response, status, head)
      if (around !== undefined) response.write(around.before)
      await stream(file, response, range, around?.after ?? nothing)
    }
  } finally {
    file.close().catch(() => {})
  }
}

function between(around: Sending['around'], bytes: Buffer): Buffer {
  return around === undefined ? bytes : Buffer.concat([around.before, bytes, around.after])
}

/** Reads the next piece while the one before goes out; resolves when all is sent, or the client has gone. */
async function stream(file: FileHandle, response: ServerResponse, { from, to }: Range, after: Buffer): Promise<void> {
  const buffers = [spare.take(), spare.take()]
  let sent: Promise<boolean> = Promise.resolve(true)
  for (let at = from, turn = 0; at <= to; turn = 1 - turn) {
    const buffer = buffers[turn]!
    const { bytesRead } = await file.read(buffer, 0, Math.min(atOnce, to - at + 1), at)
    if (bytesRead === 0) throw new Error('a file is shorter than it was')
    if (!(await sent)) return
    sent = send(response, buffer.subarray(0, bytesRead))
    at += bytesRead
  }
  if (!(await sent)) return
  response.end(after)
  buffers.forEach(spare.give)
}

/** Whether bytes went out; false when the client has gone. */
function send(response: ServerResponse, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const gone = () => resolve(false)
    response.once('close', gone)
    response.write(bytes, (error) => {
      response.off('close', gone)
      resolve(!error)
    })
  })
}

function isKnown(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag)
}
