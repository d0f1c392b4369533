import type { OutgoingMedia, OutgoingReaction, OutgoingText, ReadMark } from '../kit/connector.ts'
import type { GraphRequest } from '../protocols/graph/graph-client.ts'
import { buildInstagramText, instagramLimits } from '../protocols/graph/instagram.ts'
import { buildReaction, buildSenderAction } from '../protocols/graph/messaging.ts'
import { buildAttachment } from '../protocols/graph/messaging-media.ts'
import { countBytes, splitText } from '../protocols/graph/split-text.ts'
import { recipientOf } from './ids.ts'

// Room for the mark that the kit may set before a part.
const spare = 8

/** Cuts a text into parts that Instagram takes: it counts bytes. */
export function splitForRemote(text: string): string[] {
  return splitText(text, instagramLimits.text - spare, countBytes)
}

/** One text as Instagram takes it. It has no place for a key: a send whose answer was lost is recognised by its echo's text. */
export function toRemote(account: string, { to, ...message }: OutgoingText): GraphRequest {
  return buildInstagramText(account, { ...message, to: recipientOf(to) })
}

const hearts = ['❤', '❤️', '♥', '♥️']

/** The account's reaction to a message; none takes it back. The heart has a name of its own. */
export function reactionToRemote(account: string, { to, target, emoji }: OutgoingReaction): GraphRequest {
  return buildReaction(account, recipientOf(to), target, emoji !== undefined && hearts.includes(emoji) ? 'love' : emoji)
}

/** The chat is read, as a whole. */
export function readToRemote(account: string, { to }: ReadMark): GraphRequest {
  return buildSenderAction(account, recipientOf(to), 'mark_seen')
}

/** An answer is being written, or no longer. */
export function typingToRemote(account: string, to: ReadMark['to'], on: boolean): GraphRequest {
  return buildSenderAction(account, recipientOf(to), on ? 'typing_on' : 'typing_off')
}

/** A file that Instagram has, as a message. */
export function mediaToRemote(account: string, { to, media, replyTo }: OutgoingMedia): GraphRequest {
  return buildAttachment(account, { to: recipientOf(to), kind: media.as, media, ...(replyTo === undefined ? {} : { replyTo }) })
}
