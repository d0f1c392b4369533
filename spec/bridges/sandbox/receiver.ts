import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerChallenge } from '../../../bridges/protocols/graph/challenge.ts'
import { parseWebhook } from '../../../bridges/protocols/graph/webhook.ts'
import type { WebhookItem } from '../../../bridges/protocols/graph/webhook-item.ts'
import { verifySignature } from '../../../bridges/protocols/graph/webhook-signature.ts'

export interface Receiver {
  readonly url: string
  /** Bodies in the order in which they came, refused ones too. */
  readonly bodies: Buffer[]
  /** The header of each body. */
  readonly signatures: string[]
  readonly items: WebhookItem[]
  readonly parked: number
  readonly badSignatures: number
  /** Answers the next so many bodies with 500 and forgets them. */
  refuseNext(count: number): void
  close(): Promise<void>
}

/** A webhook endpoint as a bridge has one: challenge, signature over the raw bytes, items. */
export async function startReceiver(appSecret: string, verifyToken: string): Promise<Receiver> {
  const seen = { bodies: [] as Buffer[], signatures: [] as string[], items: [] as WebhookItem[], parked: 0, badSignatures: 0, refusals: 0 }
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://receiver')
    if (request.method === 'GET') {
      const answer = answerChallenge(Object.fromEntries(url.searchParams), verifyToken)
      return void response.writeHead(answer.status).end(answer.status === 200 ? answer.body : '')
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    seen.bodies.push(body)
    seen.signatures.push(String(request.headers['x-hub-signature-256']))
    if (seen.refusals > 0) {
      seen.refusals--
      return void response.writeHead(500).end()
    }
    if (verifySignature(body, request.headers['x-hub-signature-256'] as string | undefined, appSecret)) {
      const { items, parked } = parseWebhook(body)
      seen.items.push(...items)
      seen.parked += parked.length
    } else seen.badSignatures++
    response.writeHead(200).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    bodies: seen.bodies,
    signatures: seen.signatures,
    items: seen.items,
    get parked() {
      return seen.parked
    },
    get badSignatures() {
      return seen.badSignatures
    },
    refuseNext(count) {
      seen.refusals = count
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
