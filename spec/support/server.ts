import { join } from 'node:path'
import { load } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import type { UserId } from '../../server/core/ids.ts'
import type { JsonObject } from '../../server/core/json.ts'
import { createHomeserver, type Homeserver } from '../../server/homeserver.ts'
import { createLog } from '../../server/http/log.ts'
import type { Overrides } from '../../server/open-home.ts'
import { type FreshDatabase, freshDatabase } from './postgres.ts'
import { removeFolder, temporaryFolder } from './processes.ts'

/** As loose as `JSON.parse` has it: specs look into answers and say with `expect` what they find. */
export type Body = ReturnType<typeof JSON.parse>
export type Answered = { readonly status: number; readonly body: Body; readonly headers: Headers; readonly text: string }
type Asking = { query?: Record<string, string>; headers?: Record<string, string>; signal?: AbortSignal }

/** Paths that are not below `/_matrix/client/v3`. */
const isWhole = /^\/(?:$|_|\.well-known\/|health$)/

/** Asks a server under one token; what does not look like a whole path is below `/_matrix/client/v3`. */
export type Client = {
  readonly request: (method: string, path: string, body?: unknown, asking?: Asking) => Promise<Answered>
  readonly get: (path: string, asking?: Asking) => Promise<Answered>
  readonly put: (path: string, body?: unknown, asking?: Asking) => Promise<Answered>
  readonly post: (path: string, body?: unknown, asking?: Asking) => Promise<Answered>
  readonly delete: (path: string, body?: unknown, asking?: Asking) => Promise<Answered>
}
export type TestUser = Client & { readonly userId: UserId; readonly token: string; readonly deviceId: string; readonly password: string }

export type TestServer = {
  readonly url: string
  readonly folder: string
  readonly config: Config
  readonly server: Homeserver
  /** What the server logged. */
  readonly log: () => string
  /** Without a token. */
  readonly anonymous: Client
  /** Makes an account with a device and logs it in. */
  readonly register: (name: string, of?: { admin?: boolean }) => Promise<TestUser>
  /** Under any token: of a service (then with the user to act as), or of a second session. */
  readonly as: (token: string, query?: Record<string, string>) => Client
  /** Ends the server and starts another on the same data. */
  readonly restart: () => Promise<TestServer>
  readonly close: () => Promise<void>
}

export type Engine = 'sqlite' | 'postgres'
export const engines: readonly Engine[] = ['sqlite', 'postgres']

type Deep<T> = { [K in keyof T]?: T[K] extends readonly unknown[] ? T[K] : T[K] extends object ? Deep<T[K]> : T[K] }
type Options = { config?: Deep<Config>; engine?: Engine; overrides?: Overrides }
type Started<E extends Engine> = E extends 'sqlite' ? TestServer : TestServer | undefined
type Place = { folder: string; database: FreshDatabase | undefined }

export const password = 'a password of a test'

/**
 * A homeserver in this process, on a port of its own, with data in a temporary folder. Undefined for PostgreSQL where there is none:
 * `const server = await startServer({ engine }); if (!server) this.skip()`.
 */
export async function startServer<E extends Engine = 'sqlite'>(options: Options & { engine?: E } = {}): Promise<Started<E>> {
  const database = options.engine === 'postgres' ? await freshDatabase('with tables') : undefined
  if (options.engine === 'postgres' && !database) return undefined as Started<E>
  return (await open(options, { folder: temporaryFolder(), database })) as Started<E>
}

async function open(options: Options, place: Place): Promise<TestServer> {
  const config = configure(options, place)
  let log = ''
  const write = (text: string) => {
    log += text
  }
  const server = await createHomeserver(config, { log: createLog({ level: 'info', format: 'text', write }), ...options.overrides })
  const { url } = await server.listen()
  const clientOf = (token?: string, query?: Record<string, string>) => makeClient(url, token, query)
  const close = async () => {
    await server.close()
    await place.database?.drop()
    removeFolder(place.folder)
  }
  return {
    url,
    folder: place.folder,
    config,
    server,
    log: () => {
      server.home.log.flush()
      return log
    },
    anonymous: clientOf(),
    as: clientOf,
    register: (name, of) => registerUser(server, clientOf, name, of?.admin ?? false),
    restart: async () => {
      await server.close()
      return open(options, place)
    },
    close,
  }
}

function configure({ config: wished = {} }: Options, { folder, database }: Place): Config {
  const { config } = load({ argv: ['--data', folder], env: {} })
  const forTests: Deep<Config> = {
    server_name: 'hs.test',
    public_baseurl: 'https://hs.test/',
    listeners: [{ ...config.listeners[0]!, port: 0 }],
    password_hashing: 'fast',
    rate_limits: 'off',
    // Whoever syncs would wake the others.
    presence: { enabled: false },
    // Nothing leaves this machine.
    federation: { trusted_key_servers: [] },
    data_dir: folder,
    signing_key_path: join(folder, 'signing.key'),
    ...(database ? { database: { kind: 'postgres', url: database.url } } : { database: { path: join(folder, 'tombolo.db') } }),
  }
  return merge(merge(config, forTests as JsonObject), wished as JsonObject)
}

function merge<T extends object>(base: T, over: object): T {
  const merged = { ...base } as Record<string, unknown>
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key]
    const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value) && typeof below === 'object' && below !== null
    merged[key] = isGroup ? merge(below as object, value) : value
  }
  return merged as T
}

async function registerUser(
  { home, people }: Homeserver,
  clientOf: (token: string) => Client,
  name: string,
  admin: boolean,
): Promise<TestUser> {
  const userId: UserId = `@${name}:${home.serverName}`
  await people.createAccount({ userId, password, admin, serviceId: undefined })
  const session = await people.createSession({ userId, deviceId: undefined, displayName: undefined, refreshable: false })
  return { ...clientOf(session.accessToken), userId, token: session.accessToken, deviceId: session.deviceId!, password }
}

function makeClient(url: string, token?: string, always: Record<string, string> = {}): Client {
  async function request(method: string, path: string, body?: unknown, { query, headers, signal }: Asking = {}): Promise<Answered> {
    const target = new URL(url + (isWhole.test(path) ? path : `/_matrix/client/v3${path}`))
    for (const [name, value] of Object.entries({ ...always, ...query })) target.searchParams.set(name, value)
    const response = await fetch(target, {
      method,
      headers: { ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: parse(text) }
  }
  return {
    request,
    get: (path, asking) => request('GET', path, undefined, asking),
    put: (path, body = {}, asking) => request('PUT', path, body, asking),
    post: (path, body = {}, asking) => request('POST', path, body, asking),
    delete: (path, body, asking) => request('DELETE', path, body, asking),
  }
}

function parse(text: string): Body {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

/** Waiting on a clock that stands still: it ends when it is given up. */
export function untilAborted(_milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve()
    else signal?.addEventListener('abort', () => resolve(), { once: true })
  })
}
