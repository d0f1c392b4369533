import type { Network } from '../accounts.ts'
import type { FileKind } from './file-store.ts'

interface Limit {
  maxBytes: number
  mimes?: readonly string[]
}

const megabyte = 1_048_576
const audio = { maxBytes: 25 * megabyte }

/** What the documentation of each network says it takes, by its own name for the kind. */
export const fileLimits: Readonly<Record<Network, Readonly<Record<string, Limit>>>> = {
  whatsapp: {
    image: { maxBytes: 5 * megabyte, mimes: ['image/jpeg', 'image/png'] },
    video: { maxBytes: 16 * megabyte, mimes: ['video/mp4', 'video/3gpp'] },
    audio: { maxBytes: 16 * megabyte, mimes: ['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/ogg', 'audio/opus'] },
    document: { maxBytes: 100 * megabyte },
    sticker: { maxBytes: 500 * 1024, mimes: ['image/webp'] },
  },
  messenger: {
    image: { maxBytes: 8 * megabyte, mimes: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'] },
    ...{ audio, video: audio, file: audio },
  },
  instagram: {
    image: { maxBytes: 8 * megabyte, mimes: ['image/jpeg', 'image/png'] },
    video: { ...audio, mimes: ['video/mp4', 'video/ogg', 'video/x-msvideo', 'video/quicktime', 'video/webm'] },
    audio: { ...audio, mimes: ['audio/aac', 'audio/mp4', 'audio/x-m4a', 'audio/wav', 'audio/x-wav'] },
    file: { ...audio, mimes: ['application/pdf'] },
  },
}

/** The largest body that an upload may have. */
export const largestUpload = 101 * megabyte

/** What WhatsApp takes under `document` in an upload: these, and all that the other kinds take. */
const documents = /^(?:text\/|application\/(?:pdf|msword|zip|json|octet-stream|vnd\.))/

/** What is wrong with a file as WhatsApp's upload takes it: nothing but its type and size count there. */
export function wrongUpload(mime: string, size: number): 'type' | 'size' | undefined {
  const known = Object.values(fileLimits.whatsapp).some(({ mimes }) => mimes?.includes(mime)) || documents.test(mime)
  if (!known) return 'type'
  return size > fileLimits.whatsapp['document']!.maxBytes || size === 0 ? 'size' : undefined
}

/** Whether a network takes a file under its own name of a kind. */
export function takesFile(network: Network, type: string, file: { mime: string; bytes: Buffer; animated?: boolean }): boolean {
  const limit = fileLimits[network][type]
  const still = type === 'sticker' && network === 'whatsapp' && file.animated !== true
  if (!limit || file.bytes.length > (still ? 100 * 1024 : limit.maxBytes)) return false
  return limit.mimes === undefined || limit.mimes.includes(file.mime)
}

/** The networks' own names of the kinds. */
export function nativeTypeOf(network: Network, kind: FileKind): string {
  if (kind === 'voice') return 'audio'
  return kind === 'file' && network === 'whatsapp' ? 'document' : kind
}
