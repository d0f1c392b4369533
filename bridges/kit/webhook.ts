import express, { type ErrorRequestHandler, type Express } from 'express'
import type { RawItem, Webhook } from './connector.ts'

const mostBytes = 3 * 1024 * 1024

/**
 * The address at which the network calls: `/webhook`. The signature is checked over the raw bytes before anything else; 200 is said when everything
 * in the body is on disk, and everything after that happens later.
 */
export function mountWebhook(app: Express, webhook: Webhook, keep: (items: readonly RawItem[]) => void): void {
  app.get('/webhook', (request, response) => {
    const answer = webhook.challenge(request.query as Readonly<Record<string, unknown>>)
    if (answer.status === 200) response.type('text/plain').send(answer.body)
    else response.status(403).end()
  })
  app.post('/webhook', express.raw({ type: () => true, limit: mostBytes, inflate: false }), (request, response) => {
    const body: unknown = request.body
    const signature = request.headers[webhook.signedIn]
    const answer = webhook.accept(Buffer.isBuffer(body) ? body : Buffer.alloc(0), typeof signature === 'string' ? signature : undefined)
    if (answer.status === 401) return void response.status(401).end()
    keep(answer.items)
    response.status(200).end()
  })
  app.use('/webhook', failed)
}

const failed: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  const status = (error as { status?: unknown } | undefined)?.status
  if (response.headersSent) next(error)
  else response.status(typeof status === 'number' && status < 500 ? status : 500).end()
}
