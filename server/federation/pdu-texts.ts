import { canonicalJson } from '../core/canonical-json.ts'
import type { EventId } from '../core/ids.ts'
import type { Json } from '../core/json.ts'
import type { TimelineEvent } from '../graph/graph.ts'

/** Events as they go to other servers: written down once, however many they go to. */
export type PduTexts = (event: TimelineEvent) => string | undefined

const mostLength = 8_000_000

/** Keeps the newest texts. Undefined for an event that has no canonical form, which no server could read. */
export function createPduTexts(): PduTexts {
  const texts = new Map<EventId, string>()
  let length = 0
  return (event) => {
    const key = event.redactedBy === undefined ? event.eventId : undefined
    const known = key === undefined ? undefined : texts.get(key)
    if (known !== undefined) return known
    const text = write(event)
    if (text === undefined || key === undefined) return text
    texts.set(key, text)
    length += text.length
    for (const [oldest, its] of texts) {
      if (length <= mostLength) break
      texts.delete(oldest)
      length -= its.length
    }
    return text
  }
}

function write({ pdu }: TimelineEvent): string | undefined {
  try {
    return canonicalJson({ ...pdu, unsigned: undefined } as unknown as Json, false)
  } catch {
    return undefined
  }
}
