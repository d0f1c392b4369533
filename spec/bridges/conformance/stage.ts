import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import express from 'express'
import { type Capabilities, capabilitiesOf } from '../../../bridges/kit/capabilities.ts'
import { doChore } from '../../../bridges/kit/chores.ts'
import type { Desk } from '../../../bridges/kit/commands/desk.ts'
import { applyManagementEvent } from '../../../bridges/kit/commands/management.ts'
import { Later } from '../../../bridges/kit/feed.ts'
import { accept, applyItem } from '../../../bridges/kit/inbox.ts'
import type { HubPlan, Kit } from '../../../bridges/kit/kit.ts'
import { login, openSessions } from '../../../bridges/kit/logins.ts'
import type { MatrixEvent } from '../../../bridges/kit/matrix/event.ts'
import { createTyping, keepReceipts, tellReads } from '../../../bridges/kit/outbound/ephemeral.ts'
import { expireKept, releaseAwoken } from '../../../bridges/kit/outbound/kept.ts'
import { applyMatrixEvent } from '../../../bridges/kit/outbound/message.ts'
import { showStatuses } from '../../../bridges/kit/outbound/status.ts'
import { tellWindows } from '../../../bridges/kit/outbound/window.ts'
import { submit } from '../../../bridges/kit/outbox.ts'
import { probeLogins } from '../../../bridges/kit/states-watch.ts'
import { openStore } from '../../../bridges/kit/store/store.ts'
import { insertMatrixEvent } from '../../../bridges/kit/store/transactions.store.ts'
import { openVault } from '../../../bridges/kit/vault.ts'
import { mountWebhook } from '../../../bridges/kit/webhook.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { filesOf } from '../kit/cards-files.ts'
import { createWorld, encryptionOf, matrixOf, type World } from '../kit/house-of-cards.ts'
import { selectNewChores, selectNewInbox, selectNewMatrixEvents, selectQueued } from '../kit/queues.ts'
import { alice, edited, reacted, redacted, wrote } from '../kit/story.ts'
import type { Seat, Sending } from './seat.ts'

/** An event of the room as it stands there. */
export type Stands = { readonly id: string; readonly by: 'ghost' | 'bot'; readonly type: string; readonly content: Record<string, unknown> }

/** A network, a bridge with the real kit, and a room with Alice in it. */
export type Stage = {
  readonly seat: Seat
  readonly caps: Capabilities
  readonly world: World
  readonly kit: Kit
  /** Everything that there is to do gets done, both ways. */
  settle(): Promise<void>
  /** The person sends something; gives its id, or `cannot`. */
  hears(sending: Sending): Promise<string>
  /** Alice sends something; gives its event. */
  says(content: Record<string, unknown>, type?: string): Promise<string>
  reacts(event: string, emoji: string): Promise<string>
  edits(event: string, body: string): Promise<string>
  takesBack(event: string): Promise<void>
  reads(event: string): Promise<void>
  types(on: boolean): Promise<void>
  stands(): readonly Stands[]
  /** What the bot has said of an event, and its states in order. */
  statesOf(event: string): readonly string[]
  statusesOf(event: string): readonly string[]
  notices(): readonly string[]
  wait(ms: number): Promise<void>
  /** The owner gives the bridge its token once more. */
  logsInAgain(): Promise<void>
  close(): Promise<void>
}

const secondMs = 1000

/** Sets a stage around a seat, with a room of the chat's own or a shared one. Ana has written “hello”. */
export async function openStage(seat: Seat, hub?: HubPlan): Promise<Stage> {
  const world = createWorld(temporaryFolder('conformance'))
  const kit = await openKit(world, seat, hub)
  const { server, url } = await listen(kit)
  await seat.listen(`${url}/webhook`)
  let events = 0
  const post = async (make: (id: string) => MatrixEvent) => {
    seat.clock.advance(secondMs)
    const event = make(`$alice${events++}`)
    world.posted.push(event)
    insertMatrixEvent(kit.store, event.event_id, event.room_id, Buffer.from(JSON.stringify(event)), kit.clock())
    await settle()
    return event.event_id
  }
  const tellBridge = homeserverOf(world, kit)
  const settle = () => settleAll(tellBridge, kit, seat)
  const showTyping = createTyping(kit)
  const stage: Stage = {
    ...{ seat, world, kit, settle },
    caps: await capabilitiesOf(seat.connector),
    async hears(sending) {
      seat.clock.advance(secondMs)
      const id = await seat.phone.sends(sending)
      await settle()
      return id
    },
    says: (content, type) => post((id) => inRoom(world, wrote(id, alice, content, type))),
    reacts: (event, emoji) => post((id) => reacted(id, alice, event, emoji)),
    edits: (event, body) => post((id) => edited(id, alice, event, body)),
    takesBack: async (event) => void (await post((id) => redacted(id, alice, event))),
    async reads(event) {
      seat.clock.advance(secondMs)
      const content = { [event]: { 'm.read': { [alice]: { ts: 1 } } } }
      keepReceipts(kit, { ephemeral: [{ type: 'm.receipt', room_id: '!room0', content }] })
      await settle()
    },
    types: (on) => showTyping({ ephemeral: [{ type: 'm.typing', room_id: '!room0', content: { user_ids: on ? [alice] : [] } }] }),
    ...viewOf(world),
    async wait(ms) {
      seat.clock.advance(ms)
      await lookAround(kit)
      await settle()
    },
    async logsInAgain() {
      await login(kit, seat.secrets)
      await settle()
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      for (const session of kit.sessions.values()) await session.close()
      await seat.close()
      kit.store.close()
      removeFolder(world.folder)
    },
  }
  await stage.hears({ text: 'hello' })
  return stage
}

