import type { OutgoingText } from '../kit/connector.ts'
import type { GraphRequest } from '../protocols/graph/graph-client.ts'
import { buildInstagramText, instagramLimits } from '../protocols/graph/instagram.ts'
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
