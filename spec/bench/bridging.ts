import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { signatureHeaders } from '../../bridges/sandbox/envelope.ts'
import { type Sandbox, startSandbox } from '../../bridges/sandbox/sandbox.ts'
import { bridgeFiles, nameServer, prepareBridge } from '../../config/deploy/bridge-files.ts'
import { sandboxVariables } from '../../config/deploy/sandbox.ts'
import { freePort, project, type Running, removeFolder, startProcess, temporaryFolder } from '../support/processes.ts'
import type { Engine } from '../support/server.ts'
import { type Connection, openConnection } from './client.ts'
import { percentile } from './loops.ts'
import { makePeople } from './people.ts'
import { processorTime } from './processor-time.ts'
import { openReader, type Reader } from './reader.ts'
import { type StartedServer, startFresh } from './started-server.ts'

export type Load = { readonly chats: number; readonly perSecond: number; readonly seconds: number }
export type Bridged = {
  /** From the first webhook to the last event. */
  readonly perSecond: number
  /** From the moment that a webhook was due to the reader's hearing of its event. */
  readonly p50: number
  readonly p99: number
  /** How long after the last webhook the last event came, in seconds. */
  readonly behind: number
  /** Seconds of processor time for 1,000 messages. */
  readonly serverCost: number
  readonly bridgeCost: number
}
type Town = { readonly server: StartedServer; readonly sandbox: Sandbox; readonly bridge: Running; readonly reader: Reader }

const connections = 32
const patienceMs = 60_000

/**
 * Webhooks of WhatsApp at fixed times, from so many people, each with an encrypted chat of their own; undefined where there is no such engine. Throws
 * unless the owner can decrypt every message, once and in the order in which it was sent.
 */
export async function measureBridging(engine: Engine, load: Load): Promise<Bridged | undefined> {
  const folder = temporaryFolder('tombolo-bench-bridge')
  const port = await freePort()
  prepareBridge(folder, 'whatsapp', port)
  nameServer(folder, 'whatsapp', 'bench.test')
  const server = await startFresh(engine, [bridgeFiles(folder, 'whatsapp').registration])
  if (!server) return undefined
  const sandbox = await startSandbox()
  const [owner] = await makePeople(server, 1)
  const bridge = await startBridge(folder, server, sandbox, owner!.userId)
  const reader = await openReader(server.url, owner!)
  try {
    return await measure({ server, sandbox, bridge, reader }, load)
  } finally {
    await reader.close()
    await bridge.stop()
    await sandbox.close()
    await server.stop()
    removeFolder(folder)
  }
}

