import type { Clock } from '../../server/home.ts'
import { createEgress, type Egress, type OutgoingRequest } from '../../server/remote/egress.ts'
import { writeCertificate } from './certificates.ts'
import { freePort, removeFolder, temporaryFolder } from './processes.ts'
import { type Body, type Engine, startServer, type TestServer, type TestUser } from './server.ts'

export type Neighbours = { readonly servers: readonly TestServer[]; readonly close: () => Promise<void> }

/** Whether a request reaches another server. */
type Passes = (request: OutgoingRequest) => boolean

/**
 * Servers that reach each other over TLS on this machine, named `localhost` with their port, as far as `passes` lets their requests through, all by the same
 * clock where one is given. Undefined for PostgreSQL where there is none.
 */
export async function startNeighbours(
  count: number,
  engine: Engine = 'sqlite',
  passes?: Passes,
  clock?: Clock,
): Promise<Neighbours | undefined> {
  const folder = temporaryFolder('tombolo-federation')
  const { certificate, key } = writeCertificate(folder)
  const servers: TestServer[] = []
  // Servers that are started again use it on.
  const egress = passes === undefined ? undefined : cutEgress(certificate, passes)
  const close = async () => {
    await Promise.all(servers.map((server) => server.close()))
    await egress?.end()
    removeFolder(folder)
  }
  for (let n = 0; n < count; n++) {
    const port = await freePort()
    const server = await startServer({
      engine,
      overrides: { ...(egress === undefined ? {} : { egress }), ...(clock === undefined ? {} : { clock }) },
      config: {
        server_name: `localhost:${port}`,
        listeners: [
          {
            serves: ['client', 'media', 'admin', 'federation'],
            host: '127.0.0.1',
            port: 0,
            tls_certificate: undefined,
            tls_key: undefined,
          },
          { serves: ['federation'], host: '127.0.0.1', port, tls_certificate: certificate, tls_key: key },
        ],
        federation: { ca_file: certificate, allow_private_addresses: true },
      },
    })
    if (server === undefined) {
      await close()
      return undefined
    }
    servers.push(server)
  }
  return { servers, close }
}

function cutEgress(caFile: string, passes: Passes): Egress & { readonly end: () => Promise<void> } {
  const egress = createEgress({ caFile, userAgent: 'a spec' })
  const cut = { ok: false, reason: 'unreachable', words: 'the connection is cut' } as const
  return {
    request: async (of) => (passes(of) ? egress.request(of) : cut),
    fetchJson: async (of) => (passes(of) ? egress.fetchJson(of) : cut),
    stream: async (of) => (passes(of) ? egress.stream(of) : cut),
    close: async () => {},
    end: egress.close,
  }
}

/** Syncs until an answer holds what is looked for; gives that. Mocha's own time ends what never comes. */
export async function syncUntil(user: TestUser, find: (body: Body) => Body | undefined, since?: string): Promise<Body> {
  let from = since
  for (;;) {
    const query: Record<string, string> = from === undefined ? {} : { since: from, timeout: '1000' }
    const { body } = await user.get('/sync', { query })
    const found = find(body)
    if (found !== undefined) return found
    from = body.next_batch
  }
}
