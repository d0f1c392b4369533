import type { OutgoingText } from '../kit/connector.ts'
import type { GraphRequest } from '../protocols/graph/graph-client.ts'
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
