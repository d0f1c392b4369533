import { pipeline } from 'node:stream/promises'
import type { Call } from '../http/endpoint.ts'
import { sendHead } from '../http/reply.ts'
import { type Range, readRange } from './byte-range.ts'
import type { Files } from './files.ts'

/** A file on its way out. */
export type Served = {
  readonly contentHash: string
  readonly size: number
  readonly contentType: string
  readonly disposition: string
}

/** Up to here a file is read at once, and sent with its head. */
const small = 256 * 1024
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
  await sendBytes(files, { request, response } as Call, { contentHash, status: range ? 206 : 200, head, range: { from, to } })
  return undefined
}

type Sending = { contentHash: string; status: number; head: Record<string, string>; range: Range }

async function sendBytes(files: Files, { request, response }: Call, { contentHash, status, head, range }: Sending): Promise<void> {
  const { from, to } = range
  const file = await files.open(contentHash)
  if (!file) throw new Error(`the file ${contentHash} is missing`)
  const length = to - from + 1
  if (request.method === 'HEAD' || length === 0 || length > small) {
    sendHead(response, status, head)
    if (request.method === 'HEAD' || length === 0) {
      await file.close()
      response.end()
      return
    }
    const bytes = file.createReadStream({ start: from, end: to, highWaterMark: small })
    await pipeline(bytes, response).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
    })
    return
  }
  const buffer = Buffer.allocUnsafe(length)
  const { bytesRead } = await file.read(buffer, 0, length, from).finally(() => void file.close().catch(() => {}))
  if (bytesRead !== length) throw new Error(`the file ${contentHash} is shorter than it was`)
  sendHead(response, status, head)
  response.end(buffer)
}

function isKnown(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag)
}
