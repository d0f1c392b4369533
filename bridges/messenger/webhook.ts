import type { Webhook } from '../kit/connector.ts'
import { answerChallenge } from '../protocols/graph/challenge.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { parseWebhook } from '../protocols/graph/webhook.ts'
import { signatureHeader, verifySignature } from '../protocols/graph/webhook-signature.ts'
import { fromRemote } from './from-remote.ts'

/** Where Messenger calls: the signature is looked at first, then the body is cut into what happened. What is another object's is kept and not read. */
export function createWebhook({ appSecret, verifyToken }: Pick<GraphSettings, 'appSecret' | 'verifyToken'>): Webhook {
  return {
    signedIn: signatureHeader,
    challenge: (query) => answerChallenge(query, verifyToken),
    accept(rawBody, signature) {
      if (!verifySignature(rawBody, signature, appSecret)) return { status: 401 }
      const { items, parked } = parseWebhook(rawBody)
      const kept = items.map((item) => ({ dedupKey: item.dedupKey, raw: JSON.stringify(item) }))
      return { status: 200, items: [...kept, ...parked.map(({ dedupKey, raw }) => ({ dedupKey, raw: JSON.stringify({ parked: raw }) }))] }
    },
    read: (raw) => fromRemote(JSON.parse(raw)),
  }
}
