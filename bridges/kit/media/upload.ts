import { type EncryptedFile, type Encryption, encryptAttachment } from './encrypted-attachment.ts'
import { MediaFailure } from './failure.ts'
import { askHomeserver, type MediaHomeserver, readJson } from './homeserver-request.ts'

export type Upload = {
  /** Whose file it is: a ghost of ours, or the bot. */
  readonly userId: string
  /** The bytes from the first on; called anew for each try. */
  readonly bytes: () => AsyncIterable<Uint8Array>
  readonly length?: number
  readonly contentType: string
  readonly fileName?: string
  /** For all of it; 5 minutes unless told. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

const usualTimeout = 300_000
const mxcGrammar = /^mxc:\/\/[^/?#\s]{1,255}\/[\w-]{1,255}$/

/**
 * Streams a file to the homeserver and gives its `mxc:` address. Tried again only where nothing came of it: no connection, or "too many requests"; whoever
 * tries again after another failure may leave a file that nobody refers to. Fails with a MediaFailure.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload
 */
export async function uploadMedia(homeserver: MediaHomeserver, upload: Upload): Promise<string> {
  const { userId, bytes, length, contentType, fileName, timeoutMs = usualTimeout, signal } = upload
  const answer = await askHomeserver(homeserver, {
    method: 'POST',
    path: '/_matrix/media/v3/upload',
    query: { user_id: userId, ...(fileName === undefined ? {} : { filename: fileName }) },
    headers: { 'Content-Type': contentType, ...(length === undefined ? {} : { 'Content-Length': String(length) }) },
    body: bytes,
    repeatAfter: [429],
    timeoutMs,
    signal,
  })
  const { content_uri } = await readJson(answer)
  if (typeof content_uri === 'string' && mxcGrammar.test(content_uri)) return content_uri
  throw new MediaFailure('refused', 'The homeserver took the file and gave no address for it.')
}

/** The same for an encrypted room: what the homeserver sees is ciphertext without a name or a type. Gives what goes into the event. */
export async function uploadEncrypted(
  homeserver: MediaHomeserver,
  upload: Omit<Upload, 'contentType' | 'fileName'>,
): Promise<EncryptedFile> {
  let encryption: Encryption | undefined
  const bytes = () => {
    encryption = encryptAttachment(upload.bytes())
    return encryption.ciphertext
  }
  const url = await uploadMedia(homeserver, { ...upload, bytes, contentType: 'application/octet-stream' })
  if (!encryption) throw new Error('the upload came back before it was read')
  return encryption.file(url)
}
