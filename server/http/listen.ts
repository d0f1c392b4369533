import { readFileSync } from 'node:fs'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Listener } from '../../config/schema.ts'
import { MatrixError } from '../core/matrix-error.ts'
import type { Area } from './path-tree.ts'
import { rawError } from './reply.ts'

// An import would read all that the module offers, and load its client for web sockets with it: a tenth of a start.
const { createServer } = process.getBuiltinModule('node:http')

export type Listening = {
  /** Where the first listener really listens, such as `http://127.0.0.1:8008`. */
  readonly url: string
  readonly urls: readonly string[]
  /** Stops accepting, lets running requests finish, and cuts what is left after `milliseconds`. */
  readonly close: (milliseconds: number) => Promise<void>
}

export type Serve = (request: IncomingMessage, response: ServerResponse, areas: ReadonlySet<Area>) => void

/** Node's own limits: how long a client may take for its headers, how many there may be, how long an idle connection stays. */
const limits = {
  headersTimeout: 20_000,
  requestTimeout: 15 * 60_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5000,
  maxHeaderSize: 16 * 1024,
  joinDuplicateHeaders: true,
  noDelay: true,
  // A request without a body needs no stream for one: most are such.
  optimizeEmptyRequests: true,
}

/** How long, once the server closes, a client may still say what it opened a connection for. */
const grace = 500

/** The TCP connections of a server, beneath TLS where there is some; `unused` are those on which nothing was asked yet, by their peers. */
type Connections = { readonly all: ReadonlySet<Socket>; readonly unused: ReadonlyMap<string, Socket> }

type Open = { readonly server: Server; readonly url: string; readonly connections: Connections }

/** Listens on every configured address; with a certificate over TLS. Rejects, with nothing left open, when one cannot be had. */
export async function listen(listeners: readonly Listener[], serve: Serve): Promise<Listening> {
  const open: Open[] = []
  try {
    for (const listener of listeners) open.push(await openOne(listener, serve))
  } catch (error) {
    await Promise.all(open.map((one) => closeOne(one, 0)))
    throw error
  }
  return {
    url: open[0]?.url ?? '',
    urls: open.map(({ url }) => url),
    close: async (milliseconds) => void (await Promise.all(open.map((one) => closeOne(one, milliseconds)))),
  }
}

async function openOne(listener: Listener, serve: Serve): Promise<Open> {
  const areas: ReadonlySet<Area> = new Set(listener.serves)
  const onRequest: RequestListener = (request, response) => serve(request, response, areas)
  const { tls_certificate: cert, tls_key: key } = listener
  const secure = cert !== undefined && key !== undefined
  const server = secure
    ? createSecureServer({ ...limits, cert: readFileSync(cert), key: readFileSync(key) }, onRequest)
    : createServer(limits, onRequest)
  server.maxRequestsPerSocket = 0
  const connections = watchConnections(server)
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => refuse(socket as Socket, code))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listener.port, listener.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return { server, connections, url: `${secure ? 'https' : 'http'}://${hostOf(listener.host)}:${(server.address() as AddressInfo).port}` }
}

/** Node knows the connections alone that have shaken hands, and counts none as idle on which nothing was asked yet: browsers open some ahead. */
function watchConnections(server: Server): Connections {
  const all = new Set<Socket>()
  const unused = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket)
    all.add(socket)
    unused.set(peer, socket)
    socket.once('close', () => {
      all.delete(socket)
      if (unused.get(peer) === socket) unused.delete(peer)
    })
  })
  server.on('request', ({ socket }: IncomingMessage) => void unused.delete(peerOf(socket)))
  return { all, unused }
}

/** The same of a TCP connection and of the TLS over it. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

/** What is no HTTP, or has a head that is too long, is told so in Matrix's form and gets no connection. */
function refuse(socket: Socket, code: string | undefined): void {
  if (!socket.writable) socket.destroy()
  else if (code === 'HPE_HEADER_OVERFLOW') socket.end(rawError(new MatrixError(431, 'M_TOO_LARGE', 'the address and headers are too long')))
  else socket.end(rawError(new MatrixError(400, 'M_UNKNOWN', 'this is no HTTP request')))
}

function closeOne({ server, connections }: Open, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection that was busy is idle once it is answered.
    const idle = setInterval(() => server.closeIdleConnections(), 50)
    const silent = setTimeout(() => connections.unused.forEach((socket) => void socket.destroy()), Math.min(grace, milliseconds))
    const late = setTimeout(() => connections.all.forEach((socket) => void socket.destroy()), milliseconds)
    server.close(() => {
      clearInterval(idle)
      clearTimeout(silent)
      clearTimeout(late)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function hostOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
