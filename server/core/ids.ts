/** Identifiers of Matrix: their types, grammars and limits. https://spec.matrix.org/v1.19/appendices/#identifier-grammar */

export type UserId = `@${string}`
export type RoomId = `!${string}`
export type EventId = `$${string}`
export type RoomAlias = `#${string}`
export type DeviceId = string
export type ServerName = string

/** No identifier is longer than this, in bytes of UTF-8 with its sigil and domain. */
export const maxIdBytes = 255

const localpartGrammar = /^[a-z0-9._=\-/+]+$/
const serverNameGrammar = /^(?:\[(?=[^\]]*:[^\]]*:)[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,255})(?::[0-9]{1,5})?$/
const mediaIdGrammar = /^[A-Za-z0-9_-]{1,255}$/

/** Whether a string is at most `limit` bytes long in UTF-8. */
export function fitsBytes(text: string, limit: number): boolean {
  return text.length * 3 <= limit || (text.length <= limit && Buffer.byteLength(text) <= limit)
}

/** Whether a value is a server name: a DNS name, an IPv4 or a bracketed IPv6 literal, and perhaps a port. */
export function isServerName(value: unknown): value is ServerName {
  return typeof value === 'string' && value.length <= maxIdBytes && serverNameGrammar.test(value)
}

/** Whether a localpart may be given to a *new* user: `a-z 0-9 . _ = - / +`, not empty. */
export function isLocalpart(value: unknown): value is string {
  return typeof value === 'string' && value.length < maxIdBytes && localpartGrammar.test(value)
}

/**
 * Whether a value is a user id, historical ones included: their localpart may be empty or hold any code point but `:` and NUL.
 * https://spec.matrix.org/v1.19/appendices/#historical-user-ids
 */
export function isUserId(value: unknown): value is UserId {
  return isNameWithDomain(value, '@')
}

/** Whether a value is a room alias: `#localpart:server`. */
export function isRoomAlias(value: unknown): value is RoomAlias {
  return isNameWithDomain(value, '#')
}

/** Whether a value is a room id. Rooms of version 12 have no domain, so a room id is opaque: nothing may look for a server in it. */
export function isRoomId(value: unknown): value is RoomId {
  return isOpaque(value, '!')
}

/** Whether a value is an event id of any room version; opaque. */
export function isEventId(value: unknown): value is EventId {
  return isOpaque(value, '$')
}

/** Whether a value is an event id of room version 1 or 2: `$opaque:server`. https://spec.matrix.org/v1.19/rooms/v1/#event-ids */
export function isEventIdWithDomain(value: unknown): value is EventId {
  return isNameWithDomain(value, '$')
}

/** The domain of an event id of room version 1 or 2; undefined for what has none. */
export function eventIdDomain(eventId: unknown): ServerName | undefined {
  const colon = typeof eventId === 'string' ? eventId.indexOf(':') : -1
  return colon < 0 ? undefined : (eventId as string).slice(colon + 1)
}

/** The server that gave a user id or an alias; the empty string if there is no domain (which `isUserId` refuses). */
export function serverNameOf(id: UserId | RoomAlias): ServerName {
  const colon = id.indexOf(':')
  return colon < 0 ? '' : id.slice(colon + 1)
}

/** What stands between the sigil and the first colon of a user id or an alias. */
export function localpartOf(id: UserId | RoomAlias): string {
  const colon = id.indexOf(':')
  return colon < 0 ? id.slice(1) : id.slice(1, colon)
}

/** Takes a `mxc://server/media` URI apart; undefined if it isn't one. */
export function parseMxc(uri: unknown): { serverName: ServerName; mediaId: string } | undefined {
  if (typeof uri !== 'string' || !uri.startsWith('mxc://')) return undefined
  const slash = uri.indexOf('/', 6)
  const serverName = uri.slice(6, slash)
  const mediaId = uri.slice(slash + 1)
  return slash > 0 && isServerName(serverName) && mediaIdGrammar.test(mediaId) ? { serverName, mediaId } : undefined
}

function isNameWithDomain(value: unknown, sigil: string): boolean {
  if (typeof value !== 'string' || !value.startsWith(sigil) || !fitsBytes(value, maxIdBytes)) return false
  const colon = value.indexOf(':')
  return colon > 0 && !value.includes('\0') && value.isWellFormed() && isServerName(value.slice(colon + 1))
}

function isOpaque(value: unknown, sigil: string): boolean {
  if (typeof value !== 'string' || value.length < 2 || !value.startsWith(sigil)) return false
  return fitsBytes(value, maxIdBytes) && !value.includes('\0') && value.isWellFormed()
}
