import type { ServerName } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { errorFields } from '../http/log.ts'
import type { Answer, Failure } from '../remote/egress.ts'
import type { Tools } from '../slice.ts'
import { type Write, write } from '../storage/database.ts'
import type { Lease } from '../storage/lease.ts'
import { insertDestination, selectSentAt } from './destinations.store.ts'
import { putTransaction, readNext } from './next-transaction.ts'
import { isRefusal, isTaken, sendInParts } from './parts.ts'
import type { PduTexts } from './pdu-texts.ts'
import { deleteFailure, type FailureRow, selectBody, upsertFailure } from './queue.store.ts'
import type { Slots } from './slots.ts'
import { most, mostWaitMs, transactionText, waitAfter } from './transaction-text.ts'

/** What is on its way: the same bytes at every try. After one that failed they are read from the disk again. `position` is that of its last event. */
export type Transaction = { readonly id: string; readonly text?: string | undefined; readonly position: number | undefined }

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

const patienceMs = 60_000
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
    kick,
    // Where the clock was set back meanwhile, the wait is as long as it was meant to be.
    failed: ({ failures, since, tried_at: triedAt, retry_at: retryAt }) =>
      Object.assign(state, { failures, since, retryAt: Math.min(retryAt, needs.home.clock.now() + retryAt - triedAt) }),
    alive: () => {
      state.seenAt = needs.home.clock.now()
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
  const counts = { pdus: 0, failures: 0, since: 0, retryAt: 0, triedAt: 0 }
  return { destination, isBusy: false, isWaiting: false, ...counts, seenAt: undefined, wake: undefined, running: Promise.resolve() }
}

async function run(needs: LaneNeeds, state: State, first: Transaction | undefined): Promise<void> {
  const { signal } = needs.lease
  for (let transaction = first ?? (await next(needs, state)); transaction !== undefined; transaction = await next(needs, state)) {
    let isTaken = await attempt(needs, state, transaction)
    while (!signal.aborted && !isTaken) isTaken = await attempt(needs, state, { ...transaction, text: undefined })
    if (signal.aborted) return
    needs.done(state.destination, transaction)
  }
}

/** Puts the next transaction on the disk in the place of the one before; undefined when nothing waits. */
async function next(needs: LaneNeeds, state: State): Promise<Transaction | undefined> {
  const { home, lease } = needs
  const { destination } = state
  while (state.isWaiting && !lease.signal.aborted) {
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

/** One try, after the wait that the last failure asks for; whether the destination has taken it. */
async function attempt(needs: LaneNeeds, state: State, { id, text }: Transaction): Promise<boolean> {
  const { home, lease } = needs
  const { destination } = state
  if (!(await waitForTurn(needs, state))) return false
  const slots = state.failures === 0 ? needs.live : needs.probes
  const answer = await slots.run(async () => {
    const contentText = text ?? (await readText(needs, destination, id))
    state.triedAt = home.clock.now()
    const whole = await post(needs, destination, id, contentText)
    return isRefusal(whole) ? postInParts(needs, destination, { id, text: contentText, answer: whole }) : whole
  })
  if (isTaken(answer)) {
    state.seenAt = home.clock.now()
    if (state.failures > 0) await recovered(needs, state)
    return true
  }
  if (!lease.signal.aborted) await failed(needs, state, answer)
  return false
}

async function post(needs: LaneNeeds, destination: ServerName, id: string, contentText: string): Promise<Answer<JsonObject> | Failure> {
  const { home, lease } = needs
  const uri = `/_matrix/federation/v1/send/${id}`
  const answer = await home.peers.fetchJson({ destination, method: 'PUT', uri, contentText, timeoutMs: patienceMs, signal: lease.signal })
  if (answer.ok && isTaken(answer)) noteRefused(needs, destination, answer.body)
  return answer
}

function postInParts(
  needs: LaneNeeds,
  destination: ServerName,
  refused: { readonly id: string; readonly text: string; readonly answer: Answer<JsonObject> | Failure },
): Promise<Answer<JsonObject> | Failure> {
  const { log, serverName: origin } = needs.home
  return sendInParts(
    {
      post: (id, text) => post(needs, destination, id, text),
      leaveOut: (list, { type, edu_type, room_id }) =>
        log.warn('a server will not take this: it is left out', {
          destination,
          list,
          type: String(type ?? edu_type),
          room: String(room_id),
        }),
    },
    { origin, ...refused },
  )
}

async function readText({ home }: LaneNeeds, destination: ServerName, id: string): Promise<string> {
  const row = await home.database.selectOne(selectBody, destination, id)
  if (row === undefined) throw new Error('another process has sent this transaction')
  return Buffer.from(row.body).toString()
}

/** False when it has to be looked again. */
async function waitForTurn({ home, lease }: LaneNeeds, state: State): Promise<boolean> {
  const wait = Math.min(state.retryAt - home.clock.now(), mostWaitMs)
  if (state.failures === 0 || wait <= 0) return true
  const wake = new AbortController()
  state.wake = wake
  await home.clock.sleep(wait, AbortSignal.any([wake.signal, lease.signal]))
  state.wake = undefined
  if (!wake.signal.aborted) state.retryAt = 0
  return false
}

async function failed(needs: LaneNeeds, state: State, answer: Answer<JsonObject> | Failure): Promise<void> {
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
  await commit(needs, [failure, write(insertDestination, destination)])
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

function noteRefused({ home }: LaneNeeds, destination: ServerName, { pdus }: JsonObject): void {
  for (const [eventId, result] of Object.entries(isJsonObject(pdus) ? pdus : {}).slice(0, most.pdus)) {
    const error = isJsonObject(result) ? result['error'] : undefined
    if (typeof error !== 'string') continue
    home.log.info('a server did not take an event', { destination, eventId: eventId.slice(0, 255), reason: error.slice(0, 200) })
  }
}

async function commit({ home, lease }: LaneNeeds, writes: readonly Write[]): Promise<void> {
  const outcome = await home.database.commit({ guards: [lease.guard], writes })
  if (!outcome.ok) throw new Error('another process sends to other servers')
}
