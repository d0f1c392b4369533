import type { ByteCursor } from './byte-cursor.ts'

const toTheEnd = Number.POSITIVE_INFINITY
const xmpId = 'be7acfcb97a942e89c71999491e3afac'

type Head = { readonly bytes: Buffer; readonly type: string; readonly size: number }

/**
 * ISO/IEC 14496-12. User data and metadata of the film and its tracks (the place, the device, the tags) become free space of the same size, so that no
 * offset moves; so does XMP.
 */
export async function* cleanMp4(cursor: ByteCursor): AsyncGenerator<Buffer, void> {
  let at = 0
  let filmEnd = 0
  for (;;) {
    const head = await takeHead(cursor)
    if (!head) return yield* cursor.pass(toTheEnd)
    const { bytes, type, size } = head
    const isInFilm = at < filmEnd
    const start = at
    at += bytes.length
    if (type === 'moov' && !isInFilm) filmEnd = start + size
    if (type === 'moov' || (type === 'trak' && isInFilm)) {
      yield bytes
      continue
    }
    // A box that says it is longer than what holds it ends where that ends.
    const rest = (isInFilm ? Math.min(size, filmEnd - start) : size) - bytes.length
    at += Math.max(0, rest)
    if (isInFilm && (type === 'udta' || type === 'meta')) yield* erase(cursor, bytes, rest)
    else if (type === 'uuid') yield* passUnlessXmp(cursor, bytes, rest)
    else {
      yield bytes
      yield* cursor.pass(rest)
    }
  }
}

/** The head of a box, or undefined, with nothing read, where none can stand. */
async function takeHead(cursor: ByteCursor): Promise<Head | undefined> {
  const short = await cursor.take(8)
  const size = short.length < 8 ? 2 : short.readUInt32BE(0)
  const type = short.toString('latin1', 4)
  if (size === 0) return { bytes: short, type, size: toTheEnd }
  if (size >= 8) return { bytes: short, type, size }
  const long = size === 1 ? Buffer.concat([short, await cursor.take(8)]) : short
  const large = long.length < 16 ? 0n : long.readBigUInt64BE(8)
  if (large >= 16n && large <= BigInt(Number.MAX_SAFE_INTEGER)) return { bytes: long, type, size: Number(large) }
  cursor.giveBack(long)
  return undefined
}

async function* erase(cursor: ByteCursor, head: Buffer, length: number): AsyncGenerator<Buffer, void> {
  const free = Buffer.from(head)
  free.write('free', 4, 'latin1')
  yield free
  yield* cursor.pass(length, (bytes) => Buffer.alloc(bytes.length))
}

async function* passUnlessXmp(cursor: ByteCursor, head: Buffer, length: number): AsyncGenerator<Buffer, void> {
  const id = await cursor.take(Math.max(0, Math.min(16, length)))
  cursor.giveBack(id)
  if (id.toString('hex') === xmpId) return yield* erase(cursor, head, length)
  yield head
  yield* cursor.pass(length)
}
