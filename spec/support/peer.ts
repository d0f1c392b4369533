import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../../config/schema.ts'
import { canonicalJson } from '../../server/core/canonical-json.ts'
import type { EventId, ServerName } from '../../server/core/ids.ts'
import type { JsonObject } from '../../server/core/json.ts'
import type { Pdu, UnsignedPdu } from '../../server/core/pdu.ts'
import type { RoomRules } from '../../server/core/room-versions.ts'
import { formatXMatrix, parseXMatrix, signedPart } from '../../server/core/servers/x-matrix.ts'
import { generateSigningKey, hashAndSignPdu, type SigningKey, signJson, signText, verifyText } from '../../server/core/signatures.ts'
import type { Overrides } from '../../server/open-home.ts'
import { writeCertificate } from './certificates.ts'
import { removeFolder, temporaryFolder } from './processes.ts'
import { type Answered, type Body, type Engine, startServer, type TestServer } from './server.ts'

/** What a peer was asked. `origin` is what the header says; `isSignedBy` looks whether it is true. */
export type Asked = {
  readonly method: string
  /** Path and query as they stand in the request line. */
  readonly uri: string
  readonly path: string
  readonly query: URLSearchParams
  /** What `{name}` stands for in the path of the handler, decoded. */
  readonly params: Readonly<Record<string, string>>
  /** The body's text, '' without one; `content` is it parsed. */
  readonly text: string
  readonly content: Body
  readonly origin: ServerName | undefined
  readonly isSignedBy: (publicKey: Uint8Array) => boolean
}
/** `body` as an object is sent as JSON, as a string or bytes as it stands, as a `Readable` as it comes; one that fails breaks the connection off. */
export type PeerReply = { readonly status?: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
/** An answer to a peer, with its bytes as they came. */
export type PeerAnswered = Answered & { readonly bytes: Buffer }
type Handle = (asked: Asked) => PeerReply | Promise<PeerReply>

/** Another server of the network, played by a spec: with a name (`localhost:port`), a certificate and a key of its own. */
export type Peer = {
  readonly serverName: ServerName
  readonly signingKey: SigningKey
  /** All it was asked, its own keys excepted, in order. */
  readonly asked: Asked[]
  /** Answers a path, in which `{name}` stands for one segment; the one told last counts. What nobody answers gets 404 `M_UNRECOGNIZED`. */
  readonly on: (method: string, path: string, handle: Handle) => void
  /** Waits for a question that was or will be asked. */
  readonly until: (matches: (asked: Asked) => boolean) => Promise<Asked>
  /** Asks a server under this peer's signature. */
  readonly ask: (server: TestServer, method: string, uri: string, content?: JsonObject) => Promise<PeerAnswered>
  /** Hashes and signs an event as this server. */
  readonly sign: (event: UnsignedPdu, rules: RoomRules) => { readonly pdu: Pdu; readonly eventId: EventId }
  /** Not reachable until it is `up` again, at the same address. */
  readonly down: () => Promise<void>
  readonly up: () => Promise<void>
  readonly close: () => Promise<void>
}

type Files = { readonly certificate: string; readonly key: string }

/** Starts a peer under a certificate; a server reaches it when its `federation.ca_file` is that certificate and it may reach private addresses. */
export async function startPeer(files: Files): Promise<Peer> {
  const signingKey = generateSigningKey(randomBytes(32))
  const asked: Asked[] = []
  const handlers: { method: string; pattern: RegExp; names: string[]; handle: Handle }[] = []
  const waiting = new Set<(asked: Asked) => void>()
  const tls = { cert: readFileSync(files.certificate), key: readFileSync(files.key) }
  let server: Server | undefined
  let port = 0
  const serverName = () => `localhost:${port}`

  async function answer(request: IncomingMessage): Promise<PeerReply> {
    const text = await readText(request)
    const uri = request.url ?? ''
    const { pathname: path, searchParams: query } = new URL(uri, 'https://peer')
    const method = request.method ?? ''
    if (path === '/_matrix/key/v2/server') return { body: keysOf(serverName(), signingKey) }
    for (const { method: wanted, pattern, names, handle } of [...handlers].reverse()) {
      const match = wanted === method ? pattern.exec(path) : null
      if (match === null) continue
      const params = Object.fromEntries(names.map((name, at) => [name, decodeURIComponent(match[at + 1] ?? '')]))
      const one = note({ method, uri, path, query, params, text }, request)
      return handle(one)
    }
    note({ method, uri, path, query, params: {}, text }, request)
    return { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'the peer of this spec does not answer that' } }
  }

  function note(of: Omit<Asked, 'content' | 'origin' | 'isSignedBy'>, request: IncomingMessage): Asked {
    const content = of.text === '' ? undefined : JSON.parse(of.text)
    const header = parseXMatrix(request.headers.authorization ?? '')
    const isSignedBy = (publicKey: Uint8Array) => {
      if (header === undefined) return false
      const part = signedPart({ method: of.method, uri: of.uri, origin: header.origin, destination: serverName(), content })
      return verifyText(canonicalJson(part, false), header.signature, publicKey)
    }
    const one: Asked = { ...of, content, origin: header?.origin, isSignedBy }
    asked.push(one)
    for (const tell of waiting) tell(one)
    return one
  }

  async function up(): Promise<void> {
    if (server !== undefined) return
    server = createServer(tls, async (request, response) => {
      const { status = 200, body = {}, headers = {} } = await answer(request)
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
      if (body instanceof Readable) await pipeline(body, response).catch(() => {})
      else response.end(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body))
    })
    await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  }
  async function down(): Promise<void> {
    const ending = server
    server = undefined
    if (ending === undefined) return
    const ended = new Promise((resolve) => ending.close(resolve))
    ending.closeAllConnections()
    await ended
  }

  await up()
  return {
    serverName: serverName(),
    signingKey,
    asked,
    on: (method, path, handle) => {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
      const escaped = path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '([^/]+)')
      handlers.push({ method, pattern: new RegExp(`^${escaped}$`), names, handle })
    },
    until: (matches) =>
      new Promise((resolve) => {
        const known = asked.find(matches)
        if (known !== undefined) return resolve(known)
        const look = (one: Asked) => {
          if (!matches(one)) return
          waiting.delete(look)
          resolve(one)
        }
        waiting.add(look)
      }),
    ask: (to, method, uri, content) => ask({ serverName: serverName(), signingKey }, to, { method, uri, content }),
    sign: (event, rules) => hashAndSignPdu(event, rules, serverName(), signingKey),
    down,
    up,
    close: down,
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function keysOf(serverName: ServerName, key: SigningKey): JsonObject {
  const verify_keys = { [key.keyId]: { key: Buffer.from(key.publicKey).toString('base64').replaceAll('=', '') } }
  return signJson({ server_name: serverName, valid_until_ts: Date.now() + 3_600_000, verify_keys, old_verify_keys: {} }, serverName, key)
}

