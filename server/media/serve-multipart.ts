import type { Call } from '../http/endpoint.ts'
import type { Files } from './files.ts'
import { type Served, sendBytes } from './serve-file.ts'

/**
 * Answers another server with a file in two parts, the first of which describes it.
 * https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediadownloadmediaid
 */
export async function serveMultipart(
  files: Files,
  call: Pick<Call, 'request' | 'response'>,
  served: Served,
  boundary: string,
): Promise<undefined> {
  const { contentHash, size, contentType, disposition } = served
  const before = [
    `--${boundary}`,
    'Content-Type: application/json',
    '',
    '{}',
    `--${boundary}`,
    `Content-Type: ${contentType}`,
    `Content-Disposition: ${disposition}`,
    '',
    '',
  ]
  const around = { before: Buffer.from(before.join('\r\n')), after: Buffer.from(`\r\n--${boundary}--\r\n`) }
  const head = {
    'Content-Type': `multipart/mixed; boundary=${boundary}`,
    'Content-Length': String(around.before.length + size + around.after.length),
    // Dendrite looks for the file's name here.
    'Content-Disposition': disposition,
    'X-Content-Type-Options': 'nosniff',
  }
  await sendBytes(files, call, { contentHash, status: 200, head, range: { from: 0, to: size - 1 }, around })
  return undefined
}
