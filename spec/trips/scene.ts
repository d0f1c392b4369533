import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { objectOf } from '../../bridges/sandbox/accounts.ts'
import type { SandboxControl } from '../../bridges/sandbox/control.ts'
import { createScriptedPerson, type ScriptedPerson } from '../../bridges/sandbox/people.ts'
import { createSandboxClient } from '../../bridges/sandbox/sandbox-client.ts'
import type { PersonInput } from '../../bridges/sandbox/world.ts'
import { loadBridge, networks } from '../../config/bridge-schema.ts'
import { bridgeFiles, nameServer, prepareBridge } from '../../config/deploy/bridge-files.ts'
import { sandboxVariables } from '../../config/deploy/sandbox.ts'
import { freePort, project, type Running, removeFolder, startProcess, startServer, temporaryFolder } from '../support/processes.ts'
import { createMatrixPerson, type MatrixPerson } from './matrix-person.ts'

export type Network = (typeof networks)[number]
export type Part = 'server' | Network
export const parts: readonly Part[] = ['server', ...networks]

const serverName = 'hs.test'
export const numbers = { ana: '15551230001' } as const

/** A homeserver, three bridges and the sandbox networks in processes of their own; four people, one hub. */
export type Scene = {
  readonly folder: string
  readonly alice: MatrixPerson
  readonly people: Readonly<Record<Network, ScriptedPerson>>
  readonly control: SandboxControl
  /** Where a part listens. */
  urlOf(part: Part): string
  /** A further Matrix user of the homeserver, in no room yet. */
  addPerson(name: string): Promise<MatrixPerson>
  /** Ends a process as a power cut would, and starts it again. */
  killAndStart(part: Part): Promise<void>
  /** Everything that the processes have said. */
  logs(): string
  close(): Promise<void>
}

export type SceneOptions = {
  /** Every chat has a room of its own when false; one shared room otherwise. */
  readonly hub?: boolean
  /** Who they are on the networks. */
  readonly people?: Readonly<Record<Network, PersonInput>>
  /** A database of PostgreSQL; SQLite without one. */
  readonly database?: string
  /** Whether the bridges keep to the rates that the networks document, by the clock of this machine; not where the networks' own clock is moved. */
  readonly pace?: boolean
  /** With it, accounts of administrators can be made. */
  readonly sharedSecret?: string
  /** Registrations of further application services, as their files hold them. */
  readonly registrations?: readonly object[]
}
const usualPeople: Readonly<Record<Network, PersonInput>> = {
  whatsapp: { network: 'whatsapp', name: 'Ana', phone: numbers.ana },
  messenger: { network: 'messenger', name: 'Ben Berg' },
  instagram: { network: 'instagram', name: 'Carla' },
}

/** Sets the scene in a temporary folder: everybody is there, the hub is made, nobody has said anything yet. */
export async function openScene(options: SceneOptions = {}): Promise<Scene> {
  const folder = temporaryFolder('tombolo-scene')
  const running = new Map<string, Running>()
  try {
    return await setScene(folder, running, options)
  } catch (error) {
    for (const process of running.values()) await process.kill()
    removeFolder(folder)
    throw error
  }
}

async function setScene(folder: string, running: Map<string, Running>, options: SceneOptions): Promise<Scene> {
  const homeserver = `http://127.0.0.1:${await freePort()}`
  const config = await writeFiles(folder, homeserver, options)
  const startOne = async (part: Part) => {
    if (part === 'server') {
      const ready = { url: `${homeserver}/_matrix/client/versions` }
      running.set(part, await startServer(config, { log: join(folder, 'server.log'), ready }))
    } else running.set(part, await startBridge({ folder, network: part, homeserver, account: accounts[part], running, options }))
  }
  running.set('sandbox', await startSandbox(folder))
  const control = createSandboxClient(sandboxUrl(running))
  const accounts = await control.accounts()
  await startOne('server')
  const matrixPeople = [await createMatrixPerson(homeserver, 'alice')]
  for (const network of networks) {
    await startOne(network)
    const { verify_token: verifyToken = '' } = loadBridge({ argv: ['--config', bridgeFiles(folder, network).config], env: {} }).config.graph
    await control.setWebhook({ object: objectOf[network], url: `${bridgeUrl(running, network)}/webhook`, verifyToken })
  }
  const cast = options.people ?? usualPeople
  return {
    folder,
    alice: matrixPeople[0] as MatrixPerson,
    people: {
      whatsapp: await createScriptedPerson(control, cast.whatsapp),
      messenger: await createScriptedPerson(control, cast.messenger),
      instagram: await createScriptedPerson(control, cast.instagram),
    },
    control,
    urlOf: (part) => (part === 'server' ? homeserver : bridgeUrl(running, part)),
    async addPerson(name) {
      const person = await createMatrixPerson(homeserver, name)
      matrixPeople.push(person)
      return person
    },
    async killAndStart(part) {
      await running.get(part)?.kill()
      await startOne(part)
    },
    logs: () => [...running.keys()].map((name) => readFileSync(join(folder, `${name}.log`), 'utf8')).join('\n'),
    async close() {
      for (const person of matrixPeople) person.close()
      await Promise.all(networks.map((network) => running.get(network)?.stop()))
      await running.get('server')?.kill()
      await running.get('sandbox')?.stop()
      removeFolder(folder)
    },
  }
}

