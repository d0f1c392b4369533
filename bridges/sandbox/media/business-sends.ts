import type { Network } from '../accounts.ts'
import { asJson, type Json, parseJson, stringOf } from '../api-call.ts'
import { type ErrorSpec, graphErrors, parameterError } from '../graph-error.ts'
import type { Message, World } from '../world.ts'
import { fileLimits, takesFile } from './file-limits.ts'
import type { FileKind } from './file-store.ts'

/** What a send through the API holds; `fails` is the error that comes after it was accepted. */
export type Sent = { content: Pick<Message, 'text' | 'files' | 'cards' | 'place'>; fails?: ErrorSpec } | { error: ErrorSpec }

const captionLimit = 1024
const captioned = ['image', 'video', 'document']
const empty = { text: '', files: [], cards: [] }

/** A message of WhatsApp that is no text: an uploaded file, a place or contact cards. */
export function whatsappContent(world: World, body: Json): Sent {
  const type = stringOf(body, 'type') ?? ''
  if (type === 'location') {
    const place = asJson(body['location'])
    const valid = inRange(place['latitude'], 90) && inRange(place['longitude'], 180)
    return valid ? { content: { ...empty, place } } : { error: parameterError("The parameter location['latitude'] is required.", true) }
  }
  if (type === 'contacts') {
    const cards = listOf(body['contacts']).map(asJson)
    const named = cards.length > 0 && cards.every((card) => stringOf(card['name'], 'formatted_name') && namedInPart(asJson(card['name'])))
    return named ? { content: { ...empty, cards } } : { error: parameterError("The parameter contacts['name'] is required.", true) }
  }
  if (!Object.hasOwn(fileLimits.whatsapp, type)) return { error: graphErrors.whatsappUnsupported }
  return whatsappFile(world, type, asJson(body[type]))
}

function whatsappFile(world: World, type: string, content: Json): Sent {
  const id = stringOf(content, 'id')
  // The sandbox reaches into no other host.
  if (id === undefined && stringOf(content, 'link') !== undefined) return { content: empty, fails: graphErrors.whatsappUpload }
  const file = world.files.find('whatsapp', id ?? '')
  const caption = stringOf(content, 'caption')
  if (!file) return { error: graphErrors.whatsappNoMedia }
  if (caption !== undefined && !captioned.includes(type))
    return { error: parameterError(`Unexpected key "caption" on param "${type}".`, true) }
  if ((caption?.length ?? 0) > captionLimit) {
    return { error: parameterError(`Param ${type}['caption'] must be at most 1024 characters long.`, true) }
  }
  const voice = type === 'audio' && content['voice'] === true
  const name = stringOf(content, 'filename')
  const kind = voice ? 'voice' : type === 'document' ? 'file' : (type as FileKind)
  const sent = { ...file, kind, ...(name === undefined ? {} : { name }) }
  const fits = takesFile('whatsapp', type, { ...file, animated: isAnimated(file.bytes) }) && (!voice || file.mime === 'audio/ogg')
  return { content: { ...empty, text: caption ?? '', files: [sent] }, ...(fits ? {} : { fails: graphErrors.whatsappUpload }) }
}

/** A message of Messenger or Instagram: a text or an uploaded file, never both. */
export function messagingContent(world: World, network: Exclude<Network, 'whatsapp'>, message: Json): Sent {
  const text = stringOf(message, 'text')
  const attachment = asJson(message['attachment'])
  const id = stringOf(attachment['payload'], 'attachment_id')
  if (text !== undefined && message['attachment'] === undefined) return { content: { ...empty, text } }
  if (text !== undefined || message['attachment'] === undefined) {
    return { error: parameterError('Param message must hold one of text and attachment', false) }
  }
  const file = world.files.find(network, id ?? '')
  if (!file) return { error: id === undefined ? graphErrors.messagingFetch : graphErrors.messagingNoAttachment }
  if (!takesFile(network, stringOf(attachment, 'type') ?? '', file)) return { error: graphErrors.messagingUpload }
  return { content: { ...empty, files: [file] } }
}

/** A parameter of the Graph API that is a list, also when it is spelled as JSON in a string. */
function listOf(value: unknown): unknown[] {
  const list = typeof value === 'string' ? parseJson(value) : value
  return Array.isArray(list) ? list : []
}

function inRange(value: unknown, most: number): boolean {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof number === 'number' && Math.abs(number) <= most
}

function namedInPart(name: Json): boolean {
  return ['first_name', 'last_name', 'middle_name', 'suffix', 'prefix'].some((part) => stringOf(name, part))
}

/** Whether a WebP has the flag of an animation in its extended header. */
function isAnimated(bytes: Buffer): boolean {
  return bytes.subarray(12, 16).toString('latin1') === 'VP8X' && ((bytes[20] ?? 0) & 0x02) !== 0
}
