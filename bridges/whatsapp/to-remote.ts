import type { OutgoingMedia, OutgoingReaction, OutgoingText } from '../kit/connector.ts'
import type { GraphRequest } from '../protocols/graph/graph-client.ts'
import { countChars, splitText } from '../protocols/graph/split-text.ts'
import { buildWhatsappReaction, buildWhatsappRead, buildWhatsappText, whatsappLimits } from '../protocols/graph/whatsapp.ts'
import { buildWhatsappMedia } from '../protocols/graph/whatsapp-media.ts'
import { recipientOf } from './ids.ts'

// Room for the mark that the kit may set before a part.
const spare = 8

/** Cuts a text into parts that WhatsApp takes. */
export function splitForRemote(text: string): string[] {
  return splitText(text, whatsappLimits.text - spare, countChars)
}

/** One text as WhatsApp takes it; the key comes back in each of its statuses. */
export function toRemote(account: string, { to, ...message }: OutgoingText, key: string): GraphRequest {
  return buildWhatsappText(account, { ...message, to: recipientOf(to), tag: key })
}

/** The account's reaction to a message; none takes it back. */
export function reactionToRemote(account: string, { to, target, emoji }: OutgoingReaction): GraphRequest {
  return buildWhatsappReaction(account, recipientOf(to), target, emoji ?? '')
}

/** A message and all before it are read; with `typing` an answer is being written, too. */
export function readToRemote(account: string, id: string, typing: boolean): GraphRequest {
  return buildWhatsappRead(account, id, typing)
}

/** Characters of a caption by kind. */
export const captions = { image: 1024, video: 1024, file: 1024 } as const

/** A file that WhatsApp has, as a message. */
export function mediaToRemote(account: string, { to, media, ...message }: OutgoingMedia, key: string): GraphRequest {
  return buildWhatsappMedia(account, { ...message, to: recipientOf(to), kind: media.as, media, tag: key })
}
