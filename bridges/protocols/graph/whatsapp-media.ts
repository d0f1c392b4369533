import type { GraphRequest } from './graph-client.ts'
import { mediaLimits } from './media-limits.ts'
import type { OutgoingFile } from './multipart.ts'
import { idField, integerField, type JsonObject, urlField } from './read-json.ts'
import type { MediaKind, RemoteContact, RemoteLocation } from './record.ts'
import { countChars } from './split-text.ts'
import { addressed, marks, toMessages, type WhatsappRecipient } from './whatsapp.ts'
import { mimeField, sha256Field } from './whatsapp-content.ts'

type Envelope = { to: WhatsappRecipient; replyTo?: string; tag?: string }

const typeOf: Readonly<Record<MediaKind, string>> = {
  image: 'image',
  video: 'video',
  audio: 'audio',
  voice: 'audio',
  file: 'document',
  sticker: 'sticker',
}

/** Uploads a file: its id is good for 30 days. More than the kind's limit is never sent. */
export function buildWhatsappUpload(phoneNumberId: string, kind: MediaKind, file: OutgoingFile): GraphRequest {
  const fields = { messaging_product: 'whatsapp', type: file.mime }
  const { maxBytes } = mediaLimits.whatsapp[kind]!
  return { method: 'POST', path: `/${encodeURIComponent(phoneNumberId)}/media`, multipart: { fields, fileField: 'file', file, maxBytes } }
}

/** The media id in the answer to an upload. */
export function readWhatsappUploaded(body: JsonObject): { id: string } | undefined {
  const id = idField(body, 'id')
  return id === undefined ? undefined : { id }
}

/** Asks where a file is to be fetched; the address is good for five minutes and wants the access token. */
export function buildWhatsappMediaNode(mediaId: string, phoneNumberId?: string): GraphRequest {
  const query = phoneNumberId === undefined ? {} : { query: { phone_number_id: phoneNumberId } }
  return { method: 'GET', path: `/${encodeURIComponent(mediaId)}`, ...query }
}

/** Address, type, hash (as hex) and size out of that answer. */
export function readWhatsappMediaNode(body: JsonObject): { url: string; mime?: string; sha256?: string; size?: number } | undefined {
  const url = urlField(body, 'url')
  const mime = mimeField(body, 'mime_type')
  const sha256 = sha256Field(body, 'sha256')
  const size = integerField(body, 'file_size')
  if (url === undefined) return undefined
  return {
    url,
    ...(mime === undefined ? {} : { mime }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(size === undefined ? {} : { size }),
  }
}

/** An uploaded file as a message. Throws a RangeError for a caption that is too long, or where there is none (audio, voice, stickers). */
export function buildWhatsappMedia(
  phoneNumberId: string,
  message: Envelope & { kind: MediaKind; media: { id: string }; caption?: string; name?: string },
): GraphRequest {
  const { to, kind, media, caption, name, replyTo, tag } = message
  if (caption !== undefined && countChars(caption) > (mediaLimits.whatsapp[kind]?.caption ?? 0)) {
    throw new RangeError('a caption of WhatsApp has at most 1024 characters, and audio and stickers have none')
  }
  const type = typeOf[kind]
  const content = {
    id: media.id,
    ...(caption ? { caption } : {}),
    ...(kind === 'file' && name ? { filename: name.slice(0, 240) } : {}),
    ...(kind === 'voice' ? { voice: true } : {}),
  }
  return toMessages(phoneNumberId, { recipient_type: 'individual', ...addressed(to), type, [type]: content, ...marks(replyTo, tag) })
}

/** A place as a message. */
export function buildWhatsappLocation(phoneNumberId: string, message: Envelope & { location: RemoteLocation }): GraphRequest {
  const { latitude, longitude, name, address } = message.location
  // An address is shown under a name only.
  const described = name ? { name, ...(address ? { address } : {}) } : address ? { name: address } : {}
  const location = { latitude, longitude, ...described }
  const { to, replyTo, tag } = message
  return toMessages(phoneNumberId, { recipient_type: 'individual', ...addressed(to), type: 'location', location, ...marks(replyTo, tag) })
}

type Entry = { readonly type?: string }
/** A contact card, as far as it is sent. */
export type OutgoingContact = Pick<RemoteContact, 'name' | 'organisation'> & {
  readonly phones: readonly ({ readonly number: string } & Entry)[]
  readonly emails: readonly ({ readonly address: string } & Entry)[]
}

/** Contact cards as a message. */
export function buildWhatsappContacts(phoneNumberId: string, message: Envelope & { contacts: readonly OutgoingContact[] }): GraphRequest {
  const { to, replyTo, tag } = message
  const contacts = message.contacts.map(({ name, phones, emails, organisation }) => ({
    // WhatsApp wants one part of the name beside the whole.
    name: { formatted_name: name, first_name: name },
    phones: phones.map(({ number, type }) => ({ phone: number, ...(type ? { type } : {}) })),
    emails: emails.map(({ address, type }) => ({ email: address, ...(type ? { type } : {}) })),
    ...(organisation ? { org: { company: organisation } } : {}),
  }))
  return toMessages(phoneNumberId, { recipient_type: 'individual', ...addressed(to), type: 'contacts', contacts, ...marks(replyTo, tag) })
}