/** What a bridge does from time to time. */
async function lookAround(kit: Kit): Promise<void> {
  await probeLogins(kit)
  await tellWindows(kit)
  expireKept(kit)
}

/** What can be seen in the room. */
function viewOf(world: World): Pick<Stage, 'stands' | 'statesOf' | 'statusesOf' | 'notices'> {
  return {
    stands: () => standsIn(world),
    statesOf: (event) => newsOf(world, 'org.tombolo.delivery', event).map(({ state }) => String(state)),
    statusesOf: (event) => newsOf(world, 'com.beeper.message_send_status', event).map(({ status }) => String(status)),
    notices: () =>
      standsIn(world)
        .filter(({ by, content }) => by === 'bot' && content['msgtype'] === 'm.notice')
        .map(({ content }) => String(content['body'])),
  }
}

/** In a room that is not encrypted, it is in the clear. */
function inRoom(world: World, event: MatrixEvent): MatrixEvent {
  if (!world.open.has(event.room_id)) return event
  const { type, plain, ...rest } = event.content as { type: string; plain: Record<string, unknown> }
  return { ...event, type, content: { ...plain, ...rest } }
}

async function openKit(world: World, { connector, secrets, clock }: Seat, hub: HubPlan | undefined): Promise<Desk> {
  const { network } = connector.info
  const store = openStore(join(world.folder, 'bridge.db'))
  // Nothing is cut off here.
  store.database.pragma('synchronous = OFF')
  const vault = openVault(network, join(world.folder, 'vault.key'))
  const base = { connector, store, vault, clock: clock.now }
  await login(base, secrets)
  return {
    ...base,
    serverName: 'hs.test',
    owner: alice,
    hub,
    matrix: matrixOf(world, `@_${network}_bot:hs.test`),
    encryption: encryptionOf(world),
    files: filesOf(world),
    log: () => undefined,
    sessions: openSessions(base),
    checkpoint: () => undefined,
    permissions: { users: ['*'], admins: [] },
    outbox: { wake: () => undefined },
    rooms: {
      invite: async () => undefined,
      setName: async () => undefined,
      isEncrypted: async (room) => !world.open.has(room),
      name: async () => undefined,
    },
  }
}

async function listen(kit: Kit): Promise<{ server: Server; url: string }> {
  const app = express()
  mountWebhook(app, kit.connector.webhook, (items) => void accept(kit, items))
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const mostRounds = 100

/** The homeserver tells the bridge of everything in its rooms, also of what it sent itself. */
function homeserverOf(world: World, kit: Kit): () => void {
  let told = 0
  return () => {
    for (const { id, room, sender, type, content } of world.events.slice(told)) {
      const event = { event_id: id, room_id: room, sender, type, content }
      insertMatrixEvent(kit.store, id, room, Buffer.from(JSON.stringify(event)), kit.clock())
    }
    told = world.events.length
  }
}

async function settleAll(tellBridge: () => void, kit: Desk, seat: Seat): Promise<void> {
  for (let round = 0; round < mostRounds; round++) {
    await seat.settle()
    tellBridge()
    const busy = [await workInbox(kit), await workEvents(kit), await workOutbox(kit), await workChores(kit)].includes(true)
    if (busy) continue
    await showStatuses(kit, new AbortController().signal)
    await tellReads(kit)
    await seat.settle()
    tellBridge()
    if (selectNewMatrixEvents(kit.store, 0, 1).length === 0 && selectNewInbox(kit.store, 0, 1).length === 0) return
  }
  throw new Error('it never settles')
}

async function workInbox(kit: Kit): Promise<boolean> {
  const rows = selectNewInbox(kit.store, 0, 100)
  for (const row of rows) await applyItem(kit, row)
  releaseAwoken(kit)
  return rows.length > 0
}

async function workChores(kit: Desk): Promise<boolean> {
  const rows = selectNewChores(kit.store, 0, 100)
  for (const row of rows) await doChore(kit, kit.rooms, row)
  return rows.length > 0
}

async function workEvents(kit: Desk): Promise<boolean> {
  const rows = selectNewMatrixEvents(kit.store, 0, 100)
  for (const { seq, body } of rows) {
    const event = JSON.parse(body.toString()) as MatrixEvent
    if (!(await applyManagementEvent(kit, seq, event))) await applyMatrixEvent(kit, seq, event)
  }
  return rows.length > 0
}

/** One part after another; what has to wait holds those after it. */
async function workOutbox(kit: Kit): Promise<boolean> {
  const [row] = selectQueued(kit.store, 0, 1)
  if (!row) return false
  try {
    await submit(kit, row.seq)
    return selectQueued(kit.store, 0, 1)[0]?.seq !== row.seq
  } catch (error) {
    if (error instanceof Later) return false
    throw error
  }
}

function standsIn(world: World): Stands[] {
  const gone = new Set(world.redactions.map(({ event }) => event))
  return world.events
    .filter(({ id }) => !gone.has(id))
    .map(({ id, sender, type, content, clear }) => ({
      id,
      by: /_bot:/.test(sender) ? ('bot' as const) : ('ghost' as const),
      type: type === 'm.room.encrypted' ? String(content['type']) : type,
      content: clear,
    }))
}

function newsOf(world: World, type: string, event: string): Record<string, unknown>[] {
  const news = world.events.filter((one) => one.type === type)
  return news.flatMap(({ clear }) => ((clear['m.relates_to'] as { event_id?: unknown } | undefined)?.event_id === event ? [clear] : []))
}
