import type { GraphRequest } from '../graph/graph-client.ts'
import { type GraphNetwork, mediaLimits } from '../graph/media-limits.ts'
import type { OutgoingFile } from '../graph/multipart.ts'
import { idField, type JsonObject } from '../graph/read-json.ts'
import type { MediaKind } from '../graph/record.ts'
import { buildMessage } from './messaging.ts'

const typeOf: Readonly<Record<MediaKind, string>> = {
  image: 'image',
  video: 'video',
  audio: 'audio',
  voice: 'audio',
  file: 'file',
  sticker: 'image',
}

/** Uploads a file of a Page or an Instagram account, to be sent by its id. More than the kind's limit is never sent. */
export function buildAttachmentUpload(
  network: Exclude<GraphNetwork, 'whatsapp'>,
  account: string,
  kind: MediaKind,
  file: OutgoingFile,
): GraphRequest {
  const message = JSON.stringify({ attachment: { type: typeOf[kind], payload: { is_reusable: false } } })
  const fields = { ...(network === 'instagram' ? { platform: 'instagram' } : {}), message }
  const limit = mediaLimits[network][kind] ?? mediaLimits[network].file!
  const path = `/${encodeURIComponent(account)}/message_attachments`
  return { method: 'POST', path, multipart: { fields, fileField: 'filedata', file, maxBytes: limit.maxBytes } }
}

/** The attachment id in the answer to an upload. */
export function readAttachmentUploaded(body: JsonObject): { id: string } | undefined {
  const id = idField(body, 'attachment_id')
  return id === undefined ? undefined : { id }
}

/**
 * An uploaded file as a message; a caption is a text of its own. `tag` travels as Messenger's `metadata` and returns in the echo (Instagram has
 * none), `persona` is a persona of Messenger.
 */
export function buildAttachment(
  account: string,
  message: { to: string; kind: MediaKind; media: { id: string }; replyTo?: string; tag?: string; persona?: string; humanAgent?: boolean },
): GraphRequest {
  const { to, kind, media, replyTo, tag, persona, humanAgent } = message
  if (tag !== undefined && tag.length > 1000) throw new RangeError('metadata has at most 1000 characters')
  const attachment = { type: typeOf[kind], payload: { attachment_id: media.id } }
  return buildMessage(
    account,
    to,
    { attachment, ...(tag === undefined ? {} : { metadata: tag }) },
    {
      ...(humanAgent ? { messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT' } : { messaging_type: 'RESPONSE' }),
      ...(replyTo === undefined ? {} : { reply_to: { mid: replyTo } }),
      ...(persona === undefined ? {} : { persona_id: persona }),
    },
  )
}

/** Asks for the files of a message again, when their addresses have expired. */
export function buildMessageFiles(messageId: string): GraphRequest {
  const fields = 'id,attachments{id,mime_type,name,size,image_data,video_data,file_url}'
  return { method: 'GET', path: `/${encodeURIComponent(messageId)}`, query: { fields } }
}
