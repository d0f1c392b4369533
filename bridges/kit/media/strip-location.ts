import { ByteCursor } from './byte-cursor.ts'
import { sniff } from './sniff.ts'
import { cleanPng, cleanWebp } from './strip-chunks.ts'
import { cleanJpeg } from './strip-jpeg.ts'
import { cleanMp4 } from './strip-mp4.ts'

const cleaners: Readonly<Record<string, (cursor: ByteCursor) => AsyncGenerator<Buffer, void>>> = {
  'image/jpeg': cleanJpeg,
  'image/png': cleanPng,
  'image/webp': cleanWebp,
  'video/mp4': cleanMp4,
  'video/quicktime': cleanMp4,
  'video/3gpp': cleanMp4,
  'video/3gpp2': cleanMp4,
  'audio/mp4': cleanMp4,
}

/**
 * Takes out of a file what may tell where and with what it was made, while it streams by, and leaves picture and sound as they are: Exif (its orientation
 * stays), XMP, IPTC and comments of jpeg, png and webp, what follows the end of a jpeg or png, and the user data of mp4 and its kin. The bytes say which
 * it is; others pass unchanged. Holds at most 64 KiB and a chunk. Throws only what the input throws.
 */
export async function* stripLocation(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void> {
  const cursor = new ByteCursor(input)
  try {
    const head = await cursor.take(16)
    cursor.giveBack(head)
    yield* cleaners[sniff(head).mime]?.(cursor) ?? cursor.pass(Number.POSITIVE_INFINITY)
  } finally {
    await cursor.close()
  }
}
