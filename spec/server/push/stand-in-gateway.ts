import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Body } from '../../support/server.ts'

/** A push gateway of a spec: takes notifications over HTTP, in this process, on a port of its own. */
export type PushGateway = {
  readonly url: string
  /** What it took, oldest first. */
  readonly taken: Body[]
  /** How often it was asked. */
  readonly asked: () => number
  /** Answers this instead of taking what it is told, until told otherwise. */
  readonly fail: (status: number | undefined) => void
  /** Rejects these pushkeys. */
  readonly reject: (...pushkeys: string[]) => void
  /** Resolves when it has taken so many. */
  readonly took: (many: number) => Promise<Body[]>
  readonly close: () => Promise<void>
}

export async function startPushGateway(): Promise<PushGateway> {
  const taken: Body[] = []
  const rejected: string[] = []
  let failing: number | undefined
  let asked = 0
  const waits = new Set<() => void>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    asked++
    const isRight = request.method === 'POST' && request.url === '/_matrix/push/v1/notify'
    const status = isRight ? (failing ?? 200) : 404
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(status === 200 ? { rejected } : {}))
    if (status === 200) taken.push(JSON.parse(Buffer.concat(chunks).toString()).notification)
    for (const wait of [...waits]) wait()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/_matrix/push/v1/notify`,
    taken,
    asked: () => asked,
    fail: (status) => {
      failing = status
    },
    reject: (...pushkeys) => void rejected.push(...pushkeys),
    took: (many) => {
      const { promise, resolve } = Promise.withResolvers<Body[]>()
      const wait = () => {
        if (taken.length < many) return
        waits.delete(wait)
        resolve(taken)
      }
      waits.add(wait)
      wait()
      return promise
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
