/** What makes an answer none: it breaks off, or has no such form. */
export class Malformed extends Error {}

/** The part of an answer that holds the file, or says where it is; `body` is to be read to its end. */
export type FilePart = { readonly headers: ReadonlyMap<string, string>; readonly body: AsyncIterable<Buffer> }

const boundaryGrammar = /^multipart\/mixed\s*;(?:.*;)?\s*boundary=(?:"([^"\r\n]{1,70})"|([\w'()+./:=?-]{1,70}))\s*(?:;|$)/i
const mostPreamble = 1024
const mostHeaders = 16 * 1024
const mostMetadata = 64 * 1024
const mostLines = 64
const mostEpilogue = 1024
const lineEnd = Buffer.from('\r\n')

/** The boundary that a content type names; undefined for whatever is not `multipart/mixed`. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const [, quoted, bare] = boundaryGrammar.exec(contentType?.trim() ?? '') ?? []
  return quoted ?? bare
}

/**
 * Reads up to the file in an answer of two parts: the first describes it, in JSON, the second is it. Nothing of the file is held but what came in one
 * piece. Throws `Malformed`, also while the file is read. https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediadownloadmediaid
 */
export async function readFilePart(source: AsyncIterable<Buffer>, boundary: string): Promise<FilePart> {
  const reader = createReader(source)
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  await reader.until(delimiter, mostPreamble)
  await beginPart(reader)
  await readHeaders(reader)
  await reader.until(delimiter, mostMetadata)
  await beginPart(reader)
  return { headers: await readHeaders(reader), body: reader.rest(delimiter) }
}

/** "boundary delimiters … must be followed immediately either by another CRLF and the header fields for the next part", perhaps after white space. */
async function beginPart(reader: Reader): Promise<void> {
  const padding = await reader.until(lineEnd, 64)
  if (!/^[ \t]*$/.test(padding.toString('latin1'))) throw new Malformed('a part is missing')
  reader.unread(lineEnd)
}

/** Leaves the line end before the body, which may be the one before a boundary: a body may be empty. */
async function readHeaders(reader: Reader): Promise<ReadonlyMap<string, string>> {
  const text = (await reader.until(Buffer.from('\r\n\r\n'), mostHeaders)).toString('utf8')
  reader.unread(lineEnd)
  const lines = text.split('\r\n').filter((line) => line !== '')
  if (lines.length > mostLines) throw new Malformed('a part has too many headers')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    if (colon > 0 && !headers.has(name)) headers.set(name, line.slice(colon + 1).trim())
  }
  return headers
}

type Reader = {
  /** The bytes before a mark, which is taken too; at most so many. */
  readonly until: (mark: Buffer, most: number) => Promise<Buffer>
  readonly unread: (bytes: Buffer) => void
  /** The bytes before a delimiter, without the line end that they begin with. */
  readonly rest: (delimiter: Buffer) => AsyncIterable<Buffer>
}

function createReader(source: AsyncIterable<Buffer>): Reader {
  const chunks = source[Symbol.asyncIterator]()
  // A first boundary may stand at the very beginning, without the line end that is part of the others.
  let held: Buffer = lineEnd
  async function more(): Promise<void> {
    const { value, done } = await chunks.next()
    if (done) throw new Malformed('the answer breaks off')
    held = held.length === 0 ? value : Buffer.concat([held, value])
  }
  async function until(mark: Buffer, most: number): Promise<Buffer> {
    for (let from = 0; ; ) {
      const at = held.indexOf(mark, from)
      if (at > most || (at < 0 && held.length > most + mark.length)) throw new Malformed('a part of the answer is too long')
      if (at >= 0) {
        const found = held.subarray(0, at)
        held = held.subarray(at + mark.length)
        return found
      }
      from = Math.max(0, held.length - mark.length + 1)
      await more()
    }
  }
  async function* rest(delimiter: Buffer): AsyncGenerator<Buffer> {
    while (held.length < delimiter.length) await more()
    let begin = held.indexOf(delimiter) === 0 ? 0 : lineEnd.length
    for (;;) {
      const at = held.indexOf(delimiter, begin === 0 ? 0 : begin)
      const end = at < 0 ? held.length - delimiter.length + 1 : at
      if (end > begin) {
        yield held.subarray(begin, end)
        held = held.subarray(end)
        begin = 0
      }
      if (at >= 0) break
      await more()
    }
    await drain(chunks).catch(() => {})
  }
  return {
    until,
    rest,
    unread: (bytes) => {
      held = Buffer.concat([bytes, held])
    },
  }
}

/** What may follow is read so that the connection can be used again; not much of it. */
async function drain(chunks: AsyncIterator<Buffer>): Promise<void> {
  for (let left = mostEpilogue; left > 0; ) {
    const { value, done } = await chunks.next()
    if (done) return
    left -= value.length
  }
  await chunks.return?.()
}