async function writeFiles(
  folder: string,
  homeserver: string,
  { database, sharedSecret, registrations = [] }: SceneOptions,
): Promise<string> {
  mkdirSync(join(folder, 'bridges'), { recursive: true })
  mkdirSync(join(folder, 'registrations'), { recursive: true })
  for (const network of networks) {
    prepareBridge(folder, network, await freePort())
    nameServer(folder, network, serverName)
  }
  const others = registrations.map((registration, at) => {
    writeFileSync(join(folder, 'registrations', `other${at}.yaml`), stringify(registration), { mode: 0o600 })
    return `registrations/other${at}.yaml`
  })
  const config = join(folder, 'tombolo.yaml')
  const settings = {
    server_name: serverName,
    public_baseurl: `${homeserver}/`,
    data_dir: '.',
    listeners: [{ host: '127.0.0.1', port: Number(new URL(homeserver).port) }],
    registration: { open: true, ...(sharedSecret === undefined ? {} : { shared_secret: sharedSecret }) },
    rate_limits: 'off',
    password_hashing: 'fast',
    appservice_files: [...networks.map((network) => `registrations/${network}.yaml`), ...others],
    ...(database === undefined ? {} : { database: { kind: 'postgres', url: database } }),
  }
  writeFileSync(config, stringify(settings), { mode: 0o600 })
  return config
}

function startSandbox(folder: string): Promise<Running> {
  const args = [join(project, 'bridges/sandbox/main.ts'), '--seed', 'scene']
  return startProcess({ args, log: join(folder, 'sandbox.log'), ready: { line: /"url":"([^"]+)"/ } })
}

function sandboxUrl(running: ReadonlyMap<string, Running>): string {
  return running.get('sandbox')?.line?.[1] ?? ''
}

function bridgeUrl(running: ReadonlyMap<string, Running>, network: Network): string {
  return /"url":\s*"([^"]+)"/.exec(running.get(network)?.output() ?? '')?.[1] ?? ''
}

type BridgeStart = {
  readonly folder: string
  readonly network: Network
  readonly homeserver: string
  readonly account: { id: string; accessToken: string; appSecret: string }
  readonly running: ReadonlyMap<string, Running>
  readonly options: SceneOptions
}

function startBridge({ folder, network, homeserver, account, running, options }: BridgeStart): Promise<Running> {
  const env = {
    TOMBOLO_BRIDGE_HOMESERVER_URL: `${homeserver}/`,
    TOMBOLO_BRIDGE_SERVER_NAME: serverName,
    TOMBOLO_BRIDGE_OWNER: `@alice:${serverName}`,
    ...(options.hub === false ? {} : { TOMBOLO_BRIDGE_HUB_ALIAS: `#hub:${serverName}` }),
    ...(options.pace === false ? { TOMBOLO_BRIDGE_PACE: 'false' } : {}),
    TOMBOLO_BRIDGE_LOG_LEVEL: 'debug',
    ...sandboxVariables(sandboxUrl(running), account),
  }
  const args = [join(project, 'bridges/main.ts'), network, '--config', bridgeFiles(folder, network).config]
  return startProcess({ args, env, log: join(folder, `${network}.log`), ready: { line: /"url":"([^"]+)"/ } })
}

/** Looks again until it is true; what the scene came to instead is told when it is not within the time. */
export async function until(
  words: string,
  isTrue: () => boolean | Promise<boolean>,
  otherwise: () => unknown,
  withinMs = 60_000,
): Promise<void> {
  const latest = performance.now() + withinMs
  while (!(await isTrue())) {
    if (performance.now() > latest)
      throw new Error(`not within ${withinMs / 1000} s: ${words}\n${JSON.stringify(await otherwise(), null, 1)}`)
    await sleep(50)
  }
}
