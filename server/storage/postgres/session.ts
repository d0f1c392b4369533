import { connect, type Socket } from 'node:net'
import postgres from 'postgres'
import type { Query } from './portable-sql.ts'

/** The connection ended: what was sent and not answered may or may not have happened. */
export class ConnectionLost extends Error {}

export type Rows = readonly Record<string, unknown>[] & { readonly command?: string }

/** One connection, from its opening to its end; never a second one under the same name, so that no transaction continues outside of itself. */
export type Session = {
  /**
   * Sends queries at once, without waiting in between; resolves with the rows of each. Rejects with the first error when all are answered,
   * with ConnectionLost when the connection ended.
   */
  readonly send: (queries: readonly Query[]) => Promise<Rows[]>
  readonly lost: () => boolean
  readonly end: () => Promise<void>
}

export type SessionOptions = {
  readonly url: string
  readonly name: string
  readonly onNotify?: (payload: string) => void
  readonly onLost?: () => void
}

type Parsed = { readonly path?: string; readonly host: readonly string[]; readonly port: readonly number[] }

const asNumber = { serialize: String, parse: Number }

/** What every connection shares: how values are read, and the limits that keep a frozen process from holding others. */
const shared = {
  onnotice: () => undefined,
  fetch_types: false,
  connect_timeout: 10,
  max_pipeline: 1_000_000,
  max_lifetime: null,
  types: {
    integer: { to: 20, from: [20, 21, 23, 26, 700, 701, 1700], ...asNumber },
    boolean: { to: 16, from: [16], serialize: String, parse: (text: string) => (text === 't' ? 1 : 0) },
  },
}

const settings = {
  idle_in_transaction_session_timeout: 2000,
  lock_timeout: 5000,
  synchronous_commit: 'on',
  default_transaction_isolation: 'read committed',
  // Plans are kept as long as the connection, and one made while a table is small would read all of it when it is large.
  enable_seqscan: 'off',
  jit: 'off',
}

/** A client for `url`, which may name its host, user and password as parameters too, as libpq's may (a socket's folder has no other place). */
export function client(url: string, name: string, extra: object): postgres.Sql {
  const parsed = new URL(url)
  const named: Record<string, string> = {}
  for (const key of ['host', 'port', 'user', 'password']) {
    const value = parsed.searchParams.get(key)
    if (value !== null) named[key] = value
    parsed.searchParams.delete(key)
  }
  return postgres(parsed.href, { ...shared, ...named, connection: { ...settings, application_name: name }, ...extra } as object)
}

/** Connects. Rejects with what the server or the network said. */
export async function openSession({ url, name, onNotify, onLost }: SessionOptions): Promise<Session> {
  const waiting = new Set<(error: Error) => void>()
  let lost = false
  let used = false
  const lose = () => {
    if (lost) return
    lost = true
    for (const reject of waiting) reject(new ConnectionLost('the connection to PostgreSQL was lost'))
    waiting.clear()
    onLost?.()
  }
  const socket = (parsed: Parsed): Promise<Socket> => {
    if (used) return Promise.reject(new ConnectionLost('a session connects once'))
    used = true
    return connectedSocket(parsed)
  }
  const extra = { socket, onnotify: (_: string, payload: string) => onNotify?.(payload), onclose: lose }
  const sql = client(url, name, { ...extra, max: 1 })
  try {
    await sql.unsafe('SELECT 1')
  } catch (error) {
    await sql.end({ timeout: 0 })
    throw error
  }

  return {
    lost: () => lost,
    send(queries) {
      if (lost) return Promise.reject(new ConnectionLost('the connection to PostgreSQL was lost'))
      return new Promise((resolve, reject) => {
        waiting.add(reject)
        const answers = queries.map((query) =>
          sql.unsafe(query.sql, query.parameters as never[], { prepare: true, simple: false } as object),
        )
        void Promise.allSettled(answers).then((outcomes) => {
          waiting.delete(reject)
          const failed = outcomes.find((outcome) => outcome.status === 'rejected')
          if (failed) reject(isLoss(failed.reason) ? new ConnectionLost(String(failed.reason)) : failed.reason)
          else resolve(outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value as Rows))
        })
      })
    },
    end: async () => {
      await sql.end({ timeout: 1 })
    },
  }
}

function connectedSocket({ path, host, port }: Parsed): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = path ? connect(path) : connect(port[0]!, host[0]!)
    socket.setNoDelay(true)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(Object.assign(socket, { host: host[0], port: port[0] }))
    })
  })
}

/** Whether an error means that the connection is gone, or going. */
export function isLoss(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true
  const { severity, code } = error as { severity?: string; code?: string }
  if (severity === 'FATAL' || severity === 'PANIC') return true
  return typeof code === 'string' && (/^(CONNECTION_|CONNECT_TIMEOUT|E[A-Z]{4,}$)/.test(code) || code === '57P01' || code === '57P03')
}
