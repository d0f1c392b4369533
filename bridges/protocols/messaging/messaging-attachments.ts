import { asObject, field, idField, type JsonObject, listField, objectField, textField, urlField } from '../graph/read-json.ts'
import type { MediaKind, NetworkRecord, RemoteMedia, Said } from '../graph/record.ts'
import { mimeField, readLocation } from '../graph/whatsapp-content.ts'

type Without<R> = R extends { type: 'media' | 'location' | 'share' | 'unsupported' } ? Omit<R, keyof Said | 'text'> : never
/** What is attached to a message, without who said it. */
export type Attached = Without<NetworkRecord>

const kinds: ReadonlyMap<string, MediaKind> = new Map([
  ['image', 'image'],
  ['video', 'video'],
  ['audio', 'audio'],
  ['file', 'file'],
  ['sticker', 'sticker'],
])
const shares = ['fallback', 'share', 'ig_post', 'reel', 'ig_reel', 'story_mention', 'template']
const mostAttachments = 30

/**
 * What is attached to a message of Messenger or Instagram: files (an album when there are several), a place, something of the network that is shared
 * by its address, or something this version does not know. Undefined when nothing is.
 */
export function readAttachments(list: readonly unknown[]): Attached | undefined {
  const attachments = list
    .slice(0, mostAttachments)
    .map(asObject)
    .filter((one) => one !== undefined)
  const media = attachments.flatMap((attachment) => readFile(attachment) ?? [])
  if (isFilled(media)) return { type: 'media', media: withoutDuplicateStickers(media) }
  const [first] = attachments
  return first && readOther(first)
}

function readOther(attachment: JsonObject): Attached {
  const nativeType = textField(attachment, 'type', 64) ?? 'attachment'
  const payload = objectField(attachment, 'payload')
  const location = nativeType === 'location' ? readPlace(payload) : undefined
  if (location) return { type: 'location', location }
  if (!shares.includes(nativeType)) return { type: 'unsupported', nativeType }
  const url = urlField(payload, 'url') ?? urlField(attachment, 'url')
  const title = textField(payload, 'title', 1024) || textField(attachment, 'title', 1024)
  if (url === undefined && !title) return { type: 'unsupported', nativeType }
  return { type: 'share', nativeType, ...(url === undefined ? {} : { url }), ...(title ? { title } : {}) }
}

function readPlace(payload: JsonObject | undefined) {
  return readLocation(objectField(payload, 'coordinates'), { latitude: 'lat', longitude: 'long' })
}

function readFile(attachment: JsonObject): RemoteMedia | undefined {
  const payload = objectField(attachment, 'payload')
  const kind = kinds.get(textField(attachment, 'type', 64) ?? '')
  const url = urlField(payload, 'url')
  if (!kind || url === undefined) return undefined
  const name = textField(payload, 'title', 255)
  const isSticker = field(payload, 'sticker_id') !== undefined
  return { kind: isSticker ? 'sticker' : kind, source: { url }, ...(name && kind === 'file' ? { name } : {}) }
}

/** Until August 2026 a sticker came with an image of itself beside it. */
function withoutDuplicateStickers(media: [RemoteMedia, ...RemoteMedia[]]): [RemoteMedia, ...RemoteMedia[]] {
  const seen = new Set<string>()
  const once = media.filter(({ kind, source }) => {
    const key = `${kind} ${JSON.stringify(source)}`
    return kind !== 'sticker' || (!seen.has(key) && seen.add(key))
  })
  return isFilled(once) ? once : media
}

function isFilled(media: RemoteMedia[]): media is [RemoteMedia, ...RemoteMedia[]] {
  return media.length > 0
}

/** The files of a message, read again from its own node (`buildMessageFiles`): addresses that expired are new there. */
export function readMessageFiles(body: JsonObject): RemoteMedia[] {
  return listField(objectField(body, 'attachments'), 'data')
    .slice(0, mostAttachments)
    .flatMap((value) => {
      const node = asObject(value)
      const mime = mimeField(node, 'mime_type')
      const named = textField(node, 'name', 255)
      const image = urlField(objectField(node, 'image_data'), 'url')
      const video = urlField(objectField(node, 'video_data'), 'url')
      const url = image ?? video ?? urlField(node, 'file_url')
      if (url === undefined || idField(node, 'id') === undefined) return []
      const kind: MediaKind = image ? 'image' : video ? 'video' : mime?.startsWith('audio/') ? 'audio' : 'file'
      return [{ kind, source: { url }, ...(mime === undefined ? {} : { mime }), ...(named ? { name: named } : {}) }]
    })
}
