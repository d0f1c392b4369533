import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FreshDatabase, freshDatabase } from './postgres.ts'
import { type Running, removeFolder, startServer, temporaryFolder } from './processes.ts'
import type { Body, Engine } from './server.ts'

export type Told = { readonly status: number; readonly body: Body }
export type Asking = { readonly timeout?: number; readonly type?: string }

/** One of several processes of the same homeserver. Its URL is another one after each start. */
export type Member = {
  url(): string
  running(): Running
  /** SIGKILL, as a power cut would. */
  kill(): Promise<void>
  /** Starts it; gives the milliseconds until it was ready. */
  start(): Promise<number>
}

/** A user who asks any of the processes. */
export type Hopper = {
  readonly userId: string
  readonly deviceId: string
  readonly token: string
  /** Asks one process, once. Rejects when it does not answer. */
  ask(member: number, method: string, path: string, body?: unknown, asking?: Asking): Promise<Told>
  /** Asks a process; as long as there is no answer, or one of 500 and above, asks again: the next process. */
  insist(member: number, method: string, path: string, body?: unknown, asking?: Asking): Promise<Told>
}

export type Cluster = {
  readonly members: readonly Member[]
  /** The PostgreSQL URL; undefined on SQLite. */
  readonly databaseUrl: string | undefined
  /** The SQLite file; there is none on PostgreSQL. */
  readonly databaseFile: string
  register(name: string): Promise<Hopper>
  /** Everything the processes have said. */
  log(): string
  close(): Promise<void>
}

const patience = 90_000

/** Starts real processes of one homeserver over one database, with `more` in their configuration. Undefined for PostgreSQL where there is none. */
export async function startCluster(
  engine: Engine,
  size = 1,
  more: object = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Cluster | undefined> {
  const database = engine === 'postgres' ? await freshDatabase() : undefined
  if (engine === 'postgres' && !database) return undefined
  const folder = temporaryFolder('tombolo-cluster')
  const config = writeConfig(folder, database, more)
  const members = Array.from({ length: size }, (_, place) => createMember(config, join(folder, `server-${place}.log`), env))
  for (const member of members) await member.start()
  return {
    members,
    databaseUrl: database?.url,
    databaseFile: databaseFileIn(folder),
    register: (name) => register(members, name),
    log: () => members.map((_, place) => readFileSync(join(folder, `server-${place}.log`), 'utf8')).join('\n'),
    async close() {
      for (const member of members) {
        member.running().signal('SIGCONT')
        await member.running().stop()
      }
      await database?.drop()
      removeFolder(folder)
    },
  }
}

function writeConfig(folder: string, database: FreshDatabase | undefined, more: object): string {
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
  const config = {
    server_name: 'hs.test',
    public_baseurl: 'https://hs.test/',
    data_dir: join(folder, 'data'),
    signing_key_path: join(folder, 'signing.key'),
    database: database ? { kind: 'postgres', url: database.url } : { kind: 'sqlite', path: databaseFileIn(folder) },
    listeners: [{ host: '127.0.0.1', port: 0 }],
    registration: { open: true },
    rate_limits: 'off',
    password_hashing: 'fast',
    push: { allow_private_addresses: true },
    ...more,
  }
  const file = join(folder, 'config.yaml')
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  return file
}

function databaseFileIn(folder: string): string {
  return join(folder, 'data', 'tombolo.db')
}

function createMember(config: string, log: string, env: Readonly<Record<string, string>>): Member {
  let running: Running | undefined
  let url = ''
  const now = () => {
    if (!running) throw new Error('this process was never started')
    return running
  }
  return {
    url: () => url,
    running: now,
    kill: () => now().kill(),
    async start() {
      const from = performance.now()
      running = await startServer(config, { log, env, ready: { line: /is ready at (\S+)/ } })
      url = running.line?.[1] ?? ''
      return performance.now() - from
    },
  }
}

/** Makes an account at a homeserver with open registration, which any of these processes is. */
export async function register(members: readonly Pick<Member, 'url'>[], name: string): Promise<Hopper> {
  const anonymous = createHopper(members, { userId: '', deviceId: '', token: '' })
  const body = { username: name, password: 'a password of a test', auth: { type: 'm.login.dummy' } }
  const told = await anonymous.insist(0, 'POST', '/register', body)
  if (told.status !== 200) throw new Error(`no account for ${name}: ${told.status} ${JSON.stringify(told.body)}`)
  const { user_id: userId, device_id: deviceId, access_token: token } = told.body
  return createHopper(members, { userId, deviceId, token })
}

function createHopper(members: readonly Pick<Member, 'url'>[], who: Pick<Hopper, 'userId' | 'deviceId' | 'token'>): Hopper {
  async function ask(member: number, method: string, path: string, body?: unknown, { timeout = 15_000, type }: Asking = {}): Promise<Told> {
    const { url } = members[member % members.length]!
    const response = await fetch(url() + (path.startsWith('/_') ? path : `/_matrix/client/v3${path}`), {
      method,
      headers: { ...(who.token && { Authorization: `Bearer ${who.token}` }), ...(type && { 'Content-Type': type }) },
      signal: AbortSignal.timeout(timeout),
      ...(body === undefined ? {} : { body: body instanceof Uint8Array ? (body as unknown as string) : JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }
  return {
    ...who,
    ask,
    async insist(member, method, path, body, asking) {
      const latest = performance.now() + patience
      for (let attempt = 0; ; attempt++) {
        const told = await ask(member + attempt, method, path, body, asking).catch((error: unknown) => ({
          status: 599,
          body: String(error),
        }))
        if (told.status < 500) return told
        if (performance.now() > latest) throw new Error(`${method} ${path}: ${told.status} ${JSON.stringify(told.body)}`)
        await sleep(Math.min(20 * (attempt + 1), 200))
      }
    },
  }
}
