import type { ByteSource } from './byte-source.ts'
import type { Measures } from './measures.ts'

type Box = { readonly type: string; readonly body: number; readonly end: number }
type Track = { readonly handler: string; readonly width: number; readonly height: number }

/** ISO/IEC 14496-12: the length from `mvhd`, the picture's size from the largest track of pictures. */
export async function measureMp4(source: ByteSource): Promise<Measures> {
  const moov = await findBox(source, { type: '', body: 0, end: source.size }, 'moov')
  if (!moov) return {}
  let durationMs: number | undefined
  const tracks: Track[] = []
  for await (const box of boxesIn(source, moov)) {
    if (box.type === 'mvhd') durationMs = await readDuration(source, box)
    if (box.type === 'trak') tracks.push(await readTrack(source, box))
  }
  const pictures = tracks.filter(({ handler }) => handler === 'vide').sort((a, b) => b.width * b.height - a.width * a.height)
  const [largest] = pictures
  return {
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(tracks.length === 0 ? {} : { hasVideo: largest !== undefined }),
    ...(largest ? { width: largest.width, height: largest.height } : {}),
  }
}

/** The boxes that stand side by side in another, until one that cannot be. */
async function* boxesIn(source: ByteSource, { body, end }: Box): AsyncGenerator<Box, void> {
  for (let at = body; at + 8 <= end; ) {
    const head = await source.read(at, 16)
    if (head.length < 8) return
    const size = sizeOf(head, end - at)
    if (size === undefined || at + size > end) return
    yield { type: head.toString('latin1', 4, 8), body: at + (head.readUInt32BE(0) === 1 ? 16 : 8), end: at + size }
    at += size
  }
}

/** 0 means: to the end; 1: the size follows in 64 bits. */
function sizeOf(head: Buffer, room: number): number | undefined {
  const size = head.readUInt32BE(0)
  if (size === 0) return room
  if (size !== 1) return size >= 8 ? size : undefined
  const large = head.length < 16 ? 0n : head.readBigUInt64BE(8)
  return large >= 16n && large <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(large) : undefined
}

async function findBox(source: ByteSource, inside: Box, type: string): Promise<Box | undefined> {
  for await (const box of boxesIn(source, inside)) if (box.type === type) return box
  return undefined
}

async function readDuration(source: ByteSource, { body }: Box): Promise<number | undefined> {
  const bytes = await source.read(body, 32)
  if (bytes.length < 32) return undefined
  const isLong = bytes[0] === 1
  const scale = bytes.readUInt32BE(isLong ? 20 : 12)
  const duration = isLong ? Number(bytes.readBigUInt64BE(24)) : bytes.readUInt32BE(16)
  return scale === 0 ? undefined : (duration / scale) * 1000
}

async function readTrack(source: ByteSource, track: Box): Promise<Track> {
  let [handler, width, height] = ['', 0, 0]
  for await (const box of boxesIn(source, track)) {
    if (box.type === 'tkhd') ({ width, height } = await readTrackSize(source, box))
    if (box.type !== 'mdia') continue
    const hdlr = await findBox(source, box, 'hdlr')
    if (hdlr) handler = (await source.read(hdlr.body + 8, 4)).toString('latin1')
  }
  return { handler, width, height }
}

/** Width and height close the box, in 16.16; before them stands a matrix, whose first and fifth number are 0 where the picture lies on its side. */
async function readTrackSize(source: ByteSource, { body, end }: Box): Promise<{ width: number; height: number }> {
  const bytes = await source.read(body, Math.min(end - body, 104))
  const matrix = bytes[0] === 1 ? 52 : 40
  if (bytes.length < matrix + 44) return { width: 0, height: 0 }
  const [width, height] = [bytes.readUInt32BE(matrix + 36) >>> 16, bytes.readUInt32BE(matrix + 40) >>> 16]
  const isTurned = bytes.readInt32BE(matrix) === 0 && bytes.readInt32BE(matrix + 16) === 0
  return isTurned ? { width: height, height: width } : { width, height }
}
