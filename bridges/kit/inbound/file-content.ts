import type { RemoteMedia } from '../connector.ts'
import type { UploadedFile } from '../files.ts'
import type { TakenIn } from '../media/take-in.ts'

const msgtypes = { image: 'm.image', video: 'm.video', audio: 'm.audio', file: 'm.file' } as const
const words = { image: 'picture', video: 'video', audio: 'sound', voice: 'voice message', file: 'file', sticker: 'sticker' } as const

/** What a kind of file is called in a sentence. */
export function wordFor(kind: RemoteMedia['kind']): string {
  return words[kind]
}

/** A sticker is an event of its own kind, when it is a picture and nothing is said with it. https://spec.matrix.org/v1.19/client-server-api/#msticker */
export function isSticker(
  { kind }: Pick<RemoteMedia, 'kind'>,
  { kind: sniffed }: Pick<TakenIn, 'kind'>,
  caption: string | undefined,
): boolean {
  return kind === 'sticker' && sniffed === 'image' && caption === undefined
}

/** A picture made small, and where it lies. */
export type Thumbnail = {
  readonly small: Pick<TakenIn, 'mime' | 'width' | 'height'> & { readonly bytes: { readonly size: number } }
  readonly uploaded: UploadedFile
}

function thumbnailInfo({ small: { mime, width, height, bytes }, uploaded }: Thumbnail): Record<string, unknown> {
  const at = 'file' in uploaded ? { thumbnail_file: uploaded.file } : { thumbnail_url: uploaded.url }
  return { ...at, thumbnail_info: { mimetype: mime, size: bytes.size, w: width, h: height } }
}

/**
 * A file as a message: what its bytes are decides what it is shown as. Pure. Voice messages carry the marks by which clients know them
 * (https://github.com/matrix-org/matrix-spec-proposals/pull/3245).
 */
export function fileContent(
  media: RemoteMedia,
  { kind, mime, bytes, width, height, durationMs, extension }: Omit<TakenIn, 'bytes'> & { bytes: { size: number } },
  uploaded: UploadedFile,
  caption: string | undefined,
  thumbnail?: Thumbnail,
): Record<string, unknown> {
  const filename = media.name ?? `${wordFor(media.kind).replace(' ', '-')}.${extension}`
  const info = {
    mimetype: mime,
    size: bytes.size,
    ...(width === undefined ? {} : { w: width }),
    ...(height === undefined ? {} : { h: height }),
    ...(durationMs === undefined ? {} : { duration: durationMs }),
    ...(thumbnail === undefined ? {} : thumbnailInfo(thumbnail)),
  }
  const voice =
    media.kind === 'voice' && kind === 'audio'
      ? { 'org.matrix.msc3245.voice': {}, 'org.matrix.msc1767.audio': durationMs === undefined ? {} : { duration: durationMs } }
      : {}
  if (isSticker(media, { kind }, caption)) return { body: media.name ?? 'Sticker', ...uploaded, info }
  return { msgtype: msgtypes[kind], body: caption || filename, filename, ...uploaded, info, ...voice }
}
