import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../../config/schema.ts'
import { encodeBase64 } from '../../server/core/base64.ts'
import { canonicalJson } from '../../server/core/canonical-json.ts'
import type { EventId, ServerName } from '../../server/core/ids.ts'
import type { JsonObject } from '../../server/core/json.ts'
import { named, type Pdu, type UnsignedPdu } from '../../server/core/pdu.ts'
import type { RoomRules } from '../../server/core/room-versions.ts'
import { formatXMatrix, parseXMatrix, signedPart } from '../../server/core/servers/x-matrix.ts'
import { generateSigningKey, hashAndSignPdu, type SigningKey, signJson, signText, verifyText } from '../../server/core/signatures.ts'
import type { Overrides } from '../../server/open-home.ts'
import { writeCertificate } from './certificates.ts'
import { type Files, tlsServer } from './peers/tls-server.ts'
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
  /** Hashes and signs an event as this server, under a name of its own where it needs one. */
  readonly sign: (event: UnsignedPdu, rules: RoomRules) => { readonly pdu: Pdu; readonly eventId: EventId }
  /** Not reachable until it is `up` again, at the same address. */
  readonly down: () => Promise<void>
  readonly up: () => Promise<void>
  readonly close: () => Promise<void>
}

type Handler = { readonly method: string; readonly pattern: RegExp; readonly names: readonly string[]; readonly handle: Handle }
const keysPath = '/_matrix/key/v2/server'
type Note = (of: Omit<Asked, 'content' | 'origin' | 'isSignedBy'>, authorization: string | undefined) => Asked

/** Starts a peer under a certificate, perhaps under another spelling of its name; a server reaches it when its `federation.ca_file` is that certificate and it may reach private addresses. */
export async function startPeer(files: Files, nameAt: (port: number) => ServerName = (port) => `localhost:${port}`): Promise<Peer> {
  const signingKey = generateSigningKey(randomBytes(32))
  const asked: Asked[] = []
  const handlers: Handler[] = []
  const waiting = new Set<(asked: Asked) => void>()
  const note: Note = (of, authorization) => {
    const one = readAsked(of, authorization, serverName())
    asked.push(one)
    for (const tell of waiting) tell(one)
    return one
  }
  const server = tlsServer(files, async (request, response) => {
    const isForKeys = request.url === keysPath && !handlers.some(({ pattern }) => pattern.test(keysPath))
    const reply = isForKeys ? { body: keysOf(serverName(), signingKey) } : await answer(request, handlers, note)
    const { status = 200, body = {}, headers = {} }: PeerReply = reply
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
    if (body instanceof Readable) await pipeline(body, response).catch(() => {})
    else response.end(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body))
  })
  const serverName = () => nameAt(server.port())
  await server.up()
  return {
    serverName: serverName(),
    signingKey,
    asked,
    on: (method, path, handle) => handlers.push(handlerOf(method, path, handle)),
    until: (matches) => untilAsked(asked, waiting, matches),
    ask: (to, method, uri, content) => ask({ serverName: serverName(), signingKey }, to, { method, uri, content }),
    sign: (event, rules) => {
      const own = event.event_id === undefined ? named(event, { random: randomBytes, serverName: serverName() }, rules) : event
      return hashAndSignPdu(own, rules, serverName(), signingKey)
    },
    down: server.down,
    up: server.up,
    close: server.down,
  }
}

function handlerOf(method: string, path: string, handle: Handle): Handler {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
  const escaped = path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '([^/]+)')
  return { method, pattern: new RegExp(`^${escaped}$`), names, handle }
}

async function answer(request: IncomingMessage, handlers: readonly Handler[], note: Note): Promise<PeerReply> {
  const text = await readText(request)
  const { url: uri = '', method = '' } = request
  const { pathname: path, searchParams: query } = new URL(uri, 'https://peer')
  const handler = handlers.findLast((one) => one.method === method && one.pattern.test(path))
  const values = handler?.pattern.exec(path)?.slice(1) ?? []
  const params = Object.fromEntries((handler?.names ?? []).map((name, at) => [name, decodeURIComponent(values[at] ?? '')]))
  const one = note({ method, uri, path, query, params, text }, request.headers.authorization)
  return handler?.handle(one) ?? { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'the peer of this spec does not answer that' } }
}

function readAsked(of: Parameters<Note>[0], authorization: string | undefined, destination: ServerName): Asked {
  const content = of.text === '' ? undefined : JSON.parse(of.text)
  const header = parseXMatrix(authorization ?? '')
  const isSignedBy = (publicKey: Uint8Array) => {
    if (header === undefined) return false
    const part = signedPart({ method: of.method, uri: of.uri, origin: header.origin, destination, content })
    return verifyText(canonicalJson(part, false), header.signature, publicKey)
  }
  return { ...of, content, origin: header?.origin, isSignedBy }
}

function untilAsked(asked: readonly Asked[], waiting: Set<(asked: Asked) => void>, matches: (asked: Asked) => boolean): Promise<Asked> {
  const known = asked.find(matches)
  if (known !== undefined) return Promise.resolve(known)
  return new Promise((resolve) => {
    const look = (one: Asked) => {
      if (!matches(one)) return
      waiting.delete(look)
      resolve(one)
    }
    waiting.add(look)
  })
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** What a server says of its keys: one in use, and whatever else is wished. */
export function keysOf(serverName: ServerName, key: SigningKey, more: JsonObject = {}): JsonObject {
  const verify_keys = { [key.keyId]: { key: encodeBase64(key.publicKey) } }
  const keys = { server_name: serverName, valid_until_ts: Date.now() + 10 * 365 * 24 * 3_600_000, verify_keys, old_verify_keys: {} }
  return signJson({ ...keys, ...more }, serverName, key)
}

/** What stands above a request that is signed in any name and under any key. */
export function authorizationOf(
  as: { readonly serverName: ServerName; readonly signingKey: SigningKey },
  destination: ServerName,
  { method, uri, content }: { method: string; uri: string; content?: JsonObject | undefined },
): string {
  const part = signedPart({ method, uri, origin: as.serverName, destination, content })
  const signature = signText(canonicalJson(part, false), as.signingKey)
  return formatXMatrix({ origin: as.serverName, destination, keyId: as.signingKey.keyId, signature })
}

/** Asks a server under the signature of any name and key. */
export async function ask(
  as: { readonly serverName: ServerName; readonly signingKey: SigningKey },
  to: TestServer,
  { method, uri, content }: { method: string; uri: string; content: JsonObject | undefined },
): Promise<PeerAnswered> {
  const authorization = authorizationOf(as, to.server.home.serverName, { method, uri, content })
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
  readonly addPeer: (nameAt?: (port: number) => ServerName) => Promise<Peer>
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
    addPeer: async (nameAt) => {
      const peer = await startPeer(files, nameAt)
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
