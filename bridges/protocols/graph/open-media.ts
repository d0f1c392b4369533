import { readMessageFiles } from '../messaging/messaging-attachments.ts'
import { buildMessageFiles } from '../messaging/messaging-media.ts'
import { failure } from './errors.ts'
import type { GraphFailure } from './failure.ts'
import type { GraphClient } from './graph-client.ts'
import type { MediaFetcher, OpenedMedia } from './media-fetcher.ts'
import type { RemoteMedia } from './record.ts'
import { buildWhatsappMediaNode, readWhatsappMediaNode } from './whatsapp-media.ts'

export interface MediaAccess {
  client: GraphClient
  fetcher: MediaFetcher
}

/** Where a file stands: the message, and its place among the message's files. */
export interface MediaPlace {
  messageId: string
  index: number
  /** WhatsApp: the number that received it. */
  phoneNumberId?: string
}

/**
 * Opens a file of a record. An address that has expired is asked for again, once: WhatsApp's by the media id, the others' by the message. Fails with
 * `media_gone` when the network has it no more, `too_large` before or while it is read, `damaged` when it is not what was announced.
 */
export async function openMedia(
  access: MediaAccess,
  media: RemoteMedia,
  place: MediaPlace,
  maxBytes: number,
): Promise<OpenedMedia | GraphFailure> {
  const hash = media.sha256 === undefined ? {} : { sha256: media.sha256 }
  const { source } = media
  if ('id' in source) {
    const first = await openById(access, source.id, place, { maxBytes, ...hash })
    return isGone(first) ? openById(access, source.id, place, { maxBytes, ...hash }) : first
  }
  const first = await access.fetcher.open(source.url, { maxBytes, ...hash })
  if (!isGone(first)) return first
  const node = await access.client.call(buildMessageFiles(place.messageId))
  if (node.kind !== 'done') return node.kind === 'retry' ? node : first
  const again = readMessageFiles(node.body)[place.index]?.source
  return again && 'url' in again ? access.fetcher.open(again.url, { maxBytes, ...hash }) : first
}

async function openById(
  { client, fetcher }: MediaAccess,
  id: string,
  { phoneNumberId }: MediaPlace,
  bounds: { maxBytes: number; sha256?: string },
): Promise<OpenedMedia | GraphFailure> {
  const result = await client.call(buildWhatsappMediaNode(id, phoneNumberId))
  // A media id that is no more answers as every object that does not exist.
  if (result.kind !== 'done') return result.subcode === 33 || result.status === 404 ? failure('refused', 'media_gone') : result
  const node = readWhatsappMediaNode(result.body)
  if (!node) return failure('retry', 'server')
  if ((node.size ?? 0) > bounds.maxBytes) return failure('refused', 'too_large')
  const sha256 = bounds.sha256 ?? node.sha256
  const opened = await fetcher.open(node.url, { maxBytes: bounds.maxBytes, withToken: true, ...(sha256 === undefined ? {} : { sha256 }) })
  return opened.kind === 'open' && node.mime !== undefined ? { ...opened, mime: node.mime } : opened
}

function isGone(result: OpenedMedia | GraphFailure): boolean {
  return result.kind !== 'open' && result.class === 'media_gone'
}
