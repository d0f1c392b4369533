import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createChores } from './chores.ts'
import type { Desk } from './commands/desk.ts'
import { applyManagementEvent, expireManagementEvent, failManagementEvent } from './commands/management.ts'
import type { Permissions } from './commands/permissions.ts'
import type { LoginSecrets, NetworkConnector, Session } from './connector.ts'
import { type Feed, Later, pause, reason } from './feed.ts'
import { createFiles } from './files.ts'
import { ensureHub } from './hub/room.ts'
import { rememberedMs } from './inbound/repeats.ts'
import { accept, createInbox, createLateFiles, fillLanes, forgetMalformed } from './inbox.ts'
import type { HubPlan, Kit, LateRules, Log } from './kit.ts'
import { login, loginOf, openSessions } from './logins.ts'
import { DurableAppService } from './matrix/appservice.ts'
import { connectMatrix } from './matrix/client.ts'
import { mountHomeserverEdge } from './matrix/edge.ts'
import { openEncryption } from './matrix/end-to-bridge.ts'
import type { MatrixEvent } from './matrix/event.ts'
import { createMatrixSide } from './matrix/homeserver.ts'
import type { Registration } from './matrix/registration.ts'
import { createRoomActions } from './matrix/rooms.ts'
import { MatrixRequestError } from './matrix/side.ts'
import { openMediaHomeserver } from './media/homeserver-request.ts'
import { createSpool, type Spool } from './media/spool.ts'
import { createReadTeller } from './outbound/ephemeral.ts'
import { expireKept, releaseAwoken, releaseChanged } from './outbound/kept.ts'
import { defaultLateRules } from './outbound/late-rules.ts'
import { createStatusShower } from './outbound/shower.ts'
import { tellWindows } from './outbound/window.ts'
import { abandonInterrupted, createOutbox } from './outbox.ts'
import { pointAtAnswers, pointAtCalls, pointAtFiles, pointAtNetwork } from './points.ts'
import { tellPaced } from './rates/tell.ts'
import { mountHealth, type Progress } from './states-health.ts'
import { watchStates } from './states-watch.ts'
import { forgetChanges } from './store/changes.store.ts'
import { selectContactByLocalpart } from './store/contacts.store.ts'
import { expireWaiting, forgetInbox, releaseDue } from './store/inbox.store.ts'
import { forgetChores } from './store/management.store.ts'
import { forgetSends } from './store/messages.store.ts'
import { forgetOrphans, forgetPayloads } from './store/outbox.store.ts'
import { openStore } from './store/store.ts'
import { forgetTransactions } from './store/transactions.store.ts'
import { runEach, runEvery } from './timers.ts'
import { createMatrixEvents, createTransactions, keepTransaction } from './transactions.ts'
import { openVault } from './vault.ts'
import { mountWebhook } from './webhook.ts'

export type BridgeOptions = {
  readonly connector: NetworkConnector
  readonly homeserverUrl: string
  readonly serverName: string
  readonly registration: Registration
  readonly dataDir: string
  readonly listen: { readonly host: string; readonly port: number }
  readonly secrets: LoginSecrets | undefined
  readonly owner: string | undefined
  readonly hub: HubPlan | undefined
  readonly coalesceMs?: number
  readonly late?: LateRules
  readonly permissions: Permissions
  /** Sends no faster than the network documents that it takes it. */
  readonly pace?: boolean
  readonly log: Log
  readonly clock?: () => number
  /** Called between any two steps whose order matters, each with the name of the point; tests let the process end there. */
  readonly checkpoint?: (name: string) => void
}
export type RunningBridge = {
  readonly url: string
  /** Whatever is under way ends, nothing new begins; what is left goes on with the next start. */
  stop(): Promise<void>
}

const ledgerMs = 9 * 86_400_000
const waitingMs = 7 * 86_400_000
const spoolBytes = 1024 * 1_048_576
const tidyMs = 3_600_000
const windowMs = 60_000

