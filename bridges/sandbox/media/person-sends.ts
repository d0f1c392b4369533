import type { SandboxAccount } from '../accounts.ts'
import type { Json } from '../api-call.ts'
import { deliverWaiting } from '../arrival.ts'
import { SandboxError, type SendInput } from '../control.ts'
import type { Happening } from '../envelope.ts'
import { messagingInbound } from '../happenings-messaging.ts'
import { createMid, createWamid } from '../ids.ts'
import type { Done } from '../person-actions.ts'
import { whatsappInbound } from '../whatsapp/happenings-whatsapp.ts'
import { createMessage, type Message, type Person, type World } from '../world.ts'
import { nativeTypeOf } from './file-limits.ts'
import { fileKinds, type StoredFile } from './file-store.ts'

/** A person sends files with a caption, a place or contact cards; the 24 hours count from here. WhatsApp takes one of these a message. */
export function send(world: World, person: Person, input: SendInput): Done {
  const { network } = person
  const { text = '', replyTo, forwarded, place, share, cards = [], withheld } = input
  const words = forwarded !== undefined && text !== '' ? 1 : 0
  const count = (input.files?.length ?? 0) + (place ? 1 : 0) + (share ? 1 : 0) + (cards.length > 0 ? 1 : 0)
  if (count + words === 0) throw new SandboxError('there is nothing to send')
  if (network === 'whatsapp' ? count > 1 || share : cards.length > 0 || forwarded !== undefined)
    throw new SandboxError(`${network} does not carry this in one message`)
  if (network === 'instagram' && place) throw new SandboxError('Instagram has no places')
  if (replyTo !== undefined && !person.messages.some(({ id }) => id === replyTo)) throw new SandboxError('there is no such message')
  const at = world.clock.now()
  const message = createMessage({
    ...{ id: network === 'whatsapp' ? createWamid(person.phone!, true) : createMid(), byPerson: true, label: person.name, text, at },
    ...{ cards, files: keepFiles(world, person, input) },
    ...(place ? { place } : {}),
    ...(share ? { share } : {}),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(forwarded === 'once' || forwarded === 'often' ? { forwarded } : {}),
  })
  person.messages.push(message)
  person.lastWroteAt = at
  const account = world.accounts[network]
  const told = network === 'whatsapp' ? onWhatsapp(account, person, message, withheld === true) : messagingInbound(account, person, message)
  return { id: message.id, happenings: [...deliverWaiting(world, person), told] }
}

function keepFiles({ files }: World, { network }: Person, input: SendInput): StoredFile[] {
  return (input.files ?? []).map(({ kind, mime, data, name, animated }) => {
    if (!fileKinds.includes(kind) || typeof mime !== 'string' || typeof data !== 'string') throw new SandboxError('this is no file')
    const more = { ...(typeof name === 'string' ? { name } : {}), ...(animated === true ? { animated } : {}) }
    return files.keep(network, { kind, mime, bytes: Buffer.from(data, 'base64'), ...more }, true)
  })
}

function onWhatsapp(account: SandboxAccount, person: Person, message: Message, withheld: boolean): Happening {
  const [file] = message.files
  if (message.place) return whatsappInbound(account, person, message, 'location', { location: message.place })
  if (!file && message.cards.length === 0) return whatsappInbound(account, person, message, 'text', { text: { body: message.text } })
  if (!file) return whatsappInbound(account, person, message, 'contacts', { contacts: message.cards })
  const type = nativeTypeOf('whatsapp', file.kind)
  if (!withheld) return whatsappInbound(account, person, message, type, { [type]: fileOf(file, message.text) })
  const title = 'Media download error'
  const error = { code: 131052, title, message: title, error_data: { details: 'Failed to download the media sent by the user.' } }
  return whatsappInbound(account, person, message, 'unsupported', { errors: [error], unsupported: { type } })
}

function fileOf(file: StoredFile, caption: string): Json {
  const { id, kind, mime, sha256, name } = file
  return {
    ...(caption === '' ? {} : { caption }),
    ...(kind === 'file' ? { filename: name ?? 'file' } : {}),
    mime_type: kind === 'voice' ? `${mime}; codecs=opus` : mime,
    sha256: Buffer.from(sha256, 'hex').toString('base64'),
    id,
    url: file.url(),
    ...(kind === 'voice' || kind === 'audio' ? { voice: kind === 'voice' } : {}),
    ...(kind === 'sticker' ? { animated: file.animated === true } : {}),
  }
}
