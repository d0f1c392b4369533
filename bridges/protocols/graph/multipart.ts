import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { failure } from './errors.ts'
import type { GraphFailure } from './failure.ts'

/** A file on its way out: `open` starts reading it anew each time. */
export interface OutgoingFile {
  name: string
  mime: string
  /** When it is known, the length is announced and must be true. */
  size?: number
  open(): AsyncIterable<Uint8Array>
}

/** A form with one file in it, which is streamed and never stands in memory whole. */
export interface Multipart {
  fields: Readonly<Record<string, string>>
  fileField: string
  file: OutgoingFile
  /** More than this is never sent. */
  maxBytes: number
}

export interface EncodedMultipart {
  headers: Record<string, string>
  body: Readable
  /** What was wrong with the file, once it was read. */
  problem(): GraphFailure | undefined
}

/** Writes a multipart form as a stream. Throws a TypeError for a type that is none. */
export function encodeMultipart({ fields, fileField, file, maxBytes }: Multipart): EncodedMultipart {
  if (!/^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+(?:; ?codecs=[a-z0-9.]+)?$/.test(file.mime)) throw new TypeError('no media type')
  const boundary = `----form${randomBytes(18).toString('hex')}`
  const parts = Object.entries(fields).map(([name, value]) => `${head(boundary, quoted(name))}\r\n\r\n${value}\r\n`)
  const disposition = `${quoted(fileField)}; filename=${quoted(file.name)}`
  const before = Buffer.from(`${parts.join('')}${head(boundary, disposition)}\r\nContent-Type: ${file.mime}\r\n\r\n`)
  const after = Buffer.from(`\r\n--${boundary}--\r\n`)
  let problem: GraphFailure | undefined
  async function* write(): AsyncGenerator<Uint8Array> {
    yield before
    let bytes = 0
    try {
      for await (const chunk of file.open()) {
        bytes += chunk.length
        if (bytes > maxBytes) problem = failure('refused', 'too_large')
        else if (file.size !== undefined && bytes > file.size) problem = failure('retry', 'damaged')
        if (problem) break
        yield chunk
      }
    } catch {
      problem = failure('retry', 'damaged')
    }
    if (file.size !== undefined && bytes < file.size) problem ??= failure('retry', 'damaged')
    if (problem) throw new Error('the file could not be sent')
    yield after
  }
  const length: Record<string, string> =
    file.size === undefined ? {} : { 'content-length': String(before.length + file.size + after.length) }
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, ...length },
    body: Readable.from(write(), { objectMode: false }),
    problem: () => problem,
  }
}

function head(boundary: string, disposition: string): string {
  return `--${boundary}\r\nContent-Disposition: form-data; name=${disposition}`
}

/** Quoted as browsers quote names in forms. */
function quoted(text: string): string {
  const escaped = text.toWellFormed().replace(/["\r\n]/g, (sign) => encodeURIComponent(sign))
  return `"${escaped}"`
}
