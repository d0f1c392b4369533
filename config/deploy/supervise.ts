import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadBridge, type Network, networks } from '../bridge-schema.ts'
import { prepareDataFolder } from '../first-start.ts'
import { load } from '../load.ts'
import type { Config } from '../schema.ts'
import { writeOnce } from '../write-once.ts'
import { bridgeFiles, isPrepared, nameServer, prepareBridge } from './bridge-files.ts'
import { type Keeper, keep } from './keeper.ts'
import { checkPortsFree, choosePort, reach } from './ports.ts'
import { type Accounts, fetchAccounts, sandboxVariables, setWebhook } from './sandbox.ts'

export type Programs = { readonly server: string; readonly sandbox: string; readonly bridge: string }
export type Asked = {
  data: string
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  programs: Programs
  say(line: string): void
}
export type House = {
  readonly config: Config
  readonly sandboxed: readonly Network[]
  readonly logs: string
  stop(): Promise<void>
  kill(): void
}

type Sandbox = { url: string; accounts: Accounts }
type Started = {
  asked: Asked
  config: Config
  file: string
  logs: string
  homeserver: string
  sandbox: Sandbox | undefined
  bridgeUrls: Map<Network, string>
}

const firstBridgePort = 29318

/**
 * Starts everything on a data folder, which is made when it is not there: the homeserver, the sandbox for the networks that have no token, a bridge for
 * each network. Resolves when all are ready. Throws a ConfigError with words for people when the configuration is wrong or a port is taken.
 */
export async function supervise(asked: Asked): Promise<House> {
  const { file, config } = await prepare(asked)
  await checkPortsFree(config.listeners, file)
  const logs = join(asked.data, 'logs')
  mkdirSync(logs, { recursive: true, mode: 0o700 })
  const started: Started = { asked, config, file, logs, homeserver: reach(config), sandbox: undefined, bridgeUrls: new Map() }
  const sandboxed = networks.filter((network) => !bridgeConfig(asked, network).graph.access_token)
  const server = keepServer(started)
  const bridges: Keeper[] = []
  const around: Keeper[] = [server]
  const stop = async () => {
    await Promise.all(bridges.map((keeper) => keeper.stop()))
    for (const keeper of around.toReversed()) await keeper.stop()
  }
  const kill = () => {
    for (const keeper of [...bridges, ...around]) keeper.kill()
  }
  try {
    await server.ready
    if (sandboxed.length) around.push(await keepSandbox(started, sandboxed))
    bridges.push(...networks.map((network) => keepBridge(started, network, sandboxed.includes(network))))
    await Promise.all(bridges.map(({ ready }) => ready))
  } catch (error) {
    await stop()
    throw error
  }
  return { config, sandboxed, logs, stop, kill }
}

/** Everything that must stand in the data folder, and the configuration that then counts. */
async function prepare({ data, argv, env, say }: Asked): Promise<{ file: string; config: Config }> {
  for (const [index, network] of networks.entries()) {
    const port = isPrepared(data, network) ? 0 : await choosePort(firstBridgePort + index)
    prepareBridge(data, network, port)
  }
  const { config: file } = prepareDataFolder(
    data,
    networks.map((network) => `registrations/${network}.yaml`),
  )
  const { config, warnings } = load({ file, argv, env })
  for (const warning of warnings) say(`Warning: ${warning}`)
  for (const network of networks) nameServer(data, network, config.server_name)
  return { file, config }
}

function bridgeConfig({ data, env }: Asked, network: Network) {
  return loadBridge({ argv: ['--config', bridgeFiles(data, network).config], env }).config
}

function keepServer({ asked, file, logs, homeserver }: Started): Keeper {
  const args = () => [asked.programs.server, '--config', file, ...asked.argv]
  const isReady = () =>
    fetch(`${homeserver}_matrix/client/versions`, { signal: AbortSignal.timeout(2000) }).then(
      (response) => response.ok,
      () => false,
    )
  return keep(
    { name: 'The homeserver', args, env: () => asked.env, log: join(logs, 'server.log'), isReady, whenReady: () => undefined },
    asked.say,
  )
}

/** A sandbox that crashed comes back at the same address, with the same accounts, and learns of the bridges again. */
async function keepSandbox(started: Started, sandboxed: readonly Network[]): Promise<Keeper> {
  const { asked, logs } = started
  const seedFile = join(asked.data, 'sandbox.seed')
  writeOnce(seedFile, randomBytes(16).toString('hex'))
  const seed = readFileSync(seedFile, 'utf8')
  const port = () => (started.sandbox ? new URL(started.sandbox.url).port : '0')
  const whenReady = async (written: string) => {
    const url = announcedUrl(written) ?? ''
    started.sandbox = { url, accounts: await fetchAccounts(url) }
    for (const network of sandboxed) await wire(started, network)
  }
  const args = () => [asked.programs.sandbox, '--port', port(), '--seed', seed]
  const isReady = (written: string) => announcedUrl(written) !== undefined
  const keeper = keep({ name: 'The sandbox', args, env: () => asked.env, log: join(logs, 'sandbox.log'), isReady, whenReady }, asked.say)
  await keeper.ready
  return keeper
}

function keepBridge(started: Started, network: Network, isSandboxed: boolean): Keeper {
  const { asked, config, logs, homeserver } = started
  const own = { ...asked.env, TOMBOLO_BRIDGE_HOMESERVER_URL: homeserver, TOMBOLO_BRIDGE_SERVER_NAME: config.server_name }
  const env = () => ({
    ...own,
    ...(isSandboxed && started.sandbox ? sandboxVariables(started.sandbox.url, started.sandbox.accounts[network]) : {}),
  })
  const whenReady = async (written: string) => {
    started.bridgeUrls.set(network, announcedUrl(written) ?? '')
    if (isSandboxed) await wire(started, network)
  }
  const args = () => [asked.programs.bridge, network, '--config', bridgeFiles(asked.data, network).config]
  const isReady = (written: string) => announcedUrl(written) !== undefined
  return keep({ name: `The ${network} bridge`, args, env, log: join(logs, `${network}.log`), isReady, whenReady }, asked.say)
}

/** The sandbox calls the bridge's webhook, as the network would. It may have gone in the meantime: then its return wires it. */
async function wire({ asked, sandbox, bridgeUrls }: Started, network: Network): Promise<void> {
  const bridge = bridgeUrls.get(network)
  if (!sandbox || !bridge) return
  const verifyToken = bridgeConfig(asked, network).graph.verify_token ?? ''
  await setWebhook(sandbox.url, network, bridge, verifyToken).catch((error: Error) =>
    asked.say(`The ${network} bridge is not connected: ${error.message}`),
  )
}

/** A program that is ready prints one line of JSON with its URL: `{"url":"http://127.0.0.1:29318"}`. */
function announcedUrl(written: string): string | undefined {
  return /^\{.*"url":\s*"([^"]+)".*\}$/m.exec(written)?.[1]
}
