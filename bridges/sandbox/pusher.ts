import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { type Network, networks, type SandboxAccounts } from './accounts.ts'
import type { SandboxClock } from './clock.ts'
import { encodeEnvelope, type Happening, signatureHeaders } from './envelope.ts'

export interface Subscription {
  url: string
  appSecret: string
}

/** How webhooks of one network travel. */
export interface DeliveryMode {
  /** How often each body is posted again after it was accepted. */
  extraCopies: number
  /** The newest waiting happening goes first. */
  reversed: boolean
  /** At most so many happenings in one body. */
  batch: number
  /** Nothing leaves until this is false again. */
  held: boolean
  /** So long each body waits before it leaves (in the machine's time). */
  delayMs: number
  /** So many of the next bodies are lost. */
  dropNext: number
  /** So many of the next bodies are signed with a wrong secret, posted once and then lost. */
  forgeNext: number
  /** What a call to the API sets off is delivered before the call is answered: the order that bridges trip over. */
  early: boolean
}

export interface PushStats {
  waiting: number
  posts: number
  accepted: number
  /** Forged bodies that were answered with 200 all the same. */
  forgedAccepted: number
}

interface Line {
  subscription?: Subscription
  mode: DeliveryMode
  waiting: { happening: Happening; since: number }[]
  stats: { posts: number; accepted: number; forgedAccepted: number }
  running?: Promise<void>
}

export interface Pusher {
  subscribe(network: Network, subscription: Subscription): void
  /** Queues a happening; without a subscription it is lost, as with Meta. */
  push(network: Network, happening: Happening): void
  configure(network: Network, mode: Partial<DeliveryMode>): void
  mode(network: Network): Readonly<DeliveryMode>
  stats(network: Network): PushStats
  /** Resolves when nothing waits that may leave. */
  settle(network: Network): Promise<void>
  close(): Promise<void>
}

export interface PusherOptions {
  accounts: SandboxAccounts
  clock: SandboxClock
  timeoutMs?: number
  firstRetryMs?: number
  longestRetryMs?: number
}

const giveUpAfterMs = 7 * 24 * 3_600_000

/** Posts webhooks, one line a network: each body until it is answered with 200, backing off in between, given up after seven days of the sandbox's clock. */
export function createPusher(options: PusherOptions): Pusher {
  const { accounts, clock } = options
  const closing = new AbortController()
  const poster = createPoster(options, closing.signal)
  const lines = new Map<Network, Line>(networks.map((network) => [network, createLine()]))

  const deliver = async (line: Line, body: Buffer, since: number): Promise<void> => {
    const { mode } = line
    if (mode.delayMs > 0) await sleep(mode.delayMs, undefined, { signal: closing.signal }).catch(() => undefined)
    if (mode.dropNext > 0) mode.dropNext--
    else if (mode.forgeNext > 0) {
      mode.forgeNext--
      await poster.postForged(line, body)
    } else for (let copy = 0; copy <= mode.extraCopies; copy++) await poster.postUntilAccepted(line, body, since)
  }

  const drain = async (network: Network, line: Line): Promise<void> => {
    while (line.waiting.length > 0 && !line.mode.held && !closing.signal.aborted) {
      const taken = line.mode.reversed ? line.waiting.slice(-line.mode.batch).reverse() : line.waiting.slice(0, line.mode.batch)
      const happenings = taken.map(({ happening }) => happening)
      const body = encodeEnvelope(accounts[network], happenings, clock.now())
      await deliver(line, body, taken[0]!.since)
      line.waiting = line.waiting.filter((one) => !taken.includes(one))
    }
  }

  const wake = (network: Network): void => {
    const line = lines.get(network)!
    line.running ??= drain(network, line).finally(() => {
      delete line.running
      if (line.waiting.length > 0 && !line.mode.held && !closing.signal.aborted) wake(network)
    })
  }

  return {
    subscribe: (network, subscription) => void Object.assign(lines.get(network)!, { subscription }),
    push(network, happening) {
      const line = lines.get(network)!
      if (!line.subscription) return
      line.waiting.push({ happening, since: clock.now() })
      wake(network)
    },
    configure(network, mode) {
      Object.assign(lines.get(network)!.mode, mode)
      wake(network)
    },
    mode: (network) => lines.get(network)!.mode,
    stats: (network) => ({ waiting: lines.get(network)!.waiting.length, ...lines.get(network)!.stats }),
    async settle(network) {
      for (let line = lines.get(network)!; line.running; ) await line.running
    },
    async close() {
      closing.abort()
      await Promise.all([...lines.values()].map((line) => line.running))
      await poster.close()
    },
  }
}

/** Posts one body of a line until it is accepted, given up, or the sandbox closes. */
function createPoster(options: PusherOptions, closing: AbortSignal) {
  const { clock, timeoutMs = 5_000, firstRetryMs = 50, longestRetryMs = 2_000 } = options
  const dispatcher = new Agent({ allowH2: false })
  const post = async (line: Line, body: Buffer, appSecret = line.subscription!.appSecret): Promise<boolean> => {
    const { url } = line.subscription!
    line.stats.posts++
    try {
      const signal = AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)])
      const headers = { 'content-type': 'application/json', 'user-agent': 'facebookexternalua', ...signatureHeaders(body, appSecret) }
      const reply = await request(url, { method: 'POST', body, headers, dispatcher, signal })
      await reply.body.dump()
      return reply.statusCode === 200
    } catch {
      return false
    }
  }
  return {
    async postForged(line: Line, body: Buffer): Promise<void> {
      if (await post(line, body, `not ${line.subscription!.appSecret}`)) line.stats.forgedAccepted++
    },
    async postUntilAccepted(line: Line, body: Buffer, since: number): Promise<void> {
      for (
        let waitMs = firstRetryMs;
        !closing.aborted && clock.now() - since < giveUpAfterMs;
        waitMs = Math.min(waitMs * 2, longestRetryMs)
      ) {
        if (await post(line, body)) {
          line.stats.accepted++
          return
        }
        await sleep(waitMs, undefined, { signal: closing }).catch(() => undefined)
      }
    },
    close: () => dispatcher.destroy(),
  }
}

function createLine(): Line {
  const mode = { extraCopies: 0, reversed: false, batch: 1, held: false, delayMs: 0, dropNext: 0, forgeNext: 0, early: false }
  return { mode, waiting: [], stats: { posts: 0, accepted: 0, forgedAccepted: 0 } }
}