/** Starts one bridge. It listens before the homeserver is there, keeps what the network says, and goes to work when it is. */
export async function startBridge(options: BridgeOptions): Promise<RunningBridge> {
  const { log, listen, serverName, clock = Date.now, checkpoint = () => undefined } = options
  const connector = pointAtNetwork({ ...options.connector, rates: options.pace ? (options.connector.rates ?? {}) : {} }, checkpoint)
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  const vault = openVault(connector.info.network, join(options.dataDir, 'vault.key'))
  const store = openStore(join(options.dataDir, 'bridge.db'))
  const appservice = new DurableAppService()
  const feeds: Feeds = {}
  appservice.app.use(pointAtAnswers(checkpoint))
  mountHomeserverEdge(appservice.app, {
    homeserverToken: options.registration.hs_token,
    transaction(txn, body) {
      checkpoint('transaction received')
      if (keepTransaction({ store, vault, clock }, txn, body)) feeds.transactions?.wake()
      checkpoint('transaction stored')
    },
    hasUser: (userId) => selectContactByLocalpart(store, userId.slice(1, userId.indexOf(':'))) !== undefined,
    hasAlias: () => false,
  })
  mountWebhook(appservice.app, connector.webhook, (items) => {
    checkpoint('webhook received')
    if (accept({ store, vault, clock, connector }, items) > 0) feeds.inbox?.wake()
    checkpoint('webhook stored')
  })
  let progress: Progress = 'starting'
  mountHealth(appservice.app, { store, connector }, () => progress)
  const { homeserverUrl, registration } = options
  const client = pointAtCalls(await connectMatrix({ homeserverUrl, serverName, registration, appservice, listen }), checkpoint)
  const matrix = createMatrixSide(client)
  const encryption = await openEncryption({ store, vault, client, serverName, network: connector.info.network, clock, log })
  const mediaHomeserver = openMediaHomeserver({ homeserverUrl, asToken: registration.as_token })
  const files = pointAtFiles(createFiles(mediaHomeserver, openSpool(options.dataDir)), checkpoint)
  const stopping = new AbortController()
  const kit = { connector, serverName, owner: options.owner, hub: options.hub, store, vault, matrix, encryption, files, clock, log }
  const sessions = new Map<string, Session>()
  const rooms = createRoomActions(client)
  const outbox = { wake: (from?: number) => feeds.outbox?.wake(from) }
  const { coalesceMs = 0, late = defaultLateRules, permissions } = options
  const desk = { ...kit, coalesceMs, late, sessions, checkpoint, rooms, permissions, outbox }
  const working = work(desk, options, appservice, feeds, stopping.signal).then(() => {
    if (!stopping.signal.aborted) progress = 'running'
  })
  return {
    url: `http://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${appservice.port}`,
    async stop() {
      progress = 'stopping'
      stopping.abort()
      await appservice.close()
      await working
      await feeds.watch?.()
      for (const feed of [feeds.chores, feeds.transactions, feeds.inbox, feeds.late, feeds.events, feeds.outbox, feeds.statuses])
        await feed?.stop()
      await feeds.reads?.stop()
      await encryption.close()
      await mediaHomeserver.close()
      for (const session of sessions.values()) await session.close()
      store.close()
    },
  }
}

/** What a stopped process left there is of no use: the files are fetched again. */
function openSpool(dataDir: string): Spool {
  const folder = join(dataDir, 'spool')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return createSpool({ folder, quota: spoolBytes })
}

type Feeds = {
  reads?: { stop(): Promise<void> }
  watch?: () => Promise<void>
  chores?: Feed
  transactions?: Feed
  inbox?: Feed
  late?: Feed
  events?: Feed
  outbox?: Feed
  statuses?: Feed
}

