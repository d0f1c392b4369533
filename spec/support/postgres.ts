import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { openDatabase } from '../../server/storage/open-database.ts'
import { type Running, startProcess, temporaryFolder } from './processes.ts'

/** One cluster for all specs of a run: TOMBOLO_TEST_POSTGRES (a URL of somebody who may create databases), or a private one on a socket. */
let cluster: Promise<Cluster | undefined> | undefined
type Cluster = { urlOf(database: string): string; connect(): postgres.Sql; server: Running | undefined }

export type FreshDatabase = { url: string; drop(): Promise<void> }

/**
 * A database of its own for a spec, empty or with the server's tables; none where there is no PostgreSQL. In a hook:
 * `const database = await freshDatabase(); if (!database) this.skip()`. One line says so when they are skipped.
 */
export async function freshDatabase(of: 'empty' | 'with tables' = 'empty'): Promise<FreshDatabase | undefined> {
  cluster ??= startCluster()
  const found = await cluster
  if (!found) return undefined
  return makeDatabase(found, of === 'empty' ? 'template0' : await tables(found))
}

/** Starts the private cluster now, where there is PostgreSQL, and tells the processes that are started later where it is. */
export async function sharePostgres(): Promise<void> {
  cluster ??= startCluster()
  const found = await cluster
  process.env['TOMBOLO_TEST_POSTGRES'] ??= found?.urlOf('postgres') ?? none
  if (found) process.env[templateName] = await tables(found)
}

/** The database of a run that has the server's tables and nothing else: others are copies of it, and the tables are made once. */
const templateName = 'TOMBOLO_TEST_TEMPLATE'
let template: Promise<FreshDatabase & { name: string }> | undefined

async function tables(found: Cluster): Promise<string> {
  const told = process.env[templateName]
  if (told) return told
  template ??= makeTemplate(found)
  return (await template).name
}

async function makeTemplate(found: Cluster): Promise<FreshDatabase & { name: string }> {
  const made = await makeDatabase(found, 'template0')
  const { database } = await openDatabase(
    { kind: 'postgres', url: made.url },
    { log: console, clock: { now: Date.now, sleep: (milliseconds) => sleep(milliseconds) } },
  )
  await database.close()
  return made
}

async function makeDatabase(found: Cluster, from: string): Promise<FreshDatabase & { name: string }> {
  const name = `tombolo_${randomBytes(6).toString('hex')}`
  await administrate(found, (sql) => sql.unsafe(`CREATE DATABASE ${name} TEMPLATE ${from} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`))
  const drop = () => administrate(found, (sql) => sql.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
  return { name, url: found.urlOf(name), drop }
}

/** Stops the private cluster; a root hook of mocha calls it when all specs are done. */
export async function stopPostgres(): Promise<void> {
  const found = await cluster
  cluster = undefined
  await (await template)?.drop()
  template = undefined
  found?.server?.signal('SIGINT')
  await found?.server?.ended
}

async function administrate(found: Cluster, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = found.connect()
  try {
    await work(sql)
  } finally {
    await sql.end()
  }
}

async function startCluster(): Promise<Cluster | undefined> {
  const given = process.env['TOMBOLO_TEST_POSTGRES']
  if (given === none) return undefined
  if (given) return { urlOf: (database) => withDatabase(given, database), connect: () => connectTo(given), server: undefined }
  const programs = findPrograms()
  if (programs) return startPrivate(programs)
  process.stdout.write('\n  PostgreSQL was not found, so its specs are skipped (install it, or set TOMBOLO_TEST_POSTGRES to a URL)\n')
  return undefined
}

/** What the other processes of a run are told where there is no PostgreSQL, so that one of them says so. */
const none = 'none'
const quiet = { max: 1, onnotice: () => undefined }

/** A socket's folder and the user may stand in the query, as the server takes them. */
function connectTo(url: string): postgres.Sql {
  const { searchParams } = new URL(url)
  const host = searchParams.get('host')
  if (host === null) return postgres(url, quiet)
  return postgres({ ...quiet, host, username: searchParams.get('user') ?? 'postgres', database: new URL(url).pathname.slice(1) })
}

function withDatabase(url: string, database: string): string {
  return Object.assign(new URL(url), { pathname: `/${database}` }).href
}

/** The newest of Debian's, or what PATH has. */
function findPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map((version) => join(debian, version, 'bin')), ...(process.env['PATH'] ?? '').split(':')]
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

/** PostgreSQL refuses to run as root; then it runs as the user `postgres`. fsync stays on: what is tested is what runs. */
async function startPrivate(programs: string): Promise<Cluster> {
  const folder = temporaryFolder('tombolo-pg')
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  const as = asPostgres(folder, data)
  const [initdb = '', ...initdbRest] = [...as, join(programs, 'initdb'), ...initdbArgs(data)]
  execFileSync(initdb, initdbRest, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const [command = '', ...args] = [...as, join(programs, 'postgres'), ...serverArgs(folder, data)]
  const server = await startProcess({
    command,
    args,
    cwd: folder,
    log: join(folder, 'log'),
    ready: { line: /ready to accept connections/ },
  })
  const connect = () => postgres({ ...quiet, host: folder, username: 'postgres', database: 'postgres' })
  const urlOf = (database: string) => `postgresql:///${database}?host=${encodeURIComponent(folder)}&user=postgres`
  return { urlOf, connect, server }
}

function initdbArgs(data: string): string[] {
  return ['-D', data, '--locale', 'C', '--encoding', 'UTF8', '--auth', 'trust', '--username', 'postgres', '--no-instructions']
}

function serverArgs(folder: string, data: string): string[] {
  return ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=on', '-c', 'max_connections=200', '-c', 'shared_buffers=64MB']
}

function asPostgres(...folders: string[]): string[] {
  if (process.getuid?.() !== 0) return []
  const [uid, gid] = ['-u', '-g'].map((option) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' })))
  for (const folder of folders) chownSync(folder, uid!, gid!)
  return ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups']
}
