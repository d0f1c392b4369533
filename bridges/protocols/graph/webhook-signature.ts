import { createHmac, timingSafeEqual } from 'node:crypto'

/** Where the signature stands. */
export const signatureHeader = 'x-hub-signature-256'
const signaturePattern = /^sha256=([0-9a-f]{64})$/

/**
 * Whether the header `X-Hub-Signature-256` is the HMAC-SHA256 of the raw body under the app secret: exactly `sha256=` and 64 lower-case hex
 * digits, compared in constant time. The bytes must be those of the wire: Meta signs its own \uXXXX spelling, which no re-serialisation keeps.
 */
export function verifySignature(rawBody: Buffer, header: string | undefined, appSecret: string): boolean {
  const given = header === undefined ? undefined : signaturePattern.exec(header)?.[1]
  if (given === undefined || appSecret === '') return false
  const expected = createHmac('sha256', appSecret).update(rawBody).digest()
  return timingSafeEqual(expected, Buffer.from(given, 'hex'))
}
