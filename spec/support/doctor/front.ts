import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Files, tlsServer } from '../peers/tls-server.ts'

export type Said = { readonly status?: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }

/** A reverse proxy, as somebody may have set it up. */
export type Front = {
  readonly port: number
  /** Answers a path itself instead of handing it on; the one told last counts, undefined hands it on. */
  answer: (path: string) => Said | undefined
  /** What it makes of a path before it hands it on. */
  rewrite: (path: string) => string
  /** Headers that it adds to every answer. */
  adds: Readonly<Record<string, string>>
  readonly down: () => Promise<void>
}

const forwarded = /^\/(_matrix|\.well-known\/matrix)\//

/** Ends TLS and hands what is Matrix's on to a port of this machine. */
export async function startFront(files: Files, to: number): Promise<Front> {
  const rules: Pick<Front, 'answer' | 'rewrite' | 'adds'> = { answer: () => undefined, rewrite: (path) => path, adds: {} }
  const server = tlsServer(files, (request, response) => {
    const path = request.url ?? ''
    const said = rules.answer(path) ?? (forwarded.test(path) ? undefined : { status: 404, body: 'no such page' })
    if (said === undefined) return void forward(request, response, rules, to)
    request.resume()
    response.writeHead(said.status ?? 200, said.headers ?? {}).end(said.body ?? '')
  })
  await server.up()
  return Object.assign(rules, { port: server.port(), down: server.down })
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { rewrite, adds }: Pick<Front, 'rewrite' | 'adds'>,
  port: number,
): void {
  const { method, headers } = request
  const asked = ask({ host: '127.0.0.1', port, method, headers, path: rewrite(request.url ?? '') }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...adds })
    answer.pipe(response)
  })
  asked.on('error', () => response.headersSent || response.writeHead(502).end('Bad Gateway'))
  request.pipe(asked)
}
