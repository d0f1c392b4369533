import { failure } from './errors.ts'
import type { GraphFailure } from './failure.ts'
import type { MediaKind } from './record.ts'

export type GraphNetwork = 'whatsapp' | 'messenger' | 'instagram'

export interface MediaLimit {
  maxBytes: number
  /** The types that are taken; all of them when absent. */
  mimes?: readonly string[]
  /** Characters of a caption; absent where a caption is a message of its own. */
  caption?: number
}

const megabyte = 1_048_576
const audioOfWhatsapp = ['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/ogg']
const videoOfInstagram = ['video/mp4', 'video/ogg', 'video/x-msvideo', 'video/quicktime', 'video/webm']
const audioOfInstagram = ['audio/aac', 'audio/mp4', 'audio/x-m4a', 'audio/wav', 'audio/x-wav']
const imageOfMessenger = ['image/jpeg', 'image/png', 'image/gif', 'image/webp']
/** A sticker of WhatsApp that does not move. */
export const stillStickerBytes = 100 * 1024

/** What each network takes, kind by kind; a kind that is missing is not carried as such (`fittingKind` finds another). */
export const mediaLimits: Readonly<Record<GraphNetwork, Readonly<Partial<Record<MediaKind, MediaLimit>>>>> = {
  whatsapp: {
    image: { maxBytes: 5 * megabyte, mimes: ['image/jpeg', 'image/png'], caption: 1024 },
    video: { maxBytes: 16 * megabyte, mimes: ['video/mp4', 'video/3gpp'], caption: 1024 },
    audio: { maxBytes: 16 * megabyte, mimes: audioOfWhatsapp },
    voice: { maxBytes: 16 * megabyte, mimes: ['audio/ogg'] },
    file: { maxBytes: 100 * megabyte, caption: 1024 },
    sticker: { maxBytes: 500 * 1024, mimes: ['image/webp'] },
  },
  messenger: {
    image: { maxBytes: 8 * megabyte, mimes: imageOfMessenger },
    video: { maxBytes: 25 * megabyte },
    audio: { maxBytes: 25 * megabyte },
    file: { maxBytes: 25 * megabyte },
  },
  instagram: {
    image: { maxBytes: 8 * megabyte, mimes: ['image/jpeg', 'image/png'] },
    video: { maxBytes: 25 * megabyte, mimes: videoOfInstagram },
    audio: { maxBytes: 25 * megabyte, mimes: audioOfInstagram },
    file: { maxBytes: 25 * megabyte, mimes: ['application/pdf'] },
  },
}

const insteadOf: Readonly<Record<MediaKind, readonly MediaKind[]>> = {
  image: ['image', 'file'],
  video: ['video', 'file'],
  audio: ['audio', 'file'],
  voice: ['voice', 'audio', 'file'],
  sticker: ['sticker', 'image', 'file'],
  file: ['file'],
}

/** Why a network does not take a file as this kind; undefined when it does. A size that is not known is checked while it is sent. */
export function checkMedia(
  network: GraphNetwork,
  kind: MediaKind,
  file: { mime: string; size?: number; animated?: boolean },
): GraphFailure | undefined {
  const limit = mediaLimits[network][kind]
  if (!limit) return failure('refused', 'unsupported')
  const mime = file.mime.replace(/;.*$/s, '').trim().toLowerCase()
  if (limit.mimes && !limit.mimes.includes(mime)) return failure('refused', 'media_type')
  const still = network === 'whatsapp' && kind === 'sticker' && !file.animated
  return (file.size ?? 0) > (still ? stillStickerBytes : limit.maxBytes) ? failure('refused', 'too_large') : undefined
}

/** The kind as which a network takes a file: its own, or the next that loses least (a voice note as audio, a large picture as a file). */
export function fittingKind(
  network: GraphNetwork,
  kind: MediaKind,
  file: { mime: string; size?: number; animated?: boolean },
): MediaKind | GraphFailure {
  const fitting = insteadOf[kind].find((one) => checkMedia(network, one, file) === undefined)
  if (fitting) return fitting
  const tried = insteadOf[kind].map((one) => checkMedia(network, one, file))
  return tried.find((problem) => problem?.class === 'too_large') ?? tried[0]!
}
