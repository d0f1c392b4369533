import type { SandboxAccount } from './accounts.ts'
import type { Happening } from './envelope.ts'
import { attachmentsOf } from './media/api-files.ts'
import type { Message, Person } from './world.ts'

/** A person's message to a Page or Instagram account. */
export function messagingInbound(account: SandboxAccount, person: Person, message: Message, product?: string): Happening {
  return fromPerson(account, person, message.at, {
    message: {
      mid: message.id,
      ...textOf(message),
      ...attachmentsOf(message, account.network),
      ...replyOf(message),
      ...(product === undefined ? {} : { referral: { product: { id: product } } }),
    },
  })
}

/** What an account's own message looks like to its apps; with `appId` it came through the API, without it a human typed it in the inbox. */
export function messagingEcho(account: SandboxAccount, person: Person, message: Message, appId?: string): Happening {
  const app = appId === undefined ? {} : { app_id: Number(appId) }
  // Only Messenger hands the sender's metadata back.
  const metadata = message.tag !== undefined && account.network === 'messenger' ? { metadata: message.tag } : {}
  return {
    sender: { id: account.id },
    recipient: { id: person.id },
    timestamp: message.at,
    message: {
      mid: message.id,
      is_echo: true,
      ...app,
      ...metadata,
      ...textOf(message),
      ...attachmentsOf(message, account.network),
      ...replyOf(message),
    },
  }
}

/** Messenger only: everything up to the watermark has arrived. */
export function messengerDelivery(account: SandboxAccount, person: Person, messages: readonly Message[], now: number): Happening {
  return fromPerson(account, person, now, { delivery: { mids: messages.map(({ id }) => id), watermark: newest(messages).at } })
}

/** The person has seen the chat: a watermark on Messenger, the newest message on Instagram. */
export function messagingRead(account: SandboxAccount, person: Person, messages: readonly Message[], now: number): Happening {
  const { id, at } = newest(messages)
  return fromPerson(account, person, now, { read: account.network === 'messenger' ? { watermark: at } : { mid: id } })
}

export function messagingReaction(
  account: SandboxAccount,
  person: Person,
  message: Message,
  emoji: string | undefined,
  now: number,
): Happening {
  const reaction = emoji === undefined ? { action: 'unreact' } : { action: 'react', reaction: emoji === '❤' ? 'love' : 'other', emoji }
  return fromPerson(account, person, now, { reaction: { mid: message.id, ...reaction } })
}

export function messagingEdit(account: SandboxAccount, person: Person, message: Message, now: number): Happening {
  return fromPerson(account, person, now, { message_edit: { mid: message.id, text: message.text, num_edit: message.edits } })
}

/** Instagram only: the person took a message back. */
export function instagramUnsend(account: SandboxAccount, person: Person, message: Message, now: number): Happening {
  return fromPerson(account, person, now, { message: { mid: message.id, is_deleted: true } })
}

/** Something the platform does not show to apps. */
export function messagingUnsupported(account: SandboxAccount, person: Person, mid: string, now: number): Happening {
  return fromPerson(account, person, now, { message: { mid, is_unsupported: true } })
}

function fromPerson(account: SandboxAccount, person: Person, timestamp: number, content: Record<string, unknown>): Happening {
  return { sender: { id: person.id }, recipient: { id: account.id }, timestamp, ...content }
}

function textOf({ text, files, place, share }: Message) {
  return text === '' && (files.length > 0 || place || share) ? {} : { text }
}

function replyOf(message: Message) {
  return message.replyTo === undefined ? {} : { reply_to: { mid: message.replyTo } }
}

function newest(messages: readonly Message[]): Message {
  return messages.reduce((best, message) => (message.at >= best.at ? message : best))
}
