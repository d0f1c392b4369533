import type { OutgoingText } from '../kit/connector.ts'
import type { GraphRequest } from '../protocols/graph/graph-client.ts'
import { countChars, splitText } from '../protocols/graph/split-text.ts'
import { buildWhatsappText, whatsappLimits } from '../protocols/graph/whatsapp.ts'
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
