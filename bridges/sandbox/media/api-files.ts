import type { Network } from '../accounts.ts'
import { type ApiCall, asJson, type Json, type Outcome, parseJson, stringOf } from '../api-call.ts'
import { graphErrors, parameterError, unknownObject } from '../graph-error.ts'
import type { Message, World } from '../world.ts'
import { fileLimits, takesFile, wrongUpload } from './file-limits.ts'
import type { FileKind, StoredFile } from './file-store.ts'
import { plainType } from './read-form.ts'

/** `POST /{phone-number-id}/media`: a form with the file and its type. */
export function postWhatsappMedia({ files }: World, call: ApiCall): Outcome {
  const upload = call.files?.get('file')
  if (call.body['messaging_product'] !== 'whatsapp') return { error: parameterError("Param messaging_product must be 'whatsapp'", true) }
  if (!upload) return { error: parameterError('Param file is required', true) }
  const mime = plainType(stringOf(call.body, 'type') ?? upload.mime)
  const wrong = wrongUpload(mime, upload.bytes.length)
  if (wrong === 'size') return { error: graphErrors.whatsappUpload }
  if (wrong)
    return {
      error: {
        ...graphErrors.badJson,
        message: `(#100) Param file must be a file with one of the supported types. Received file of type '${mime}'.`,
      },
    }
  return { body: { id: files.keep('whatsapp', { kind: 'file', mime, bytes: upload.bytes, name: upload.name }, false).id } }
}

/** `GET /{media-id}`: where the file is, for five minutes; `DELETE` forgets it. */
export function whatsappMediaNode({ files }: World, { method, query, account }: ApiCall, id: string): Outcome | undefined {
  const file = files.find('whatsapp', id)
  const number = query.get('phone_number_id')
  if (!file || (number !== null && number !== account.id)) return undefined
  if (method === 'DELETE') {
    files.drop(id)
    return { body: { success: true } }
  }
  const { mime, sha256, bytes } = file
  return { body: { url: file.url(), mime_type: mime, sha256, file_size: bytes.length, id, messaging_product: 'whatsapp' } }
}

/** `POST /{page-id | me}/message_attachments`: a form with the file and the message that describes it. */
export function postAttachment({ files }: World, call: ApiCall): Outcome {
  const { network } = call.account
  const upload = call.files?.get('filedata')
  const described = stringOf(call.body, 'message')
  const attachment = asJson(asJson(described === undefined ? call.body['message'] : parseJson(described))['attachment'])
  const type = stringOf(attachment, 'type') ?? ''
  if (!Object.hasOwn(fileLimits[network], type)) return { error: parameterError('Param message[attachment][type] is not valid', false) }
  if (!upload) return { error: graphErrors.messagingFetch }
  if (!takesFile(network, type, upload)) return { error: graphErrors.messagingUpload }
  const { mime, bytes, name } = upload
  return { body: { attachment_id: files.keep(network, { kind: type as FileKind, mime, bytes, name }, false).id } }
}

/** `GET /{message-id}?fields=attachments`: the files of a message under new addresses. */
export function messageNode(world: World, { account, query }: ApiCall, id: string): Outcome {
  const people = world.people.filter(({ network }) => network === account.network)
  const message = people.flatMap(({ messages }) => messages).find((one) => one.id === id && !one.deleted)
  if (!message || account.network === 'whatsapp') return { error: unknownObject('GET', id) }
  const wanted = query.get('fields')?.includes('attachments') && message.files.length > 0
  return { body: { id, ...(wanted ? { attachments: { data: message.files.map(fileNode) } } : {}) } }
}

function fileNode(file: StoredFile): Json {
  const url = file.url()
  const visible = { image: { image_data: { url } }, sticker: { image_data: { url } }, video: { video_data: { url } } }
  const data = Object.hasOwn(visible, file.kind) ? visible[file.kind as keyof typeof visible] : { file_url: url }
  return { id: file.id, mime_type: file.mime, name: file.name ?? file.id, size: file.bytes.length, ...data }
}

/** The attachments of a message in webhooks of Messenger and Instagram. */
export function attachmentsOf({ files, place, share }: Pick<Message, 'files' | 'place' | 'share'>, network: Network): Json {
  const attached = files.map((file) => {
    const sticker = file.kind === 'sticker' ? { sticker_id: 369239263222822 } : {}
    return { type: file.kind === 'voice' ? 'audio' : file.kind, payload: { url: file.url(), ...sticker } }
  })
  const coordinates = place && { lat: place['latitude'], long: place['longitude'] }
  const shared = share ? [{ type: network === 'messenger' ? 'fallback' : 'share', payload: share }] : []
  const all = [...attached, ...shared, ...(coordinates ? [{ type: 'location', payload: { coordinates } }] : [])]
  return all.length > 0 ? { attachments: all } : {}
}