/** Asks a server under the signature of any name and key. */
export async function ask(
  as: { readonly serverName: ServerName; readonly signingKey: SigningKey },
  to: TestServer,
  { method, uri, content }: { method: string; uri: string; content: JsonObject | undefined },
): Promise<PeerAnswered> {
  const destination = to.server.home.serverName
  const part = signedPart({ method, uri, origin: as.serverName, destination, content })
  const signature = signText(canonicalJson(part, false), as.signingKey)
  const authorization = formatXMatrix({ origin: as.serverName, destination, keyId: as.signingKey.keyId, signature })
  const response = await fetch(to.url + uri, {
    method,
    headers: { Authorization: authorization, 'Content-Type': 'application/json' },
    ...(content === undefined ? {} : { body: canonicalJson(content, false) }),
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  const text = bytes.toString()
  let body: Body = {}
  try {
    body = JSON.parse(text)
  } catch {}
  return { status: response.status, headers: response.headers, text, body, bytes }
}

export type AmongPeers = {
  /** The server as it runs now: another one after `restart`. */
  readonly server: TestServer
  readonly peers: readonly Peer[]
  /** Starts one more peer under the same certificate. */
  readonly addPeer: () => Promise<Peer>
  readonly restart: () => Promise<TestServer>
  readonly close: () => Promise<void>
}

type Wishes = { readonly engine?: Engine; readonly config?: Partial<Config>; readonly overrides?: Overrides }

/** A server of this process, named `hs.test`, that reaches so many peers. Undefined for PostgreSQL where there is none. */
export async function startServerWithPeers(count: number, wishes: Wishes = {}): Promise<AmongPeers | undefined> {
  const folder = temporaryFolder('tombolo-peers')
  const files = writeCertificate(folder)
  const { engine = 'sqlite', config = {}, overrides } = wishes
  const federation = { ca_file: files.certificate, allow_private_addresses: true, ...config.federation }
  let server = await startServer({ engine, config: { ...config, federation }, ...(overrides ? { overrides } : {}) })
  if (server === undefined) {
    removeFolder(folder)
    return undefined
  }
  const peers = await Promise.all(Array.from({ length: count }, () => startPeer(files)))
  return {
    get server() {
      return server as TestServer
    },
    peers,
    addPeer: async () => {
      const peer = await startPeer(files)
      peers.push(peer)
      return peer
    },
    restart: async () => {
      server = await (server as TestServer).restart()
      return server
    },
    close: async () => {
      await server?.close()
      await Promise.all(peers.map((peer) => peer.close()))
      removeFolder(folder)
    },
  }
}
