import type { RemoteMedia } from '../connector.ts'
import type { EncryptedFile } from '../media/encrypted-attachment.ts'
import type { TakenIn } from '../media/take-in.ts'

const msgtypes = { image: 'm.image', video: 'm.video', audio: 'm.audio', file: 'm.file' } as const
const words = { image: 'picture', video: 'video', audio: 'sound', voice: 'voice message', file: 'file', sticker: 'sticker' } as const

/** What a kind of file is called in a sentence. */
export function wordFor(kind: RemoteMedia['kind']): string {
  return words[kind]
}

/**
 * A file as a message: what its bytes are decides what it is shown as. Pure. Voice messages carry the marks by which clients know them
 * (https://github.com/matrix-org/matrix-spec-proposals/pull/3245).
 */
export function fileContent(
  media: RemoteMedia,
  { kind, mime, bytes, width, height, durationMs, extension }: Omit<TakenIn, 'bytes'> & { bytes: { size: number } },
  file: EncryptedFile,
  caption: string | undefined,
): Record<string, unknown> {
  const filename = media.name ?? `${wordFor(media.kind).replace(' ', '-')}.${extension}`
  const info = {
    mimetype: mime,
    size: bytes.size,
    ...(width === undefined ? {} : { w: width }),
    ...(height === undefined ? {} : { h: height }),
    ...(durationMs === undefined ? {} : { duration: durationMs }),
  }
  const voice =
    media.kind === 'voice' && kind === 'audio'
      ? { 'org.matrix.msc3245.voice': {}, 'org.matrix.msc1767.audio': durationMs === undefined ? {} : { duration: durationMs } }
      : {}
  return { msgtype: msgtypes[kind], body: caption || filename, filename, file, info, ...voice }
}
