import { crc32 } from 'node:zlib'
import type { ByteCursor } from './byte-cursor.ts'
import { mostExifBytes, orientationTiff, readOrientation } from './exif.ts'

const toTheEnd = Number.POSITIVE_INFINITY
/** Exif (also as it was spelt before the standard), texts (XMP is one), and the provenance box of C2PA. */
const toldInPng = new Set(['eXIf', 'exIf', 'zxIf', 'tEXt', 'zTXt', 'iTXt', 'caBX'])

/** https://www.w3.org/TR/png-3/#5Chunk-layout. An orientation stays as an eXIf chunk of its own. */
export async function* cleanPng(cursor: ByteCursor): AsyncGenerator<Buffer, void> {
  yield await cursor.take(8)
  let isTurned = false
  for (;;) {
    const head = await cursor.take(8)
    const length = head.length < 8 ? toTheEnd : head.readUInt32BE(0)
    const type = head.toString('latin1', 4)
    if (type === 'eXIf' && !isTurned && length <= mostExifBytes) {
      const orientation = readOrientation(await cursor.take(length)) ?? 1
      await cursor.skip(4)
      isTurned = orientation !== 1
      if (isTurned) yield pngChunk(type, orientationTiff(orientation))
    } else if (toldInPng.has(type)) await cursor.skip(length + 4)
    else {
      if (head.length > 0) yield head
      // "The value must not exceed 2^31-1": what cannot be a chunk, and all that follows, is no picture any more.
      yield* cursor.pass(length > 0x7fffffff ? toTheEnd : length + 4)
    }
    if (head.length < 8) return
    if (type === 'IEND') return cursor.skip(toTheEnd)
  }
}

function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length)
  chunk.writeUInt32BE(data.length, 0)
  chunk.write(type, 4, 'latin1')
  data.copy(chunk, 8)
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length)
  return chunk
}

/**
 * RFC 9649, section 2.7. The sizes of all stand before everything, and flags say which chunks there are: so Exif and XMP are not taken out but written over.
 */
export async function* cleanWebp(cursor: ByteCursor): AsyncGenerator<Buffer, void> {
  yield await cursor.take(12)
  for (;;) {
    const head = await cursor.take(8)
    if (head.length > 0) yield head
    if (head.length < 8) return
    const type = head.toString('latin1', 0, 4)
    const size = head.readUInt32LE(4)
    const padding = size % 2
    if (type === 'EXIF') {
      const known = await cursor.take(Math.min(size, mostExifBytes))
      yield orientationOnly(known)
      yield* cursor.pass(size - known.length, (bytes) => Buffer.alloc(bytes.length))
      yield* cursor.pass(padding)
    } else if (type === 'XMP ') {
      yield* cursor.pass(size, (bytes) => Buffer.alloc(bytes.length, ' '))
      yield* cursor.pass(padding)
    } else yield* cursor.pass(size + padding)
  }
}

/** As long as it was, with nothing in it but the orientation. Some writers put the prefix of JPEG before the TIFF header. */
function orientationOnly(exif: Buffer): Buffer {
  const start = exif.toString('latin1', 0, 6) === 'Exif\0\0' ? 6 : 0
  const tiff = orientationTiff(readOrientation(exif.subarray(start)) ?? 1)
  const clean = Buffer.alloc(exif.length)
  if (exif.length >= tiff.length) tiff.copy(clean)
  return clean
}