/** Logs in, makes the bot and its device, enters the hub, and sets everything in motion; tries again until it is told to stop. */
async function work(kit: Desk, options: BridgeOptions, appservice: DurableAppService, feeds: Feeds, signal: AbortSignal): Promise<void> {
  const { log } = kit
  abandonInterrupted(kit)
  releaseChanged(kit)
  releaseAwoken(kit)
  await persist(signal, log, 'the network', () => connectLogin(kit, options.secrets))
  if (signal.aborted) return
  for (const [login, session] of openSessions(kit)) kit.sessions.set(login, session)
  await persist(signal, log, 'the homeserver', async () => {
    await registerBot(kit, options.registration.sender_localpart)
    await kit.encryption.start()
  })
  if (signal.aborted) return
  feeds.statuses = createStatusShower(kit)
  const queued = () => {
    feeds.outbox?.wake(releaseAwoken(kit))
    feeds.statuses?.wake()
    feeds.chores?.wake()
    // What waited for a message goes on when the message is known.
    feeds.inbox?.wake()
    feeds.late?.wake()
  }
  feeds.chores = createChores(kit, kit.rooms)
  feeds.outbox = createOutbox(kit, queued)
  feeds.events = createMatrixEvents(kit, queued, {
    apply: (seq, event) => applyManagementEvent(kit, seq, event),
    expire: (seq, event) => expireManagementEvent(kit, seq, event),
    failed: (room, event) => failManagementEvent(kit, room, event),
  })
  const reads = createReadTeller(kit)
  feeds.reads = reads
  const drained = (events: readonly MatrixEvent[]) => {
    feeds.events?.wake()
    for (const event of events) appservice.emit('event', event)
  }
  feeds.transactions = createTransactions(kit, drained, reads.wake)
  reads.wake()
  feeds.transactions.wake()
  if (kit.hub) await persist(signal, log, 'the hub', () => ensureHub(kit))
  if (signal.aborted) return
  await fillLanes(kit)
  if (signal.aborted) return
  feeds.inbox = createInbox(kit, queued)
  feeds.late = createLateFiles(kit, queued)
  feeds.watch = watchStates(kit, { told: () => feeds.chores?.wake(), connected: () => feeds.outbox?.wake(1) }, signal)
  for (const feed of [feeds.chores, feeds.events, feeds.outbox, feeds.inbox, feeds.late, feeds.statuses]) feed?.wake()
  tidy(kit, signal, feeds)
  log('info', 'at work', { network: kit.connector.info.network, accounts: kit.sessions.size })
}

async function connectLogin(kit: Kit, secrets: LoginSecrets | undefined): Promise<void> {
  if (!secrets) return
  const result = await login(kit, secrets)
  if (result.kind === 'retry' && loginOf(kit, secrets.account) === undefined) throw new Later(result.words, result.retryAfterMs)
  if (result.kind === 'refused') kit.log('error', 'the network refuses the account', { why: result.words })
}

async function registerBot(kit: Kit, localpart: string): Promise<void> {
  const title = `${kit.connector.info.title} bridge`
  await kit.matrix.registerBot(localpart)
  await kit.matrix.ensureUser(kit.matrix.botUserId, title)
}

/** Tries until it works, later each time; says once that it waits. */
async function persist(signal: AbortSignal, log: Log, what: string, attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      await attempt()
      if (tries > 0) log('info', `${what} is reached`)
      return
    } catch (error) {
      if (tries === 0) log('warn', `waiting for ${what}`, { why: reason(error) })
      const asked = error instanceof Later ? error.afterMs : error instanceof MatrixRequestError ? error.retryAfterMs : undefined
      await pause(Math.max(asked ?? 0, Math.min(100 * 2 ** tries, 5000)), signal)
    }
  }
}

function tidy(kit: Kit, signal: AbortSignal, feeds: Feeds): void {
  const { store, clock, log } = kit
  const old = {
    waiting: () => expireWaiting(store, clock() - waitingMs),
    malformed: () => forgetMalformed(kit),
    inbox: () => forgetInbox(store, clock() - rememberedMs),
    changes: () => forgetChanges(store, clock() - rememberedMs),
    orphans: () => forgetOrphans(store, clock() - ledgerMs),
    payloads: () => forgetPayloads(store, clock() - ledgerMs),
    transactions: () => forgetTransactions(store, clock() - ledgerMs),
    sends: () => forgetSends(store, clock() - ledgerMs),
    chores: () => forgetChores(store, clock() - ledgerMs),
  }
  runEach(kit, old)
  runEvery(kit, tidyMs, old, signal)
  const due = {
    windows: () => void tellWindows(kit).catch((error: unknown) => log('debug', 'a window could not be told', { why: reason(error) })),
    kept: () => expireKept(kit) && feeds.statuses?.wake(),
    paced: () => tellPaced(kit) && feeds.chores?.wake(),
    corrections: () => releaseDue(store, clock()) > 0 && feeds.inbox?.wake(),
  }
  runEvery(kit, windowMs, due, signal)
}
