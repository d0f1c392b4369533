import { answerChallenge } from './challenge.ts'
import { asObject, idField } from './read-json.ts'
import type { GraphSettings } from './settings.ts'
import { parseWebhook } from './webhook.ts'
import type { WebhookItem } from './webhook-item.ts'
import { signatureHeader, verifySignature } from './webhook-signature.ts'

/**
 * Where the networks call: the signature is looked at first, then the body is cut into what happened. What is another object's is kept and not read.
 * `heard` gets to know of each item on the way.
 */
export function createSignedWebhook(
  { appSecret, verifyToken }: Pick<GraphSettings, 'appSecret' | 'verifyToken'>,
  heard: (item: WebhookItem) => void = () => undefined,
) {
  return {
    signedIn: signatureHeader,
    challenge: (query: Readonly<Record<string, unknown>>) => answerChallenge(query, verifyToken),
    accept(rawBody: Buffer, signature: string | undefined) {
      if (!verifySignature(rawBody, signature, appSecret)) return { status: 401 as const }
      const { items, parked } = parseWebhook(rawBody)
      for (const item of items) heard(item)
      const kept = items.map((item) => ({ dedupKey: item.dedupKey, raw: JSON.stringify(item) }))
      const left = parked.map(({ dedupKey, raw }) => ({ dedupKey, raw: JSON.stringify({ parked: raw }), malformed: true as const }))
      return { status: 200 as const, items: [...kept, ...left] }
    },
  }
}

/** An item of an object as it was kept; undefined for other objects', and for what could not be cut up. */
export function readKept(raw: string, object: string): WebhookItem | undefined {
  const item = asObject(JSON.parse(raw))
  return idField(item, 'object') === object && asObject(item?.['raw']) ? (item as unknown as WebhookItem) : undefined
}
