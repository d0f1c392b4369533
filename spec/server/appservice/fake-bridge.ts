import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import express, { type Express, type Request, type Response } from 'express'
import { stringify } from 'yaml'
import type { UserId } from '../../../server/core/ids.ts'
import { temporaryFolder } from '../../support/processes.ts'
import { type Body, startServer, type TestServer } from '../../support/server.ts'

/** What a service does with a transaction: takes it, slowly too, refuses it with a status, cuts the connection before or after it was taken, or has no such path. */
export type Behaviour = 'take' | 'slow' | 'cut' | 'lose' | 'unknown' | number

export type Transaction = {
  readonly id: string
  readonly text: string
  readonly body: Body
  readonly headers: Record<string, unknown>
  readonly path: string
}

export type FakeService = {
  readonly url: string
  readonly port: number
  /** Every transaction that arrived, retries too. */
  readonly arrived: Transaction[]
  /** Those that were taken. */
  readonly taken: Transaction[]
  /** What happens to the next ones; then they are taken. */
  readonly next: Behaviour[]
  readonly pings: Body[]
  pingStatus: number
  /** Called for a user or an alias that the server does not know; true when it exists now. */
  asked: (id: string) => Promise<boolean>
  /** Resolves once so many were taken, or arrived. */
  readonly until: (is: () => boolean) => Promise<void>
  readonly close: () => Promise<void>
}

/** An application service on loopback that does as it is told. */
export async function fakeService(port = 0): Promise<FakeService> {
  const waits = new Set<() => void>()
  const app = express()
  app.use(express.text({ type: () => true, limit: '20mb' }))
  const server: Server = createServer(app)
  await once(server.listen(port, '127.0.0.1'), 'listening')
  const fake: FakeService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    port: (server.address() as AddressInfo).port,
    arrived: [],
    taken: [],
    next: [],
    pings: [],
    pingStatus: 200,
    asked: () => Promise.resolve(false),
    until: (is) =>
      new Promise((resolve) => {
        const look = () => {
          if (is() && waits.delete(look)) resolve()
        }
        waits.add(look)
        look()
      }),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const told = () => {
    for (const look of [...waits]) look()
  }
  const put = (request: Request, response: Response) => {
    const text = String(request.body)
    const transaction = {
      id: String(request.params['id']),
      text,
      body: JSON.parse(text),
      headers: request.headers,
      path: request.originalUrl,
    }
    const behaviour = fake.next.shift() ?? 'take'
    fake.arrived.push(transaction)
    if (behaviour === 'take' || behaviour === 'slow' || behaviour === 'lose') fake.taken.push(transaction)
    if (behaviour === 'take') response.json({})
    else if (behaviour === 'slow') setTimeout(() => response.json({}), 300)
    else if (behaviour === 'unknown') response.status(404).json({ errcode: 'M_UNRECOGNIZED' })
    else if (typeof behaviour === 'number') response.status(behaviour).json({ errcode: 'M_UNKNOWN' })
    else request.socket.destroy()
    told()
  }
  app.put('/_matrix/app/v1/transactions/:id', put)
  app.put('/transactions/:id', put)
  answerQuestions(app, fake)
  return fake
}

function answerQuestions(app: Express, fake: FakeService): void {
  app.post('/_matrix/app/v1/ping', (request, response) => {
    fake.pings.push({ body: JSON.parse(String(request.body)), authorization: request.headers.authorization })
    response.status(fake.pingStatus).json(fake.pingStatus === 200 ? {} : { errcode: 'M_FORBIDDEN' })
  })
  app.get(['/_matrix/app/v1/users/:id', '/_matrix/app/v1/rooms/:id'], async (request, response) => {
    const exists = request.headers.authorization === `Bearer ${hsToken}` && (await fake.asked(String(request.params['id'])))
    response.status(exists ? 200 : 404).json(exists ? {} : { errcode: 'M_NOT_FOUND' })
  })
}

export const asToken = 'the-as-token-of-a-bridge'
export const hsToken = 'the-hs-token-of-a-bridge'

/** Writes a registration file and gives its path. */
export function registration(url: string | null, more: Body = {}): string {
  const file = join(temporaryFolder('tombolo-registration'), 'registration.yaml')
  const namespaces = { users: [{ exclusive: true, regex: '@bridge_.*' }], aliases: [{ exclusive: true, regex: '#bridge_.*' }], rooms: [] }
  const base = { id: 'bridge', url, as_token: asToken, hs_token: hsToken, sender_localpart: 'bridgebot', namespaces, rate_limited: false }
  writeFileSync(file, stringify({ ...base, ...more }))
  return file
}

/** A clock whose waits are short; `sleeps` are the milliseconds that were asked for. */
export function quickClock(shortest = 5) {
  const sleeps: number[] = []
  const sleep = (milliseconds: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      sleeps.push(milliseconds)
      const timer = setTimeout(resolve, shortest)
      const end = () => {
        clearTimeout(timer)
        resolve()
      }
      if (signal?.aborted) end()
      else signal?.addEventListener('abort', end, { once: true })
    })
  return { sleeps, clock: { now: Date.now, sleep } }
}

/** Starts a server that knows a service. */
export function serverWith(file: string, options: Parameters<typeof startServer>[0] = {}): Promise<TestServer> {
  return startServer({ ...options, engine: 'sqlite', config: { appservice_files: [file] } })
}

/** Registers users of the service and gives what acts as them. */
export async function ghost(server: TestServer, name: string) {
  const userId: UserId = `@${name}:hs.test`
  await server.as(asToken).post('/register', { type: 'm.login.application_service', username: name, inhibit_login: true })
  return { userId, ...server.as(asToken, { user_id: userId }) }
}

/** The bodies of message events of transactions, in order. */
export function bodiesOf(transactions: readonly Transaction[]): string[] {
  return transactions
    .flatMap(({ body }) => body['events'] as Body[])
    .flatMap(({ type, content }) => (type === 'm.room.message' ? content.body : []))
}
