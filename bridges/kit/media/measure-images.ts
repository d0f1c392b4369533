import type { ByteSource } from './byte-source.ts'
import { exifPrefix, readOrientation } from './exif.ts'
import type { Measures } from './measures.ts'

/** The width and height of the frame (ITU T.81, B.2.2), turned as the Exif orientation says. */
export async function measureJpeg(source: ByteSource): Promise<Measures> {
  let turned = false
  let at = 2
  for (;;) {
    const head = await source.read(at, 9)
    if (head.length < 4 || head[0] !== 0xff) return {}
    const marker = head[1]!
    if (marker === 0xff) {
      at += 1
      continue
    }
    if (isFrame(marker)) return head.length < 9 ? {} : turnedBy(turned, head.readUInt16BE(7), head.readUInt16BE(5))
    const length = head.readUInt16BE(2)
    if (marker === 0xda || marker === 0xd9 || length < 2) return {}
    if (marker === 0xe1 && !turned) turned = ((await orientationIn(source, at + 4, length - 2)) ?? 1) >= 5
    at += 2 + length
  }
}

/** SOF0 to SOF15; among them stand DHT (C4), JPG (C8) and DAC (CC). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

async function orientationIn(source: ByteSource, at: number, length: number): Promise<number | undefined> {
  const segment = await source.read(at, length)
  return segment.toString('latin1', 0, 6) === exifPrefix ? readOrientation(segment.subarray(6)) : undefined
}

function turnedBy(turned: boolean, width: number, height: number): Measures {
  return turned ? { width: height, height: width } : { width, height }
}

export async function measurePng(source: ByteSource): Promise<Measures> {
  const head = await source.read(0, 24)
  if (head.length < 24 || head.toString('latin1', 12, 16) !== 'IHDR') return {}
  return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) }
}

export async function measureGif(source: ByteSource): Promise<Measures> {
  const head = await source.read(0, 10)
  return head.length < 10 ? {} : { width: head.readUInt16LE(6), height: head.readUInt16LE(8) }
}

/** RFC 9649, section 2: the canvas of an extended file, or the frame of a simple one. */
export async function measureWebp(source: ByteSource): Promise<Measures> {
  const head = await source.read(0, 30)
  if (head.length < 25) return {}
  const chunk = head.toString('latin1', 12, 16)
  if (chunk === 'VP8L') {
    if (head[20] !== 0x2f) return {}
    const bits = head.readUInt32LE(21)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (head.length < 30) return {}
  if (chunk === 'VP8X') return { width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1 }
  // RFC 6386, section 9.1: a key frame's start code, then fourteen bits each, with two of scale above.
  if (chunk !== 'VP8 ' || head.readUIntBE(23, 3) !== 0x9d012a) return {}
  return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff }
}
