export type MediaKind = 'image' | 'video' | 'audio' | 'file'
export type Sniffed = {
  readonly mime: string
  readonly kind: MediaKind
  /** With no dot; for a name that has none. */
  readonly extension: string
  readonly codec?: 'opus' | 'vorbis'
}

/** So many of a file's first bytes say all that `sniff` can see. */
export const sniffBytes = 4096

const unknown: Sniffed = { mime: 'application/octet-stream', kind: 'file', extension: 'bin' }
const image = (name: string, extension = name): Sniffed => ({ mime: `image/${name}`, kind: 'image', extension })
const video = (name: string, extension = name): Sniffed => ({ mime: `video/${name}`, kind: 'video', extension })
const audio = (name: string, extension = name): Sniffed => ({ mime: `audio/${name}`, kind: 'audio', extension })
const file = (mime: string, extension: string): Sniffed => ({ mime, kind: 'file', extension })

/** Bytes that stand at the start of a file. */
const starts: readonly (readonly [string, Sniffed])[] = [
  ['\xff\xd8\xff', image('jpeg', 'jpg')],
  ['\x89PNG\r\n\x1a\n', image('png')],
  ['GIF87a', image('gif')],
  ['GIF89a', image('gif')],
  ['II*\0', image('tiff', 'tif')],
  ['MM\0*', image('tiff', 'tif')],
  ['%PDF-', file('application/pdf', 'pdf')],
  ['PK\x03\x04', file('application/zip', 'zip')],
  ['PK\x05\x06', file('application/zip', 'zip')],
  ['\x1f\x8b\x08', file('application/gzip', 'gz')],
  ["7z\xbc\xaf'\x1c", file('application/x-7z-compressed', '7z')],
  ['Rar!\x1a\x07', file('application/vnd.rar', 'rar')],
  ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', file('application/x-ole-storage', 'ole')],
  ['#!AMR-WB\n', audio('amr-wb', 'awb')],
  ['#!AMR\n', audio('amr')],
  ['fLaC', audio('flac')],
  ['ID3', audio('mpeg', 'mp3')],
]
/** Major brands of ISO base media files; every other one is taken for mp4. */
const brands: readonly (readonly [RegExp, Sniffed])[] = [
  [/^qt {2}$/, video('quicktime', 'mov')],
  [/^3g[pers]/, video('3gpp', '3gp')],
  [/^3g2/, video('3gpp2', '3g2')],
  [/^M4[AB] $|^F4[AB] $/, audio('mp4', 'm4a')],
  [/^avi[fs]$/, image('avif')],
  [/^hei[cxms]$|^hev[cxms]$/, image('heic')],
  [/^mif1$|^msf1$/, image('heif')],
]
const oldQuickTimeBoxes = /^(moov|mdat|wide|pnot)$/

/**
 * What a file is by its first bytes (4,096 are enough), whatever anybody calls it. What may run in a browser (HTML, SVG) is plain text here, and what is
 * not known is `application/octet-stream`. Never throws.
 */
export function sniff(head: Uint8Array): Sniffed {
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, sniffBytes))
  const text = bytes.toString('latin1')
  return starts.find(([start]) => text.startsWith(start))?.[1] ?? sniffContainer(text) ?? sniffFrames(bytes) ?? sniffText(bytes) ?? unknown
}

const office =
  /^application\/(vnd\.openxmlformats-officedocument\.|vnd\.oasis\.opendocument\.|vnd\.ms-(excel|powerpoint|word)|msword$|epub\+zip$)/
const texts = /^(text\/(csv|markdown|calendar|plain)|application\/json)$/

/** The type to tell others. The bytes decide; of a container that office files share, or of a text, the declared type may say which kind it is. */
export function settleType(sniffed: Sniffed, declared: string | undefined): string {
  const bare = declared?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (/^application\/(zip|x-ole-storage)$/.test(sniffed.mime) && bare.length <= 100 && office.test(bare)) return bare
  return sniffed.mime === 'text/plain' && texts.test(bare) ? bare : sniffed.mime
}

