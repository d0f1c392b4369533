import type { AppService } from '../http/endpoint.ts'
import { errorFields } from '../http/log.ts'
import type { Section, Tools } from '../slice.ts'
import { type Write, write } from '../storage/database.ts'
import type { Lease, LeaseTiming } from '../storage/lease.ts'
import { deleteTransaction, insertReader, insertTransaction, selectReader, selectTransaction, updatePosition } from './appservice.store.ts'
import { type Bell, createBell } from './bell.ts'
import { type Gathered, gather } from './gather.ts'
import type { Interests } from './interests.ts'
import { createLagClock, type LagClock } from './lag.ts'
import { takeLease } from './lease.ts'
import { type SendTransaction, transactionSender } from './send.ts'
import { waitAfter } from './transaction.ts'

/** What tells one service everything, in order and once: a loop that follows the log with a position of its own. */
export type Delivery = {
  readonly service: AppService
  /** The position has moved from `before`; `isConcerned`: there may be something for this service. */
  readonly moved: (before: number, position: number, isConcerned: boolean) => void
  /** The service is alive: a wait after a failure ends. `afterDown`: only if it could not be reached at all. */
  readonly retry: (afterDown?: boolean) => void
  /** How many positions it is behind, as far as this process is the one that sends. */
  readonly lag: () => number
  /** Milliseconds for which the first of what it was not told has been there. */
  readonly late: () => number
  /** Milliseconds since the transaction on its way was first tried. */
  readonly waiting: () => number
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

type Needs = Tools & { readonly interests: Interests; readonly sections: readonly Section[]; readonly timing?: LeaseTiming | undefined }

/** A transaction that is on the disk. */
type Pending = { readonly id: string; readonly upTo: number; readonly body: Uint8Array }

/** Where a delivery stands. */
type State = {
  position: number
  /** The position on the disk. */
  stored: number
  /** Everything up to the position was looked at, and nothing is on its way. */
  isIdle: boolean
  isHolder: boolean
  pending: { readonly since: number } | undefined
  /** When it was last said that the service is far behind. */
  alarmedAt: number | undefined
  /** Ends the wait after a failure. */
  wait: { readonly end: AbortController; readonly isDown: boolean } | undefined
}

type Running = Needs & {
  readonly service: AppService
  readonly state: State
  readonly bell: Bell
  readonly lagClock: LagClock
  readonly send: SendTransaction
  readonly sent: () => void
}

const mostUnstored = 1000
const grace = 2000
/** With the longest wait and the longest answer between two tries, an alarm comes within five minutes. */
const alarmingMs = 150_000
const alarmAgainMs = 3_600_000

/** A delivery for a service that has a URL. */
export function createDelivery(needs: Needs, service: AppService): Delivery {
  const { home } = needs
  const state: State = { position: 0, stored: 0, isIdle: false, isHolder: false, pending: undefined, alarmedAt: undefined, wait: undefined }
  const labels = { service_id: service.id }
  const sent = home.metrics.counter(
    'tombolo_appservice_transactions_sent_total',
    'Transactions that an application service has taken.',
    labels,
  )
  const bell = createBell()
  const lagClock = createLagClock()
  const stopping = new AbortController()
  const aborting = new AbortController()
  const running: Running = {
    ...needs,
    service,
    state,
    bell,
    lagClock,
    send: transactionSender(home.egress, service),
    sent: () => sent.add(),
  }
  let loop: Promise<void> = Promise.resolve()

  return {
    service,
    moved: (before, position, isConcerned) => {
      if (state.isIdle && state.position >= before && !isConcerned && position - state.stored < mostUnstored) state.position = position
      else {
        lagClock.moved(position, home.clock.now())
        bell.ring()
      }
    },
    retry: (afterDown = false) => {
      if (state.wait !== undefined && (!afterDown || state.wait.isDown)) state.wait.end.abort()
    },
    lag: () => (state.isHolder ? home.notifier.position() - state.position : 0),
    late: () => (state.isHolder ? lagClock.since(state.position, home.clock.now()) : 0),
    waiting: () => (state.pending === undefined ? 0 : home.clock.now() - state.pending.since),
    start: async () => {
      await home.database.commit({ writes: [write(insertReader, service.id, home.notifier.position())] })
      loop = run(running, stopping.signal, aborting.signal)
    },
    stop: async () => {
      stopping.abort()
      const patience = setTimeout(() => aborting.abort(), grace)
      await loop
      clearTimeout(patience)
    },
  }
}

async function run(running: Running, stop: AbortSignal, abort: AbortSignal): Promise<void> {
  const { home, service, state } = running
  while (!stop.aborted) {
    let lease: Lease | undefined
    try {
      lease = await takeLease(home, service.id, stop, running.timing)
      if (lease !== undefined) await serve(running, lease, abort)
    } catch (error) {
      home.log.error('telling an application service failed', { serviceId: service.id, ...errorFields(error) })
      await home.clock.sleep(1000, stop)
    } finally {
      const { position, stored, isHolder } = state
      Object.assign(state, { isIdle: false, isHolder: false, pending: undefined })
      const last = isHolder && position > stored ? [write(updatePosition, position, service.id)] : []
      await lease
        ?.release(last)
        .catch((error) => home.log.warn('a lease was not given back', { serviceId: service.id, ...errorFields(error) }))
    }
  }
}

/** Tells the service whatever comes, as long as the lease holds. */
async function serve(running: Running, lease: Lease, abort: AbortSignal): Promise<void> {
  const { home, service, state, bell } = running
  const row = await home.database.selectOne(selectReader, service.id)
  const left = await home.database.selectOne(selectTransaction, service.id)
  let pending: Pending | undefined = left && { id: left.transaction_id, upTo: left.position, body: left.body }
  state.position = state.stored = row?.position ?? home.notifier.position()
  state.isHolder = true
  running.lagClock.moved(home.notifier.position(), home.clock.now())
  while (!lease.signal.aborted) {
    pending ??= await next(running, lease)
    if (pending === undefined) {
      state.isIdle = state.position === home.notifier.position()
      if (state.isIdle) await bell.rung(lease.signal)
      state.isIdle = false
      continue
    }
    state.pending = { since: home.clock.now() }
    if (!(await deliver(running, pending, lease, abort))) return
    state.pending = undefined
    pending = await settle(running, pending, lease)
    alarm(running)
  }
}

/** Gathers what comes after the position and puts it on the disk; undefined when there is nothing to tell. */
async function next(running: Running, lease: Lease): Promise<Pending | undefined> {
  const { home, service, state } = running
  const head = home.notifier.position()
  if (head === state.position) return undefined
  return put(running, lease, await gather(running, service, state.position, head), [])
}

/** A transaction was taken: its end and the next one's beginning are one write. */
async function settle(running: Running, { upTo }: Pending, lease: Lease): Promise<Pending | undefined> {
  const { home, service, sections, state } = running
  const ending = write(deleteTransaction, service.id)
  running.sent()
  // What cannot be gathered does not keep the service from being done with this one.
  const gathered = await gather(running, service, upTo, home.notifier.position()).catch((error: unknown) => ({ error }))
  state.position = upTo
  if ('error' in gathered) {
    await commit(running, lease, [ending, write(updatePosition, upTo, service.id)], upTo)
    throw gathered.error
  }
  const following = await put(running, lease, gathered, [ending])
  for (const { acknowledge } of sections) await acknowledge?.({ kind: 'appservice', service }, upTo)
  return following
}

async function put(running: Running, lease: Lease, { upTo, text }: Gathered, writes: readonly Write[]): Promise<Pending | undefined> {
  const { home, service, state } = running
  if (text === undefined) {
    if (writes.length > 0 || upTo - state.stored >= mostUnstored) {
      await commit(running, lease, [...writes, write(updatePosition, upTo, service.id)], upTo)
    }
    state.position = upTo
    return undefined
  }
  const pending: Pending = { id: `${upTo}-${home.random(6).toString('base64url')}`, upTo, body: Buffer.from(text) }
  const insert = write(insertTransaction, service.id, pending.id, upTo, pending.body)
  await commit(running, lease, [...writes, write(updatePosition, state.position, service.id), insert], state.position)
  return pending
}

async function commit({ home, service, state }: Running, lease: Lease, writes: readonly Write[], position: number): Promise<void> {
  const outcome = await home.database.commit({ guards: [lease.guard], writes })
  if (!outcome.ok) throw new Error(`another process tells the application service ${service.id}`)
  state.stored = position
}

/** Sends a transaction until it is taken; false when the lease ended before that. */
async function deliver(running: Running, pending: Pending, lease: Lease, abort: AbortSignal): Promise<boolean> {
  const { home, service, state } = running
  // An orderly end waits a little for the answer; a lost lease does not.
  for (let failures = 0; !lease.signal.aborted; ) {
    const answer = await running.send(pending.id, pending.body, AbortSignal.any([lease.lost, abort]))
    if (answer.ok) {
      if (failures > 0) home.log.info('an application service takes transactions again', { serviceId: service.id, failures })
      return true
    }
    if (lease.signal.aborted) return false
    failures++
    alarm(running)
    const seconds = waitAfter(failures) / 1000
    home.log.warn('an application service did not take a transaction', { serviceId: service.id, reason: answer.words, failures, seconds })
    const end = new AbortController()
    state.wait = { end, isDown: answer.isDown }
    await home.clock.sleep(seconds * 1000, AbortSignal.any([end.signal, lease.signal]))
    state.wait = undefined
  }
  return false
}

/** Says loudly that a service is far behind, again every hour, and when it is not any more. */
function alarm({ home, service, state, lagClock }: Running): void {
  const now = home.clock.now()
  const late = lagClock.since(state.position, now)
  if (late < alarmingMs && state.alarmedAt !== undefined) {
    state.alarmedAt = undefined
    home.log.info('an application service is not far behind any more', { serviceId: service.id })
  }
  if (late < alarmingMs || now - (state.alarmedAt ?? Number.NEGATIVE_INFINITY) < alarmAgainMs) return
  state.alarmedAt = now
  const positions = home.notifier.position() - state.position
  home.log.error('an application service is far behind', { serviceId: service.id, seconds: Math.round(late / 1000), positions })
}
