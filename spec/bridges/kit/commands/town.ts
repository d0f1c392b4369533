import '../../../../bridges/kit/matrix/quiet.ts'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectors } from '../../../../bridges/connectors.ts'
import { type BridgeOptions, type RunningBridge, startBridge } from '../../../../bridges/kit/bridge.ts'
import { createLog } from '../../../../bridges/kit/log.ts'
import { readRegistration } from '../../../../bridges/kit/matrix/registration.ts'
import { objectOf } from '../../../../bridges/sandbox/accounts.ts'
import { type Sandbox, startSandbox } from '../../../../bridges/sandbox/sandbox.ts'
import type { Network } from '../../../../config/bridge-schema.ts'
import { bridgeFiles, nameServer, prepareBridge } from '../../../../config/deploy/bridge-files.ts'
import { freePort, removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { startServer, type TestServer, type TestUser } from '../../../support/server.ts'

export const botId = '@_whatsapp_bot:hs.test'

/** A homeserver, the sandbox and the bridge of one network, all real. */
export type Town = {
  readonly server: TestServer
  readonly sandbox: Sandbox
  readonly bridge: () => RunningBridge
  /** What the bridge has said to its log. */
  readonly log: () => string
  /** Ends the bridge and starts it again; `meanwhile` its data folder is nobody's. */
  restart(options?: Partial<BridgeOptions>, meanwhile?: (dataDir: string) => void): Promise<void>
  close(): Promise<void>
}

/** Opens a town; the bridge is logged in to the sandbox's account and has no owner, unless the options say otherwise. */
export async function openTown(options: Partial<BridgeOptions> = {}, network: Network = 'whatsapp'): Promise<Town> {
  const folder = temporaryFolder()
  const port = await freePort()
  prepareBridge(folder, network, port)
  nameServer(folder, network, 'hs.test')
  const files = bridgeFiles(folder, network)
  const sandbox = await startSandbox({ firstRetryMs: 5, longestRetryMs: 20 })
  const server = await startServer({ config: { appservice_files: [files.registration], registration: { open: true } } })
  const { id, accessToken, appSecret } = sandbox.accounts[network]
  let log = ''
  const start = (more: Partial<BridgeOptions>) =>
    startBridge({
      connector: connectors[network]({ baseUrl: `${sandbox.url}/`, version: 'v25.0', appSecret, verifyToken: 'a word' }),
      homeserverUrl: server.url,
      serverName: 'hs.test',
      registration: readRegistration(files.registration),
      dataDir: join(folder, 'bridge'),
      listen: { host: '127.0.0.1', port },
      secrets: { account: id, accessToken },
      owner: undefined,
      hub: undefined,
      permissions: { users: ['*'], admins: [] },
      log: createLog('debug', (line) => {
        log += line
      }),
      ...options,
      ...more,
    })
  let bridge = await start({})
  await sandbox.control.setWebhook({ object: objectOf[network], url: `${bridge.url}/webhook`, verifyToken: 'a word' })
  return {
    server,
    sandbox,
    bridge: () => bridge,
    log: () => log,
    async restart(more = {}, meanwhile = () => undefined) {
      await bridge.stop()
      meanwhile(join(folder, 'bridge'))
      bridge = await start(more)
    },
    async close() {
      await bridge.stop()
      await server.close()
      await sandbox.close()
      removeFolder(folder)
    },
  }
}

/** Looks until it is there; what is not within twenty seconds fails. */
export async function eventually<T>(words: string, look: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  const latest = performance.now() + 20_000
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > latest) throw new Error(`never: ${words}`)
    await sleep(25)
  }
}

/** A user who speaks with the bot in a room that is not encrypted. */
export type Talk = {
  readonly room: string
  /** What the bot has said, oldest first. */
  heard(): Promise<string[]>
  /** Says something, and gives the bot's answer to it. */
  say(text: string): Promise<string>
  /** Says something and waits for nothing; gives the event. */
  post(text: string): Promise<string>
}

export async function talkTo(user: TestUser): Promise<Talk> {
  const made = await user.post('/createRoom', { preset: 'trusted_private_chat', is_direct: true, invite: [botId] })
  const room = String(made.body.room_id)
  const path = `/rooms/${encodeURIComponent(room)}`
  let txn = 0
  const heard = async () => {
    const { body } = await user.get(`${path}/messages`, { query: { dir: 'f', limit: '1000' } })
    const events = body.chunk as { sender: string; type: string; content: { body?: string } }[]
    return events.flatMap(({ sender, content }) => (sender === botId && content.body !== undefined ? [content.body] : []))
  }
  const post = async (text: string) => {
    const sent = await user.put(`${path}/send/m.room.message/${txn++}`, { msgtype: 'm.text', body: text })
    return String(sent.body.event_id)
  }
  return {
    room,
    heard,
    post,
    async say(text) {
      const before = (await heard()).length
      await post(text)
      return eventually(`an answer to ${text}`, async () => (await heard())[before])
    },
  }
}

/** The rooms into which a user is invited, by name. */
export async function invitations(user: TestUser): Promise<Map<string, string>> {
  const { body } = await user.get('/sync', { query: { timeout: '0' } })
  type Invited = Record<string, { invite_state: { events: { type: string; content: { name?: string } }[] } }>
  const rooms = Object.entries((body.rooms?.invite ?? {}) as Invited)
  return new Map(
    rooms.map(
      ([
        id,
        {
          invite_state: { events },
        },
      ]) => [events.find(({ type }) => type === 'm.room.name')?.content.name ?? '', id],
    ),
  )
}
