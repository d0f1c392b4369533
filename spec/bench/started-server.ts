import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freshDatabase } from '../support/postgres.ts'
import { removeFolder, startServer, temporaryFolder } from '../support/processes.ts'
import type { Engine } from '../support/server.ts'
import { processorTime } from './processor-time.ts'

export const sharedSecret = 'a secret of the bench'
export const serviceToken = 'the-token-of-the-bench'

export type StartedServer = {
  readonly engine: Engine
  readonly url: string
  /** From the start of the process to its saying that it listens. */
  readonly startMilliseconds: number
  /** Seconds of processor time so far, of the server and of its database. */
  readonly processorTime: () => number
  readonly stop: () => Promise<void>
}

const registration = `id: bench
url: null
as_token: ${serviceToken}
hs_token: the-token-of-the-server
sender_localpart: bench
rate_limited: false
namespaces: { users: [{ exclusive: true, regex: '@crowd[0-9]+:.*' }], aliases: [], rooms: [] }
`

/** Starts the server as people run it, in a process of its own on fresh data; undefined for PostgreSQL where there is none. Limits on requests are off; `services` are registration files of further application services. */
export async function startFresh(engine: Engine, services: readonly string[] = []): Promise<StartedServer | undefined> {
  const database = engine === 'postgres' ? await freshDatabase() : undefined
  if (engine === 'postgres' && !database) return undefined
  const folder = temporaryFolder('tombolo-bench')
  const config = join(folder, 'tombolo.yaml')
  writeFileSync(join(folder, 'service.yaml'), registration, { mode: 0o600 })
  writeFileSync(config, JSON.stringify(configuration(folder, database?.url, services)), { mode: 0o600 })
  const began = performance.now()
  const running = await startServer(config, {
    log: join(folder, 'log'),
    ready: { line: /is ready at (\S+)/ },
    env: { NODE_ENV: 'production' },
  })
  const startMilliseconds = performance.now() - began
  const pids = [running.pid, ...(database ? postmasterOf(database.url) : [])]
  const stop = async () => {
    const code = await running.stop()
    if (code !== 0) throw new Error(`the server ended with ${code}:\n${running.output().slice(-2000)}`)
    await database?.drop()
    removeFolder(folder)
  }
  return { engine, url: running.line![1]!, startMilliseconds, processorTime: () => processorTime(pids), stop }
}

function configuration(folder: string, databaseUrl: string | undefined, services: readonly string[]): object {
  return {
    server_name: 'bench.test',
    public_baseurl: 'http://bench.test/',
    data_dir: folder,
    database: databaseUrl === undefined ? { kind: 'sqlite' } : { kind: 'postgres', url: databaseUrl },
    listeners: [{ serves: ['client', 'media', 'admin', 'federation'], host: '127.0.0.1', port: 0 }],
    registration: { open: false, shared_secret: sharedSecret },
    appservice_files: [join(folder, 'service.yaml'), ...services],
    rate_limits: 'off',
    password_hashing: 'fast',
    presence: { enabled: false },
    log: { level: 'warn' },
  }
}

/** The process id in the lock file beside PostgreSQL's socket; none when it is reached another way. */
function postmasterOf(url: string): number[] {
  const folder = new URL(url).searchParams.get('host')
  if (!folder?.startsWith('/')) return []
  return [Number(readFileSync(join(folder, '.s.PGSQL.5432.lock'), 'utf8').split('\n')[0])]
}
