/** "Servers SHOULD restrict `Content-Type` headers to one of the following values when serving content with `Content-Disposition: inline`" */
const inline: ReadonlySet<string> = new Set([
  'text/css',
  'text/plain',
  'text/csv',
  'application/json',
  'application/ld+json',
  'image/jpeg',
  'image/gif',
  'image/png',
  'image/apng',
  'image/webp',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/ogg',
  'video/quicktime',
  'audio/mp4',
  'audio/webm',
  'audio/aac',
  'audio/mpeg',
  'audio/ogg',
  'audio/wave',
  'audio/wav',
  'audio/x-wav',
  'audio/x-pn-wav',
  'audio/flac',
  'audio/x-flac',
])
const essence = /^([a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+)\s*(?:;|$)/
const printable = /^[\x20-\x7e]{1,255}$/
const unknownType = 'application/octet-stream'

/** A media type that can be sent back as it came; anything else is bytes of an unknown kind. */
export function safeContentType(type: string | undefined): string {
  const trimmed = type?.trim() ?? ''
  return printable.test(trimmed) && essence.test(trimmed.toLowerCase()) ? trimmed : unknownType
}

/**
 * How a browser is to treat a file: shown only when its type is harmless, with its name where it has one.
 * https://spec.matrix.org/v1.19/client-server-api/#serving-inline-content
 */
export function contentDisposition(type: string, fileName: string | undefined): string {
  const [, name = ''] = essence.exec(type.toLowerCase()) ?? []
  const kind = inline.has(name) ? 'inline' : 'attachment'
  if (fileName === undefined) return kind
  const plain = /^[\x20-\x7e]*$/.test(fileName)
  return plain
    ? `${kind}; filename="${fileName.replace(/["\\]/g, '\\$&')}"`
    : `${kind}; filename*=utf-8''${encodeURIComponent(fileName).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)}`
}

/** A file's name as it can be kept: without control characters and halves of surrogate pairs, at most 255 bytes; undefined for none. */
export function safeFileName(name: string | null | undefined): string | undefined {
  if (!name) return undefined
  let short = ''
  let bytes = 0
  for (const sign of name.toWellFormed()) {
    bytes += Buffer.byteLength(sign)
    if (bytes > 255) break
    if (!/\p{Cc}/u.test(sign)) short += sign
  }
  return short === '' ? undefined : short
}

const extendedName = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]*)/i
const plainName = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i

/** The name that another server's `Content-Disposition` gives a file, as it can be kept (RFC 6266: the extended name goes first); undefined for none. */
export function fileNameOf(disposition: string | undefined): string | undefined {
  if (disposition === undefined || disposition.length > 4096) return undefined
  const extended = decoded(extendedName.exec(disposition)?.[1])
  const [, quoted, bare] = plainName.exec(disposition) ?? []
  return safeFileName(extended ?? quoted?.replace(/\\(.)/g, '$1') ?? bare)
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return undefined
  }
}
