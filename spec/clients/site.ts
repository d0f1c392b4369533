import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { homedir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { freePort, startServer, temporaryFolder } from '../support/processes.ts'

const kinds: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.ts': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
}

/** Where clients are installed, outside the project. */
export const installed =
  process.env['TOMBOLO_CLIENTS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tombolo-clients')

/** Where `element/install.sh` puts the web client; undefined where it was not built. */
export function builtClient(): string | undefined {
  return existsSync(join(installed, 'element', 'recipe')) ? join(installed, 'element', 'web') : undefined
}

/** The browser of the system; undefined where there is none. */
export function browserPath(): string | undefined {
  try {
    return execFileSync('which', ['chromium'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}

export type Site = { readonly url: string; close(): Promise<void> }

/** Serves the web client's files, configured for a homeserver. */
export async function serveClient(web: string, homeserver: string): Promise<Site> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site')
    const file = join(web, normalize(pathname === '/' ? '/index.html' : pathname))
    if (pathname === '/config.json') return void response.end(JSON.stringify({ homeserver }))
    if (!existsSync(file)) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': kinds[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { url: `http://127.0.0.1:${address.port}/`, close }
}

/** Makes an account with a password, and no device. */
export async function register({ url }: Pick<Site, 'url'>, username: string, password: string): Promise<void> {
  const body = JSON.stringify({ username, password, auth: { type: 'm.login.dummy' }, inhibit_login: true })
  const answer = await fetch(`${url}/_matrix/client/v3/register`, { method: 'POST', body })
  if (!answer.ok) throw new Error(`no account: ${await answer.text()}`)
}

/** Starts the server's real process, with its defaults but for open registration, at the address that it gives to clients. */
export async function startHomeserver(): Promise<Site & { restart(): Promise<void> }> {
  const folder = temporaryFolder('tombolo-clients')
  const url = `http://127.0.0.1:${await freePort()}`
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
  const config = {
    server_name: 'hs.test',
    public_baseurl: `${url}/`,
    data_dir: join(folder, 'data'),
    signing_key_path: join(folder, 'signing.key'),
    listeners: [{ host: '127.0.0.1', port: Number(new URL(url).port) }],
    registration: { open: true },
  }
  const file = join(folder, 'config.yaml')
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  const start = () => startServer(file, { log: join(folder, 'server.log'), ready: { line: /is ready at (\S+)/ } })
  let running = await start()
  const restart = async () => {
    await running.stop()
    running = await start()
  }
  return { url, restart, close: async () => void (await running.stop()) }
}