function sniffContainer(text: string): Sniffed | undefined {
  const [start, inner] = [text.slice(0, 4), text.slice(8, 12)]
  if (start === 'RIFF') return riffKinds[inner]
  if (start === '\x1aE\xdf\xa3') return sniffMatroska(text)
  if (start === 'OggS') return sniffOgg(text)
  const box = text.slice(4, 8)
  if (box === 'ftyp') return brands.find(([brand]) => brand.test(inner))?.[1] ?? video('mp4')
  return oldQuickTimeBoxes.test(box) ? video('quicktime', 'mov') : undefined
}

const riffKinds: Readonly<Record<string, Sniffed>> = { WEBP: image('webp'), WAVE: audio('wav'), 'AVI ': video('x-msvideo', 'avi') }

function sniffMatroska(text: string): Sniffed {
  return text.slice(0, 128).includes('\x42\x82\x84webm') ? video('webm') : video('x-matroska', 'mkv')
}

/** The first page holds the head of the first stream, after as many lacing values as its 27th byte says (RFC 3533, section 6). */
function sniffOgg(text: string): Sniffed {
  const packet = text.slice(27 + text.charCodeAt(26), 27 + text.charCodeAt(26) + 8)
  if (packet === 'OpusHead') return { ...audio('ogg'), codec: 'opus' }
  if (packet.startsWith('\x01vorbis')) return { ...audio('ogg'), codec: 'vorbis' }
  if (packet.startsWith('\x7fFLAC') || packet.startsWith('Speex')) return audio('ogg')
  return packet.startsWith('\x80theora') ? video('ogg', 'ogv') : file('application/ogg', 'ogx')
}

/** ADTS and MPEG audio have no start but frames: each begins with eleven bits set, and says how far the next is. */
function sniffFrames(bytes: Buffer): Sniffed | undefined {
  if (bytes.length < 8 || bytes[0] !== 0xff) return undefined
  if ((bytes[1]! & 0xf6) === 0xf0) {
    const length = ((bytes[3]! & 3) << 11) | (bytes[4]! << 3) | (bytes[5]! >> 5)
    return length >= 7 && followed(bytes, length) ? audio('aac') : undefined
  }
  const length = (bytes[1]! & 0xe6) === 0xe2 ? mp3FrameLength(bytes[1]!, bytes[2]!) : 0
  return length > 0 && followed(bytes, length) ? audio('mpeg', 'mp3') : undefined
}

function followed(bytes: Buffer, length: number): boolean {
  return length + 1 >= bytes.length || (bytes[length] === 0xff && bytes[length + 1] === bytes[1])
}

const mp3Rates = [44_100, 48_000, 32_000]
const mp3Bits1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
const mp3Bits2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]

/** Layer III alone; 0 for what is reserved or without a bit rate. */
function mp3FrameLength(second: number, third: number): number {
  const version = (second >> 3) & 3
  const rate = mp3Rates[(third >> 2) & 3]
  const bits = (version === 3 ? mp3Bits1 : mp3Bits2)[third >> 4] ?? 0
  if (version === 1 || rate === undefined || bits === 0) return 0
  const divided = version === 3 ? rate : version === 2 ? rate / 2 : rate / 4
  return Math.floor(((version === 3 ? 144 : 72) * bits * 1000) / divided) + ((third >> 1) & 1)
}

function sniffText(bytes: Buffer): Sniffed | undefined {
  if (bytes.length === 0) return undefined
  const text = decodeText(bytes)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a file with control characters is no text
  if (text === undefined || /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text)) return undefined
  return /^\s*BEGIN:VCARD\s/i.test(text) ? file('text/vcard', 'vcf') : file('text/plain', 'txt')
}

function decodeText(bytes: Buffer): string | undefined {
  try {
    // As the start of a stream: a character that is cut off at the end is no fault.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return undefined
  }
}
