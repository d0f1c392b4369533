import type { ServerName } from '../core/ids.ts'
import { errorFields } from '../http/log.ts'
import type { Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import type { Lease } from '../storage/lease.ts'
import { type Answered, attempt, commit, type Transaction } from './attempt.ts'
import { insertDestination, selectSentAt } from './destinations.store.ts'
import { noteDropped } from './dropped.ts'
import { putTransaction, readNext } from './next-transaction.ts'
import { isTaken } from './parts.ts'
import type { PduTexts } from './pdu-texts.ts'
import { deleteFailure, deleteStaleEdus, type FailureRow, upsertFailure } from './queue.store.ts'
import type { Slots } from './slots.ts'
import { mostWaitMs, transactionText, waitAfter } from './transaction-text.ts'

/** What one server is told: one transaction after the other. */
export type Lane = {
  readonly destination: ServerName
  /** Nothing is on its way and nothing waits: what comes may go at once. */
  readonly isFree: () => boolean
  readonly isFailing: () => boolean
  /** For how long it has not taken what it is sent; undefined while it does. */
  readonly awayFor: () => number | undefined
  /** From now on it is not free: `send` follows. */
  readonly claim: () => void
  readonly send: (transaction: Transaction) => void
  /** So many more events wait on the disk, or something else does. */
  readonly waits: (pdus: number) => void
  readonly waiting: () => number
  readonly collapsed: () => void
  /** So many more messages to devices wait on the disk; how many since they were counted there last. */
  readonly keeps: (messages: number) => number
  readonly counted: () => void
  /** Begins with what waits, if it does not run. */
  readonly kick: () => void
  readonly failed: (row: FailureRow) => void
  /** The destination is there: a wait after a failure ends. */
  readonly alive: () => void
  /** It is tried at once, as after a first failure. */
  readonly reset: () => void
  readonly ended: () => Promise<void>
}

export type LaneNeeds = Pick<Tools, 'home' | 'graph'> & {
  readonly lease: Lease
  readonly texts: PduTexts
  readonly live: Slots
  readonly probes: Slots
  /** A transaction was taken. */
  readonly done: (destination: ServerName, transaction: Transaction) => void
  /** Sending cannot go on: it begins anew from the disk. */
  readonly fail: (error: unknown) => void
}

type State = {
  readonly destination: ServerName
  isBusy: boolean
  /** Something waits on the disk. */
  isWaiting: boolean
  pdus: number
  messages: number
  failures: number
  since: number
  retryAt: number
  triedAt: number
  /** When it took something last, or was heard from; undefined before that is known. */
  seenAt: number | undefined
  /** Ends the wait after a failure. */
  wake: AbortController | undefined
  running: Promise<void>
}

const readAgainMs = 1000
/** A server that asks us, and cannot be asked itself, is not tried with every question. */
const leastWaitMs = 2_000
/** One that was not there for longer before it failed is not expected back. */
const missedForMs = 7 * 24 * 3_600_000

export function createLane(needs: LaneNeeds, destination: ServerName): Lane {
  const state = idle(destination)

  function start(first: Transaction | undefined): void {
    state.isBusy = true
    state.running = run(needs, state, first)
      .catch((error) => needs.fail(error))
      .finally(() => {
        state.isBusy = false
        kick()
      })
  }
  function kick(): void {
    if (!state.isBusy && state.isWaiting && !needs.lease.signal.aborted) start(undefined)
  }

  return {
    destination,
    isFree: () => !state.isBusy && !state.isWaiting && state.failures === 0,
    isFailing: () => state.failures > 0,
    awayFor: () => (state.failures > 0 ? Math.max(0, needs.home.clock.now() - state.since) : undefined),
    claim: () => {
      state.isBusy = true
    },
    send: (transaction) => {
      if (!needs.lease.signal.aborted) start(transaction)
    },
    waits: (pdus) => {
      state.isWaiting = true
      state.pdus += pdus
    },
    waiting: () => state.pdus,
    collapsed: () => {
      state.pdus = 0
    },
    keeps: (messages) => {
      state.messages += messages
      return messages === 0 ? 0 : state.messages
    },
    counted: () => {
      state.messages = 0
    },
    kick,
    // Where the clock was set back meanwhile, the wait is as long as it was meant to be.
    failed: ({ failures, since, tried_at: triedAt, retry_at: retryAt }) =>
      Object.assign(state, { failures, since, retryAt: Math.min(retryAt, needs.home.clock.now() + retryAt - triedAt) }),
    alive: () => {
      state.seenAt = timeFor(state, needs.home.clock.now())
      const soonest = state.triedAt + leastWaitMs
      if (state.failures === 0 || (state.retryAt <= soonest && needs.home.clock.now() < state.retryAt)) return
      state.retryAt = Math.min(state.retryAt, soonest)
      state.wake?.abort()
    },
    reset: () => {
      Object.assign(state, { failures: Math.min(state.failures, 1), retryAt: 0 })
      state.wake?.abort()
    },
    ended: () => state.running,
  }
}

function idle(destination: ServerName): State {
  const counts = { pdus: 0, messages: Number.POSITIVE_INFINITY, failures: 0, since: 0, retryAt: 0, triedAt: 0 }
  return { destination, isBusy: false, isWaiting: false, ...counts, seenAt: undefined, wake: undefined, running: Promise.resolve() }
}

async function run(needs: LaneNeeds, state: State, first: Transaction | undefined): Promise<void> {
  for (let transaction = first ?? (await next(needs, state)); transaction !== undefined; transaction = await next(needs, state)) {
    const taken = await insist(needs, state, transaction)
    if (taken === undefined) return
    needs.done(state.destination, taken)
  }
}

/** Sends it until it is taken; undefined when it is no longer for this process to send. */
async function insist(needs: LaneNeeds, state: State, transaction: Transaction): Promise<Transaction | undefined> {
  let current = transaction
  let isTaken = false
  while (!isTaken) {
    await untilTurn(needs, state)
    if (needs.lease.signal.aborted) return undefined
    const slots = state.failures === 0 ? needs.live : needs.probes
    const { sent, answer } = await slots.run(() => {
      state.triedAt = needs.home.clock.now()
      return attempt(needs, state.destination, current)
    })
    current = sent
    isTaken = await settle(needs, state, answer)
  }
  return needs.lease.signal.aborted ? undefined : current
}

/** Puts the next transaction on the disk in the place of the one before; undefined when nothing waits. */
async function next(needs: LaneNeeds, state: State): Promise<Transaction | undefined> {
  const { home, lease } = needs
  const { destination } = state
  while (state.isWaiting) {
    // What waits meanwhile is sent with it, and what is of no use by then is not.
    await untilTurn(needs, state)
    if (lease.signal.aborted) break
    state.isWaiting = false
    const found = await readNext(needs, destination).catch((error: unknown) => {
      home.log.error('what waits for a server could not be read', { destination, ...errorFields(error) })
    })
    if (found === undefined) {
      // It is this server's alone: what can be read for others goes on.
      state.isWaiting = true
      await home.clock.sleep(readAgainMs, lease.signal)
      continue
    }
    const { contents, about, taken, isAll } = found
    if (!isAll) state.isWaiting = true
    state.pdus = Math.max(0, state.pdus - contents.pdus.length)
    if (taken.length === 0) continue
    const isEmpty = contents.pdus.length === 0 && contents.edus.length === 0
    const id = home.random(12).toString('base64url')
    const text = transactionText(home.serverName, home.clock.now(), contents)
    await commit(needs, isEmpty ? taken : [...taken, putTransaction(destination, id, Buffer.from(text), about)])
    if (!isEmpty) return { id, text, position: about.position }
  }
  return undefined
}

/** Notes how a try ended; whether it was taken. */
async function settle(needs: LaneNeeds, state: State, answer: Answered): Promise<boolean> {
  if (isTaken(answer)) {
    state.seenAt = needs.home.clock.now()
    if (state.failures > 0) await recovered(needs, state)
    return true
  }
  if (!needs.lease.signal.aborted) await failed(needs, state, answer)
  return false
}

/** The time. Where the clock was set back since the last try, the wait after that is as long as it was meant to be. */
function timeFor(state: State, now: number): number {
  const by = state.triedAt - now
  if (by > 0) Object.assign(state, { triedAt: now, retryAt: state.retryAt - by })
  return now
}

/** Waits as long as the last failure asks for. */
async function untilTurn({ home, lease }: LaneNeeds, state: State): Promise<void> {
  while (state.failures > 0 && !lease.signal.aborted) {
    const now = timeFor(state, home.clock.now())
    const wait = Math.min(state.retryAt - now, mostWaitMs)
    if (wait <= 0) return
    const wake = new AbortController()
    state.wake = wake
    await home.clock.sleep(wait, AbortSignal.any([wake.signal, lease.signal]))
    state.wake = undefined
    if (!wake.signal.aborted) state.retryAt = 0
  }
}

async function failed(needs: LaneNeeds, state: State, answer: Answered): Promise<void> {
  const { home } = needs
  const { destination } = state
  const words = answer.ok ? `it answered ${answer.status}` : answer.words
  const now = home.clock.now()
  state.failures++
  if (state.failures === 1) state.since = now
  const isMissed = !answer.ok && answer.reason === 'unreachable' && state.since - (await seenAt(needs, state)) < missedForMs
  const wait = waitAfter({ failures: state.failures, forMs: now - state.since, isMissed }, home.random(1).readUInt8() / 256)
  state.retryAt = now + wait
  const fields = { destination, reason: words, failures: state.failures, seconds: Math.round(wait / 1000) }
  home.log.info('a server did not take a transaction', fields)
  const failure = write(upsertFailure, destination, state.failures, state.since, now, state.retryAt, words)
  noteDropped(home, await commit(needs, [failure, write(insertDestination, destination), write(deleteStaleEdus, destination, now)]))
}

/** 0 for one that never was there. */
async function seenAt({ home }: LaneNeeds, state: State): Promise<number> {
  state.seenAt ??= (await home.database.selectOne(selectSentAt, state.destination))?.sent_at ?? 0
  return state.seenAt
}

async function recovered(needs: LaneNeeds, state: State): Promise<void> {
  const { destination, failures } = state
  needs.home.log.info('a server takes transactions again', { destination, failures })
  state.failures = 0
  await commit(needs, [write(deleteFailure, destination)])
}
