import { asObject, field, idField, type JsonObject, listField, numberField, objectField, textField, urlField } from './read-json.ts'
import type { MediaKind, NetworkRecord, RemoteContact, RemoteLocation, RemoteMedia, Said } from './record.ts'

type Without<R> = R extends { type: 'media' | 'location' | 'contacts' } ? Omit<R, keyof Said> : never
/** What a message holds, without who said it. */
export type WhatsappContent = Without<NetworkRecord>

const kinds: ReadonlyMap<string, MediaKind> = new Map([
  ['image', 'image'],
  ['video', 'video'],
  ['audio', 'audio'],
  ['document', 'file'],
  ['sticker', 'sticker'],
])
const mostContacts = 100
const mostEntries = 20

/** The file, place or contact cards of a message of WhatsApp; undefined for every other type and for what is malformed. Never throws. */
export function readWhatsappContent(type: string, value: unknown): WhatsappContent | undefined {
  const body = asObject(value)
  if (type === 'location') {
    const location = readLocation(body)
    return location && { type: 'location', location }
  }
  if (type === 'contacts') {
    const contacts = Array.isArray(value) ? value.slice(0, mostContacts).flatMap(readContact) : []
    return contacts.length > 0 ? { type: 'contacts', contacts } : undefined
  }
  const media = readMedia(type, body)
  const text = textField(body, 'caption')
  return media && { type: 'media', media: [media], ...(text ? { text } : {}) }
}

function readMedia(type: string, body: JsonObject | undefined): RemoteMedia | undefined {
  const kind = kinds.get(type)
  const id = idField(body, 'id')
  if (!kind || id === undefined) return undefined
  const mime = mimeField(body, 'mime_type')
  const sha256 = sha256Field(body, 'sha256')
  const name = textField(body, 'filename', 255)
  return {
    kind: kind === 'audio' && field(body, 'voice') === true ? 'voice' : kind,
    source: { id },
    ...(mime === undefined ? {} : { mime }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(name ? { name } : {}),
    ...(field(body, 'animated') === true ? { animated: true as const } : {}),
  }
}

/** A media type without its parameters, in lower case: `audio/ogg; codecs=opus` is `audio/ogg`. */
export function mimeField(object: JsonObject | undefined, key: string): string | undefined {
  const type = textField(object, key, 256)?.replace(/;.*$/s, '').trim().toLowerCase()
  return type !== undefined && /^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}$/.test(type) ? type : undefined
}

/** A SHA-256 as hex; webhooks of WhatsApp spell it in base64, its media nodes in hex. */
export function sha256Field(object: JsonObject | undefined, key: string): string | undefined {
  const text = textField(object, key, 128) ?? ''
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase()
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Buffer.from(text, 'base64').toString('hex') : undefined
}

/** A place on earth. */
export function readLocation(
  body: JsonObject | undefined,
  keys = { latitude: 'latitude', longitude: 'longitude' },
): RemoteLocation | undefined {
  const latitude = numberField(body, keys.latitude)
  const longitude = numberField(body, keys.longitude)
  if (latitude === undefined || longitude === undefined || Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return undefined
  const name = textField(body, 'name', 1024)
  const address = textField(body, 'address', 1024)
  const url = urlField(body, 'url')
  return { latitude, longitude, ...(name ? { name } : {}), ...(address ? { address } : {}), ...(url ? { url } : {}) }
}

function readContact(value: unknown): RemoteContact[] {
  const card = asObject(value)
  const names = objectField(card, 'name')
  const parts = [textField(names, 'first_name', 256), textField(names, 'last_name', 256)].filter((part) => part)
  const name = textField(names, 'formatted_name', 512) || parts.join(' ')
  const organisation = textField(objectField(card, 'org'), 'company', 512)
  const phones = entries(card, 'phones', 'phone').map(({ text, type }) => ({ number: text, ...type }))
  const emails = entries(card, 'emails', 'email').map(({ text, type }) => ({ address: text, ...type }))
  if (name === '' && phones.length === 0 && emails.length === 0) return []
  return [{ name, phones, emails, ...(organisation ? { organisation } : {}) }]
}

function entries(card: JsonObject | undefined, list: string, key: string): { text: string; type: { type?: string } }[] {
  return listField(card, list)
    .slice(0, mostEntries)
    .flatMap((value) => {
      const text = textField(asObject(value), key, 256)
      const type = textField(asObject(value), 'type', 64)
      return text ? [{ text, type: type ? { type } : {} }] : []
    })
}
