import type { OutgoingMedia, OutgoingReaction, OutgoingText, ReadMark } from '../kit/connector.ts'
import type { GraphRequest } from '../protocols/graph/graph-client.ts'
import { buildReaction, buildSenderAction } from '../protocols/graph/messaging.ts'
import { buildAttachment } from '../protocols/graph/messaging-media.ts'
import { buildMessengerText, messengerLimits } from '../protocols/graph/messenger.ts'
import { countChars, splitText } from '../protocols/graph/split-text.ts'
import { recipientOf } from './ids.ts'

// Room for the mark that the kit may set before a part.
const spare = 8

/** Cuts a text into parts that Messenger takes. */
export function splitForRemote(text: string): string[] {
  return splitText(text, messengerLimits.text - spare, countChars)
}

/** One text as Messenger takes it; the key comes back in its echo. */
export function toRemote(account: string, { to, ...message }: OutgoingText, key: string): GraphRequest {
  return buildMessengerText(account, { ...message, to: recipientOf(to), tag: key })
}

/** The account's reaction to a message; none takes it back. */
export function reactionToRemote(account: string, { to, target, emoji }: OutgoingReaction): GraphRequest {
  return buildReaction(account, recipientOf(to), target, emoji)
}

/** The chat is read, as a whole. */
export function readToRemote(account: string, { to }: ReadMark): GraphRequest {
  return buildSenderAction(account, recipientOf(to), 'mark_seen')
}

/** An answer is being written, or no longer. */
export function typingToRemote(account: string, to: ReadMark['to'], on: boolean): GraphRequest {
  return buildSenderAction(account, recipientOf(to), on ? 'typing_on' : 'typing_off')
}

/** A file that Messenger has, as a message. */
export function mediaToRemote(account: string, { to, media, replyTo }: OutgoingMedia, key: string): GraphRequest {
  return buildAttachment(account, { to: recipientOf(to), kind: media.as, media, tag: key, ...(replyTo === undefined ? {} : { replyTo }) })
}
