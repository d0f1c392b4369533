/** The kinds of pictures that are decoded. Nothing else ever meets a decoder. */
export type ImageFormat = 'jpeg' | 'png' | 'gif' | 'webp'

/** How many bytes of a file are enough to tell. */
export const headBytes = 4096

/** What a file is by its first bytes, whatever its sender said; undefined for what is none of these pictures. */
export function sniffImage(head: Buffer): ImageFormat | undefined {
  if (head.length >= 3 && head.readUIntBE(0, 3) === 0xffd8ff) return 'jpeg'
  if (head.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n') return 'png'
  if (/^GIF8[79]a/.test(head.toString('latin1', 0, 6))) return 'gif'
  if (head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP') return 'webp'
  return undefined
}

/** Whether a PNG is surely still: its image data begin in `head`, and no animation control chunk stands before them (PNG, 5.6). */
export function isStillPng(head: Buffer): boolean {
  for (let at = 8; at + 8 <= head.length; at += 12 + head.readUInt32BE(at)) {
    const chunk = head.toString('latin1', at + 4, at + 8)
    if (chunk === 'IDAT') return true
    if (chunk === 'acTL') return false
  }
  return false
}
