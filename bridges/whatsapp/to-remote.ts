import type { OutgoingContacts, OutgoingMedia, OutgoingPlace, OutgoingReaction, OutgoingText } from '../kit/connector.ts'
import type { GraphRequest } from '../protocols/graph/graph-client.ts'
import { countChars, splitText } from '../protocols/graph/split-text.ts'
import { buildWhatsappReaction, buildWhatsappRead, buildWhatsappText, whatsappLimits } from '../protocols/graph/whatsapp.ts'
import { buildWhatsappContacts, buildWhatsappLocation, buildWhatsappMedia } from '../protocols/graph/whatsapp-media.ts'
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

/** A file that WhatsApp has, as a message. */
export function mediaToRemote(account: string, { to, media, ...message }: OutgoingMedia, key: string): GraphRequest {
  return buildWhatsappMedia(account, { ...message, to: recipientOf(to), kind: media.as, media, tag: key })
}

/** A place, as a pin on a map. */
export function placeToRemote(account: string, { to, place, ...message }: OutgoingPlace, key: string): GraphRequest {
  return buildWhatsappLocation(account, { ...message, to: recipientOf(to), location: place, tag: key })
}

/** Contact cards. */
export function contactsToRemote(account: string, { to, contacts, ...message }: OutgoingContacts, key: string): GraphRequest {
  return buildWhatsappContacts(account, { ...message, to: recipientOf(to), contacts, tag: key })
}
