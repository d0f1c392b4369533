const alphabet = /^[A-Za-z0-9+/_-]*={0,2}$/

/** Encodes bytes as unpadded Base64. https://spec.matrix.org/v1.19/appendices/#unpadded-base64 */
export function encodeBase64(bytes: Uint8Array): string {
  const text = view(bytes).toString('base64')
  const padding = text.indexOf('=')
  return padding < 0 ? text : text.slice(0, padding)
}

/** Encodes bytes as unpadded Base64 in the alphabet for URLs. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return view(bytes).toString('base64url')
}

/** Decodes Base64 in either alphabet, padded or not; undefined for what isn't Base64. */
export function decodeBase64(text: unknown): Buffer | undefined {
  return typeof text === 'string' && alphabet.test(text) ? Buffer.from(text, 'base64') : undefined
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
