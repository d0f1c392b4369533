import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import type { MatrixClient } from 'matrix-js-sdk'

/** An encrypted attachment as it stands in an event: https://spec.matrix.org/v1.19/client-server-api/#sending-encrypted-attachments */
type EncryptedFile = { url: string; v: 'v2'; key: { k: string }; iv: string; hashes: { sha256: string } }

const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')

/** Encrypts bytes as a client does, and uploads them under no name and as bytes of no kind. */
export async function uploadEncrypted(client: MatrixClient, bytes: Buffer): Promise<Record<string, unknown>> {
  const key = randomBytes(32)
  const iv = Buffer.concat([randomBytes(8), Buffer.alloc(8)])
  const cipher = createCipheriv('aes-256-ctr', key, iv)
  const ciphertext = Buffer.concat([cipher.update(bytes), cipher.final()])
  const { content_uri: url } = await client.uploadContent(new Blob([ciphertext]), {
    includeFilename: false,
    type: 'application/octet-stream',
  })
  const jwk = { kty: 'oct', alg: 'A256CTR', ext: true, k: key.toString('base64url'), key_ops: ['encrypt', 'decrypt'] }
  return { url, v: 'v2', key: jwk, iv: unpadded(iv), hashes: { sha256: unpadded(createHash('sha256').update(ciphertext).digest()) } }
}

/** Loads the file of a message and decrypts it. Throws when it is not the one that was sent. */
export async function downloadEncrypted(client: MatrixClient, file: unknown): Promise<Buffer> {
  const { url, key, iv, hashes } = file as EncryptedFile
  const address = client.mxcUrlToHttp(url, undefined, undefined, undefined, false, true, true)
  const answer = await fetch(address ?? '', { headers: { authorization: `Bearer ${client.getAccessToken()}` } })
  if (!answer.ok) throw new Error(`the file is not there: ${answer.status}`)
  const ciphertext = Buffer.from(await answer.arrayBuffer())
  if (unpadded(createHash('sha256').update(ciphertext).digest()) !== hashes.sha256) throw new Error('the file is another one')
  const cipher = createDecipheriv('aes-256-ctr', Buffer.from(key.k, 'base64url'), Buffer.from(iv, 'base64'))
  return Buffer.concat([cipher.update(ciphertext), cipher.final()])
}
