import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'

/** A picture with something to see, so that it does not shrink to nothing. */
export function photograph(width: number, height: number): ReturnType<typeof sharp> {
  const pixels = Buffer.alloc(width * height * 3)
  for (let at = 0; at < pixels.length; at++) pixels[at] = (at * 7 + ((at / (width * 3)) | 0) * 3) & 0xff
  return sharp(pixels, { raw: { width, height, channels: 3 } })
}

/** An animation of so many frames, each a little different. */
export async function animation(width: number, height: number, frames: number): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3 * frames)
  for (let at = 0; at < pixels.length; at++) pixels[at] = ((at / (width * height * 3)) | 0) * 40 + (at % 200)
  const raw = { width, height: height * frames, channels: 3, pageHeight: height } as const
  return sharp(pixels, { raw }).gif({ loop: 0 }).toBuffer()
}

/** A PNG that says it is as large as one likes; its data are zeros, packed. */
export function pngOf(width: number, height: number, options: { rows?: number; animated?: boolean } = {}): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const data = deflateSync(Buffer.alloc((options.rows ?? height) * (1 + width * 3)), { level: 9 })
  const control = options.animated ? [pngChunk('acTL', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]))] : []
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([signature, pngChunk('IHDR', header), ...control, pngChunk('IDAT', data), pngChunk('IEND', Buffer.alloc(0))])
}

function pngChunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, check])
}

/** A GIF of so many frames of one pixel each. */
export function gifOf(width: number, height: number, frames: number): Buffer {
  const screen = Buffer.alloc(13)
  screen.write('GIF89a', 'latin1')
  screen.writeUInt16LE(width, 6)
  screen.writeUInt16LE(height, 8)
  screen[10] = 0x80
  const palette = Buffer.from([0, 0, 0, 255, 255, 255])
  const frame = Buffer.from('21f904000a0000002c000000000100010000024401003b'.slice(0, -2), 'hex')
  return Buffer.concat([screen, palette, ...Array.from({ length: frames }, () => frame), Buffer.from([0x3b])])
}
