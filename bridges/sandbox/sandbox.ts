import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAccounts, type SandboxAccounts } from './accounts.ts'
import { createClock, type SandboxClock } from './clock.ts'
import type { SandboxControl } from './control.ts'
import { createControlServer, isControlPath } from './control-server.ts'
import { createFaults } from './faults.ts'
import { createGraphApi } from './graph-api.ts'
import { createGraphServer } from './graph-server.ts'
import { createLocalControl } from './local-control.ts'
import { createFileServer, isFilePath } from './media/serve-files.ts'
import { createScriptedPerson, type ScriptedPerson } from './people.ts'
import { createPusher } from './pusher.ts'
import { verifyCallback } from './subscribe.ts'
import { createWorld, type PersonInput } from './world.ts'

export interface SandboxOptions {
  host?: string
  /** 0 (the default) takes a free one. */
  port?: number
  clock?: SandboxClock
  /** Ids, tokens and secrets follow from it; random by default. */
  seed?: string
  /** How long a webhook may take to answer, and the waits between tries. */
  pushTimeoutMs?: number
  firstRetryMs?: number
  longestRetryMs?: number
}

export interface Sandbox {
  /** The base URL of the Graph API, for all three networks, and of the control. */
  readonly url: string
  readonly accounts: SandboxAccounts
  readonly control: SandboxControl
  person(input: PersonInput): Promise<ScriptedPerson>
  close(): Promise<void>
}

/** Starts a stand-in for the Graph API of WhatsApp, Messenger and Instagram on loopback, with one business account each. It keeps everything in memory. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { host = '127.0.0.1', port = 0, clock = createClock(), seed = randomBytes(16).toString('hex') } = options
  const accounts = createAccounts(seed)
  const world = createWorld(seed, accounts, clock)
  const faults = createFaults()
  const pusher = createPusher({
    ...{ accounts, clock },
    ...(options.pushTimeoutMs === undefined ? {} : { timeoutMs: options.pushTimeoutMs }),
    ...(options.firstRetryMs === undefined ? {} : { firstRetryMs: options.firstRetryMs }),
    ...(options.longestRetryMs === undefined ? {} : { longestRetryMs: options.longestRetryMs }),
  })
  const control = createLocalControl(world, pusher, faults)
  const api = createGraphApi(world, faults, async (account, url, verifyToken) => {
    const problem = await verifyCallback(url, verifyToken)
    if (problem === undefined) pusher.subscribe(account.network, { url, appSecret: account.appSecret })
    return problem
  })
  const serveGraph = createGraphServer(api, pusher, faults, world)
  const serveFile = createFileServer(world, faults)
  const serveControl = createControlServer(control)
  const server = createServer((request, response) => {
    const url = URL.parse(request.url ?? '/', 'http://sandbox')
    if (!url) return void response.writeHead(400).end()
    const serve = isControlPath(url.pathname) ? serveControl : isFilePath(url.pathname) ? serveFile : serveGraph
    serve(request, response, url).catch(() => (response.headersSent ? response.destroy() : response.writeHead(500).end()))
  })
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  const origin = `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
  world.files.setOrigin(origin)
  return {
    url: origin,
    accounts,
    control,
    person: (input) => createScriptedPerson(control, input),
    async close() {
      await pusher.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
