import { crc32, deflateSync } from 'node:zlib'

/** What no file that was cleaned may hold. */
export const place = 'SECRET-PLACE'

const latin = (text: string) => Buffer.from(text, 'latin1')
const u16 = (...values: number[]) => Buffer.concat(values.map((value) => Buffer.from([value >> 8, value & 255])))
const u32 = (...values: number[]) =>
  Buffer.concat(values.map((value) => Buffer.from(new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]))))
const le32 = (value: number) => u32(value).reverse()
const bytes = (...values: (number | Buffer | string)[]) =>
  Buffer.concat(
    values.map((value) => (typeof value === 'number' ? Buffer.from([value]) : typeof value === 'string' ? latin(value) : value)),
  )

/** A TIFF header with an orientation, a pointer to a GPS directory, and a name of the place. */
export function gpsTiff(orientation = 1): Buffer {
  const entry = (tag: number, type: number, count: number, value: Buffer) => bytes(u16(tag, type), u32(count), value)
  const ifd0 = bytes(u16(2), entry(0x0112, 3, 1, u16(orientation, 0)), entry(0x8825, 4, 1, u32(38)), u32(0))
  const gps = bytes(u16(1), entry(0x001b, 7, place.length, u32(56)), u32(0))
  return bytes('MM\0*', u32(8), ifd0, gps, place)
}

export const segment = (marker: number, ...body: (number | Buffer | string)[]) => {
  const data = bytes(...body)
  return bytes(0xff, marker, u16(data.length + 2), data)
}
export const exifSegment = (orientation?: number) => segment(0xe1, 'Exif\0\0', gpsTiff(orientation))
export const xmpSegment = segment(0xe1, `http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>${place}</x:xmpmeta>`)
export const iccSegment = segment(0xe2, 'ICC_PROFILE\0\x01\x01', Buffer.alloc(300, 7))

/** A grey picture: every block is one bit of "no difference" and one of "end of block"; a restart marker follows each block. */
export function jpeg({ width = 24, height = 8, extra = [] as Buffer[], after = '' } = {}): Buffer {
  const blocks = Math.min(64, Math.ceil(width / 8) * Math.ceil(height / 8))
  const scan = Array.from({ length: blocks }, (_, at) => (at + 1 < blocks ? bytes(0x3f, 0xff, 0xd0 + (at % 8)) : bytes(0x3f)))
  const table = (id: number) => bytes(id, 1, Buffer.alloc(15), 0)
  return bytes(
    u16(0xffd8),
    segment(0xe0, 'JFIF\0', u16(0x0101), 0, u16(1, 1), u16(0)),
    ...extra,
    segment(0xdb, 0, Buffer.alloc(64, 1)),
    segment(0xc0, 8, u16(height, width), 1, 1, 0x11, 0),
    segment(0xc4, table(0x00), table(0x10)),
    segment(0xdd, u16(1)),
    segment(0xda, 1, 1, 0, 0, 63, 0),
    ...scan,
    u16(0xffd9),
    after,
  )
}

export function pngChunk(type: string, data: Buffer): Buffer {
  const named = bytes(type, data)
  return bytes(u32(data.length), named, u32(crc32(named)))
}
export function png({ width = 3, height = 2, extra = [] as Buffer[], after = '' } = {}): Buffer {
  const rows = Buffer.alloc(Math.min(height, 16) * (1 + Math.min(width, 16)))
  return bytes(
    '\x89PNG\r\n\x1a\n',
    pngChunk('IHDR', bytes(u32(width, height), 8, 0, 0, 0, 0)),
    ...extra,
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
    after,
  )
}
export const toldPng = [
  pngChunk('eXIf', gpsTiff(6)),
  pngChunk('tEXt', latin(`Comment\0${place}`)),
  pngChunk('zTXt', latin(`Raw profile type exif\0\0${place}`)),
  pngChunk('iTXt', latin(`XML:com.adobe.xmp\0\0\0\0\0<x>${place}</x>`)),
]

export function gif(width = 5, height = 4): Buffer {
  const le16 = (value: number) => u16(value).reverse()
  return bytes(
    'GIF89a',
    le16(width),
    le16(height),
    0x80,
    0,
    0,
    0,
    0,
    0,
    255,
    255,
    255,
    ',',
    Buffer.alloc(4),
    le16(1),
    le16(1),
    0,
    2,
    2,
    0x44,
    1,
    0,
    0x3b,
  )
}

