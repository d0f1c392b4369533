// TIFF 6.0, section 2; Exif 2.32, section 4.6.4: Orientation (274), a SHORT in the first directory.
const orientationTag = 0x0112
const mostEntries = 512

/** The orientation, 1 to 8, that a TIFF header and its first directory tell; undefined when there is none that can be read. */
export function readOrientation(tiff: Buffer): number | undefined {
  const order = tiff.toString('latin1', 0, 4)
  if (order !== 'II*\0' && order !== 'MM\0*') return undefined
  const little = order === 'II*\0'
  const u16 = (at: number) => (at + 2 > tiff.length ? 0 : little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at))
  if (tiff.length < 8) return undefined
  const directory = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4)
  const entries = Math.min(u16(directory), mostEntries)
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + entry * 12
    if (u16(at) !== orientationTag) continue
    const value = u16(at + 8)
    return u16(at + 2) === 3 && value >= 1 && value <= 8 ? value : undefined
  }
  return undefined
}

/** A TIFF header with a directory that tells an orientation and nothing else: 26 bytes. */
export function orientationTiff(orientation: number): Buffer {
  const tiff = Buffer.alloc(26)
  tiff.write('MM\0*', 'latin1')
  tiff.writeUInt32BE(8, 4)
  tiff.writeUInt16BE(1, 8)
  tiff.writeUInt16BE(orientationTag, 10)
  tiff.writeUInt16BE(3, 12)
  tiff.writeUInt32BE(1, 14)
  tiff.writeUInt16BE(orientation, 18)
  return tiff
}

export const exifPrefix = 'Exif\0\0'
/** A segment of JPEG holds no more. */
export const mostExifBytes = 65_535
