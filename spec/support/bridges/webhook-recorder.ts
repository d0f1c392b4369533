import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type RecordedWebhook = { readonly body: Buffer; readonly headers: Readonly<Record<string, string>> }
/** Stands between a network and a bridge, and keeps what goes through. */
export type WebhookRecorder = {
  readonly url: string
  /** What the network has sent, in its order. */
  readonly recorded: RecordedWebhook[]
  /** While it is held, the network is told that all is well, and nothing gets to the bridge. */
  held: boolean
  close(): Promise<void>
}

/** Starts one before a bridge's webhook. */
export async function startRecorder(target: string): Promise<WebhookRecorder> {
  const recorded: RecordedWebhook[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    if (request.method === 'GET') return void forward(await fetch(target + new URL(request.url ?? '/', 'http://x').search))
    const signatures = Object.entries(request.headers).filter(([name]) => name.startsWith('x-hub-'))
    const headers = { 'content-type': 'application/json', ...Object.fromEntries(signatures) } as Record<string, string>
    if (recorder.held) response.writeHead(200).end()
    const answer = recorder.held ? undefined : await fetch(target, { method: 'POST', body, headers }).catch(() => undefined)
    if (recorder.held || answer?.status === 200) recorded.push({ body, headers })
    if (!response.headersSent) await forward(answer ?? new Response(null, { status: 502 }))

    async function forward(reply: Response): Promise<void> {
      response.writeHead(reply.status).end(await reply.text())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const recorder: WebhookRecorder = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    recorded,
    held: false,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return recorder
}
