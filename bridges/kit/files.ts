import { downloadMedia } from './media/download.ts'
import { decryptAttachment, type EncryptedFile, readEncryptedFile } from './media/encrypted-attachment.ts'
import { MediaFailure } from './media/failure.ts'
import type { MediaHomeserver } from './media/homeserver-request.ts'
import type { Kept, Spool } from './media/spool.ts'
import { type TakenIn, takeIn } from './media/take-in.ts'
import { makeThumbnail } from './media/thumbnail.ts'
import { uploadEncrypted, uploadMedia } from './media/upload.ts'

export type UploadedFile = { readonly file: EncryptedFile } | { readonly url: string }

/** Files between the networks and the homeserver: streamed, bounded, cleaned of places. Everything fails with a MediaFailure. */
export type Files = {
  /** Takes a stream in; `bytes` is to be discarded when done. */
  take(input: AsyncIterable<Uint8Array>, declaredType: string | undefined): Promise<TakenIn>
  /** A picture made small, for clients that show it among messages; undefined where there is no need or no way. `bytes` is to be discarded when done. */
  thumbnail(file: TakenIn): Promise<TakenIn | undefined>
  /** Gives a file to the homeserver as the user's: encrypted, or as it is for a room that is not. Gives what goes into the event. */
  upload(userId: string, file: TakenIn, encrypted: boolean): Promise<UploadedFile>
  /** Takes the file of an event in, decrypted where it is encrypted. */
  download(at: { readonly file?: unknown; readonly url?: unknown; readonly mime?: string | undefined }): Promise<TakenIn>
}

/** The largest file that is carried at all. */
export const largestFile = 100 * 1_048_576

const largestThumbnail = 1_048_576

export function createFiles(homeserver: MediaHomeserver, spool: Spool): Files {
  const take = (input: AsyncIterable<Uint8Array>, declaredType: string | undefined) =>
    takeIn(input, { spool, limit: largestFile, declaredType })
  return {
    take,
    thumbnail: (file) => makeThumbnail(file, (input) => takeIn(input, { spool, limit: largestThumbnail })),
    async upload(userId, { bytes, mime }, encrypted) {
      const upload = { userId, bytes: () => bytes.stream(), length: bytes.size }
      if (encrypted) return { file: await uploadEncrypted(homeserver, upload) }
      return { url: await uploadMedia(homeserver, { ...upload, contentType: mime }) }
    },
    async download({ file, url, mime }) {
      const encrypted = file === undefined ? undefined : readEncryptedFile(file)
      const mxc = encrypted?.url ?? (file === undefined ? url : undefined)
      if (typeof mxc !== 'string') throw new MediaFailure('refused', 'The message has no file that can be read.')
      const incoming = await downloadMedia(homeserver, { mxc, limit: largestFile })
      if (!encrypted) return take(incoming.stream, mime ?? incoming.declaredType)
      const ciphertext: Kept = await spool.keep(incoming.stream, largestFile)
      const clear = await decryptAttachment(encrypted, ciphertext)
      try {
        return await take(clear.stream(), mime)
      } finally {
        await clear.discard()
      }
    },
  }
}