export const riffChunk = (type: string, data: Buffer) => bytes(type, le32(data.length), data, data.length % 2 ? 0 : '')
export function webp(...chunks: Buffer[]): Buffer {
  const all = bytes('WEBP', ...chunks)
  return bytes('RIFF', le32(all.length), all)
}
export const webpLossless = (width: number, height: number) =>
  riffChunk('VP8L', bytes(0x2f, le32((width - 1) | ((height - 1) << 14)), Buffer.alloc(7, 0x88)))
export const webpLossy = (width: number, height: number) =>
  riffChunk('VP8 ', bytes(0x10, 0, 0, 0x9d, 0x01, 0x2a, u16(width).reverse(), u16(height).reverse(), Buffer.alloc(9)))
export const webpExtended = (width: number, height: number, flags: number) =>
  riffChunk('VP8X', bytes(flags, 0, 0, 0, le32(width - 1).subarray(0, 3), le32(height - 1).subarray(0, 3)))
export const toldWebp = webp(
  webpExtended(7, 6, 0x0c),
  webpLossless(7, 6),
  riffChunk('EXIF', gpsTiff(8)),
  riffChunk('XMP ', latin(`<x:xmpmeta>${place}</x:xmpmeta>`)),
)

export const box = (type: string, ...body: (number | Buffer | string)[]) => {
  const data = bytes(...body)
  return bytes(u32(data.length + 8), type, data)
}
const upright = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
const onItsSide = u32(0, 0x10000, 0, 0xffff0000, 0, 0, 0, 0, 0x40000000)
const track = (handler: string, width: number, height: number, turned: boolean) =>
  box(
    'trak',
    box('tkhd', u32(7, 0, 0, 1, 0, 2500), Buffer.alloc(16), turned ? onItsSide : upright, u32(width << 16, height << 16)),
    box('mdia', box('hdlr', u32(0, 0), handler, Buffer.alloc(13))),
    box('udta', box('name', place)),
  )
export const xmpBox = box('uuid', Buffer.from('be7acfcb97a942e89c71999491e3afac', 'hex'), `<x>${place}</x>`)
/** With the film's description before the pictures, or after them. */
export function mp4({
  brand = 'isom',
  turned = false,
  pictures = true,
  last = false,
  longForm = false,
  extra = [] as Buffer[],
} = {}): Buffer {
  const mvhd = longForm
    ? box('mvhd', u32(0x01000000, 0, 0, 0, 0, 1000, 0, 2500), Buffer.alloc(80))
    : box('mvhd', u32(0, 0, 0, 1000, 2500), Buffer.alloc(80))
  const tracks = [...(pictures ? [track('vide', 640, 360, turned)] : []), track('soun', 0, 0, false)]
  const moov = box('moov', mvhd, ...tracks, box('udta', box('\xa9xyz', u16(8, 0), place)), box('meta', u32(0), place))
  const mdat = box('mdat', Buffer.alloc(500, 0xab))
  return bytes(box('ftyp', brand, u32(512), 'isomiso2'), ...extra, ...(last ? [mdat, moov] : [moov, mdat]))
}

const page = (flags: number, granule: bigint, sequence: number, packet: Buffer) => {
  const position = Buffer.alloc(8)
  position.writeBigInt64LE(granule)
  return bytes('OggS', 0, flags, position, le32(4711), le32(sequence), u32(0), 1, packet.length, packet)
}
export function oggOpus(seconds: number): Buffer {
  const end = BigInt(Math.round(seconds * 48_000) + 312)
  return bytes(
    page(2, 0n, 0, bytes('OpusHead', 1, 1, u16(312).reverse(), le32(16_000), 0, 0, 0)),
    page(0, 0n, 1, bytes('OpusTags', le32(2), 'me', le32(0))),
    page(0, -1n, 2, Buffer.alloc(200, 3)),
    page(4, end, 3, Buffer.alloc(120, 3)),
  )
}
export const oggVorbis = bytes(
  page(2, 0n, 0, bytes('\x01vorbis', le32(0), 2, le32(44_100), Buffer.alloc(14))),
  page(4, 66_150n, 1, Buffer.alloc(50)),
)

export const mp3 = (() => {
  const frame = bytes(0xff, 0xfb, 0x90, 0x00, Buffer.alloc(413))
  return bytes(frame, frame)
})()
export const adts = (() => {
  const frame = bytes(0xff, 0xf1, 0x50, 0x80, 0x02, 0x1f, 0xfc, Buffer.alloc(9))
  return bytes(frame, frame)
})()
export const webm = bytes(Buffer.from('1a45dfa39f4286810142f7810142f2810442f381084282847765626d4287810442858102', 'hex'))
export const matroska = bytes(Buffer.from('1a45dfa3a34286810142f7810142f2810442f3810842828861', 'hex'), 'matroska'.slice(1))