function startBridge(folder: string, server: StartedServer, sandbox: Sandbox, owner: string): Promise<Running> {
  const env = {
    NODE_ENV: 'production',
    TOMBOLO_BRIDGE_HOMESERVER_URL: `${server.url}/`,
    TOMBOLO_BRIDGE_SERVER_NAME: 'bench.test',
    TOMBOLO_BRIDGE_OWNER: owner,
    ...sandboxVariables(sandbox.url, sandbox.accounts.whatsapp),
  }
  const args = [
    ...(process.env['TOMBOLO_BENCH_PROFILE'] ? ['--cpu-prof', `--cpu-prof-dir=${process.env['TOMBOLO_BENCH_PROFILE']}`] : []),
    ...[join(project, 'bridges/main.ts'), 'whatsapp', '--config', bridgeFiles(folder, 'whatsapp').config],
  ]
  return startProcess({ args, env, log: join(folder, 'log'), ready: { line: /"url":"([^"]+)"/ } })
}

async function measure(town: Town, { chats, perSecond, seconds }: Load): Promise<Bridged> {
  const { server, bridge, reader } = town
  const open = Array.from({ length: connections }, () => openConnection(bridge.line![1]!))
  const post = poster(open)
  const told = (chat: number, number: number) => webhook(town.sandbox, chat, `message ${number} of ${chat}`)
  try {
    for (let chat = 0; chat < chats; chat++) await post(chat, told(chat, 0))
    await reader.untilHeard(chats, patienceMs)
    await sleep(1000)
    const used = [server.processorTime(), processorTime([bridge.pid])] as const
    const [began, count] = [performance.now(), perSecond * seconds]
    const due = (n: number) => began + (n / perSecond) * 1000
    const posts: Promise<void>[] = []
    for (let n = 0; n < count; n++) {
      if (due(n) > performance.now()) await sleep(due(n) - performance.now())
      posts.push(post(n % chats, told(n % chats, 1 + Math.floor(n / chats))))
    }
    await Promise.all(posts)
    await reader.untilHeard(chats + count, patienceMs)
    const cost = (before: number, after: number) => ((after - before) * 1000) / count
    const serverCost = cost(used[0], server.processorTime())
    const bridgeCost = cost(used[1], processorTime([bridge.pid]))
    const times: number[] = []
    let last = 0
    for (const { chat, number, at } of await messages(reader, chats, count / chats)) {
      if (number === 0) continue
      times.push(at - due((number - 1) * chats + chat))
      last = Math.max(last, at)
    }
    const spread = { p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
    return { perSecond: (count * 1000) / (last - began), ...spread, behind: (last - due(count)) / 1000, serverCost, bridgeCost }
  } finally {
    for (const connection of open) connection.close()
  }
}

/** Posts over one connection for each chat, in the order in which it is called: as the network does not overtake itself. */
function poster(open: readonly Connection[]) {
  const tails = open.map(() => Promise.resolve())
  return (chat: number, { body, signature }: { body: Buffer; signature: string }): Promise<void> => {
    const place = chat % open.length
    const headers = { 'X-Hub-Signature-256': signature }
    const posted = (tails[place] as Promise<void>).then(async () => {
      const { status } = await (open[place] as Connection).request({ method: 'POST', path: '/webhook', raw: body, headers })
      if (status !== 200) throw new Error(`a webhook was answered with ${status}`)
    })
    tails[place] = posted
    return posted
  }
}

let ids = 0

function webhook({ accounts: { whatsapp } }: Sandbox, chat: number, text: string): { body: Buffer; signature: string } {
  const phone = `1555${String(1_000_000 + chat)}`
  const message = {
    from: phone,
    id: `wamid.BENCH${ids++}`,
    timestamp: String(Math.floor(Date.now() / 1000)),
    type: 'text',
    text: { body: text },
  }
  const value = {
    messaging_product: 'whatsapp',
    metadata: { display_phone_number: whatsapp.phone, phone_number_id: whatsapp.id },
    contacts: [{ profile: { name: `Person ${chat}` }, wa_id: phone }],
    messages: [message],
  }
  const entry = [{ id: whatsapp.entryId, changes: [{ value, field: 'messages' }] }]
  const body = Buffer.from(JSON.stringify({ object: 'whatsapp_business_account', entry }))
  return { body, signature: signatureHeaders(body, whatsapp.appSecret)['x-hub-signature-256']! }
}

/** What stands in the rooms, decrypted. Throws unless each chat has all of its messages in order. */
async function messages(reader: Reader, chats: number, each: number): Promise<{ chat: number; number: number; at: number }[]> {
  const found: { chat: number; number: number; at: number }[] = []
  for (const { room, events } of reader.rooms()) {
    for (const [place, { event, at }] of events.entries()) {
      const text = await reader.decrypt(room, event)
      const [, number, chat] = /^message (\d+) of (\d+)$/.exec(text) ?? []
      if (Number(number) !== place) throw new Error(`"${text}" stands where message ${place} should`)
      found.push({ chat: Number(chat), number: Number(number), at })
    }
    if (events.length !== each + 1) throw new Error(`${events.length} messages in a chat of ${each + 1}`)
  }
  if (new Set(found.map(({ chat }) => chat)).size !== chats) throw new Error('a chat is missing')
  return found
}
