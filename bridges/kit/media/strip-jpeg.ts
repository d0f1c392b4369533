import type { ByteCursor } from './byte-cursor.ts'
import { exifPrefix, orientationTiff, readOrientation } from './exif.ts'

const [soi, eoi, app0, app1, app2, app14, app15, comment] = [0xd8, 0xd9, 0xe0, 0xe1, 0xe2, 0xee, 0xef, 0xfe]
const iccPrefix = 'ICC_PROFILE\0'
const toTheEnd = Number.POSITIVE_INFINITY

/**
 * Of the application segments those stay that a decoder needs: JFIF, the colour profile, Adobe's transform, and of Exif the orientation. What stands after
 * the end (further pictures, a moving picture: with places of their own) goes.
 */
export async function* cleanJpeg(cursor: ByteCursor): AsyncGenerator<Buffer, void> {
  let isTurned = false
  for (;;) {
    const marker = yield* passToMarker(cursor)
    if (marker === undefined) return
    if (marker === soi || marker === eoi) yield Buffer.from([0xff, marker])
    if (marker === eoi) return cursor.skip(toTheEnd)
    if (marker === soi) continue
    const size = await cursor.take(2)
    const length = size.length < 2 ? 0 : size.readUInt16BE(0)
    const head = Buffer.concat([Buffer.from([0xff, marker]), size])
    if (length < 2) yield head
    else if (marker === app1 && !isTurned) {
      const turned = turnedSegment(await cursor.take(length - 2))
      isTurned = turned !== undefined
      if (turned) yield turned
    } else if (marker === app2) yield* passProfile(cursor, head, length - 2)
    else if ((marker > app0 && marker <= app15 && marker !== app14) || marker === comment) await cursor.skip(length - 2)
    else {
      yield head
      yield* cursor.pass(length - 2)
    }
  }
}

/** A segment that tells the orientation of this one and nothing else; undefined when there is nothing to tell. */
function turnedSegment(segment: Buffer): Buffer | undefined {
  const orientation = segment.toString('latin1', 0, 6) === exifPrefix ? readOrientation(segment.subarray(6)) : undefined
  if (orientation === undefined || orientation === 1) return undefined
  const tiff = orientationTiff(orientation)
  return Buffer.concat([Buffer.from([0xff, app1, 0, 2 + exifPrefix.length + tiff.length]), Buffer.from(exifPrefix, 'latin1'), tiff])
}

/** Other uses of the segment point to further pictures behind this one. */
async function* passProfile(cursor: ByteCursor, head: Buffer, length: number): AsyncGenerator<Buffer, void> {
  const name = await cursor.take(Math.min(length, iccPrefix.length))
  if (name.toString('latin1') !== iccPrefix) return cursor.skip(length - name.length)
  yield head
  yield name
  yield* cursor.pass(length - name.length)
}

/** Lets everything go by up to the next marker, which it returns: coded data, restart markers, fill bytes, and what should not stand there. */
async function* passToMarker(cursor: ByteCursor): AsyncGenerator<Buffer, number | undefined> {
  for (;;) {
    const bytes = await cursor.some()
    if (!bytes) return undefined
    const at = findMarker(bytes)
    if (at > 0) yield bytes.subarray(0, at)
    if (at === bytes.length) continue
    if (at + 1 < bytes.length) {
      cursor.giveBack(bytes.subarray(at + 2))
      return bytes[at + 1]
    }
    const next = await cursor.take(1)
    if (next.length === 0) yield bytes.subarray(at)
    else cursor.giveBack(Buffer.from([0xff, next[0]!]))
  }
}

/** Where a marker begins, or a last byte that may begin one; the length where there is none. "FF 00" is data, and so is every code below C0. */
function findMarker(bytes: Buffer): number {
  for (let at = bytes.indexOf(0xff); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1]
    if (code === undefined || (code >= 0xc0 && code !== 0xff && (code < 0xd0 || code > 0xd7))) return at
  }
  return bytes.length
}
