import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HubPlan } from '../../../bridges/kit/kit.ts'
import { objectOf } from '../../../bridges/sandbox/accounts.ts'
import type { ScriptedPerson } from '../../../bridges/sandbox/people.ts'
import { type Sandbox, startSandbox } from '../../../bridges/sandbox/sandbox.ts'
import { type Network, networks } from '../../../config/bridge-schema.ts'
import { bridgeFiles, nameServer, prepareBridge } from '../../../config/deploy/bridge-files.ts'
import { createMatrixPerson, type MatrixPerson } from '../../trips/matrix-person.ts'
import { freePort, removeFolder, temporaryFolder } from '../processes.ts'
import { startServer, type TestServer } from '../server.ts'
import { type Strike, type StruckBridge, type StruckOptions, startStruckBridge } from './struck-bridge.ts'

/** One network: the sandbox, where it lives on whatever happens, and the bridge, which is struck. */
export type Quarter = {
  readonly network: Network
  bridge(): StruckBridge
  readonly dataDir: string
  /** How many of its processes have ended while the network was being asked to send: what came of that send nobody can know. */
  sendsCutOff(): number
  /** Starts the bridge again; once more where it is struck before it listens. */
  start(of?: { strike?: Strike; later?: number }): Promise<void>
  /** Somebody new on the network. */
  newcomer(name: string): Promise<ScriptedPerson>
}
export type StruckTown = {
  readonly server: TestServer
  readonly sandbox: Sandbox
  readonly alice: MatrixPerson
  readonly quarters: Readonly<Record<Network, Quarter>>
  logs(): string
  /** What Alice sees and what the bridges have passed and said: for whoever looks for what went wrong. */
  stand(): string
  close(): Promise<void>
}

/** A homeserver, the sandbox and Alice in this process; a bridge for each network in a process of its own, for single chats with Alice, or for one shared room. */
export async function openStruckTown({ shared = false }: { shared?: boolean } = {}): Promise<StruckTown> {
  const folder = temporaryFolder('tombolo-struck')
  for (const network of networks) {
    prepareBridge(folder, network, await freePort())
    nameServer(folder, network, 'hs.test')
  }
  const appservices = networks.map((network) => bridgeFiles(folder, network).registration)
  const server = await startServer({ config: { appservice_files: appservices, registration: { open: true } } })
  const sandbox = await startSandbox({ firstRetryMs: 5, longestRetryMs: 50 })
  const alice = await createMatrixPerson(server.url, 'alice')
  const quarters = {} as Record<Network, Quarter>
  for (const network of networks) quarters[network] = await openQuarter(folder, network, server, sandbox, shared ? hub : undefined)
  const logs = () => networks.map((network) => readFileSync(join(folder, `${network}.log`), 'utf8').slice(-3000)).join('\n')
  return {
    server,
    sandbox,
    alice,
    quarters,
    logs,
    stand() {
      const lines = alice.rooms().flatMap((room) =>
        alice
          .in(room)
          .sees()
          .map(({ text }) => text),
      )
      const passed = networks.map((network) => `${network}: ${quarters[network].bridge().passed.slice(-40).join()}`)
      return `${JSON.stringify(lines.slice(-200))}\n${passed.join('\n')}\n${logs()}`
    },
    async close() {
      alice.close()
      for (const quarter of Object.values(quarters)) await quarter.bridge().kill()
      await server.close()
      await sandbox.close()
      removeFolder(folder)
    },
  }
}

const bots = networks.map((network) => `@_${network}_bot:hs.test`)
const hub: HubPlan = { alias: '#hub:hs.test', name: 'Everybody', invite: [...bots, '@alice:hs.test'] }

async function openQuarter(
  folder: string,
  network: Network,
  server: TestServer,
  sandbox: Sandbox,
  shared: HubPlan | undefined,
): Promise<Quarter> {
  const { registration } = bridgeFiles(folder, network)
  const { id, accessToken, appSecret } = sandbox.accounts[network]
  const verifyToken = 'a word'
  const options: StruckOptions = {
    network,
    graph: { baseUrl: `${sandbox.url}/`, version: 'v25.0', appSecret, verifyToken },
    registration,
    homeserverUrl: server.url,
    serverName: 'hs.test',
    dataDir: join(folder, network),
    listen: { host: '127.0.0.1', port: Number(new URL(/url: (\S+)/.exec(readFileSync(registration, 'utf8'))?.[1] ?? '').port) },
    secrets: { account: id, accessToken },
    owner: '@alice:hs.test',
    ...(shared ? { hub: shared } : {}),
  }
  let bridge: StruckBridge | undefined
  let cutOff = 0
  const onEnd = (passed: readonly string[]) => {
    if (passed.lastIndexOf('part submitting') > passed.lastIndexOf('part answered')) cutOff += 1
  }
  const start = async (of: { strike?: Strike; later?: number } = {}) => {
    const log = join(folder, `${network}.log`)
    bridge = await startStruckBridge({ ...options, ...of }, log, onEnd)
    bridge ??= await startStruckBridge(options, log, onEnd)
    if (!bridge) throw new Error(`the bridge of ${network} does not start:\n${readFileSync(log, 'utf8').slice(-3000)}`)
  }
  await start()
  const now = () => bridge as StruckBridge
  await sandbox.control.setWebhook({ object: objectOf[network], url: `${now().url}/webhook`, verifyToken })
  return {
    network,
    bridge: now,
    dataDir: options.dataDir,
    sendsCutOff: () => cutOff,
    start,
    newcomer: (name) => sandbox.person({ network, name }),
  }
}

/** Looks again until it is there. */
export async function eventually<T>(
  words: string,
  look: () => T | undefined | Promise<T | undefined>,
  otherwise: () => unknown,
): Promise<T> {
  const latest = performance.now() + 60_000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > latest) throw new Error(`never: ${words}\n${String(await otherwise())}`)
    await sleep(20)
  }
}
