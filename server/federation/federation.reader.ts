import { canonicalJson } from '../core/canonical-json.ts'
import type { ServerName } from '../core/ids.ts'
import type { Json } from '../core/json.ts'
import { errorFields } from '../http/log.ts'
import type { Broadcast, Reader, Tools } from '../slice.ts'
import { type Logged, write } from '../storage/database.ts'
import { type Lease, type LeaseTiming, takeLease } from '../storage/lease.ts'
import { addressedEvents } from './destinations.ts'
import { createInsist, type Insist } from './insist.ts'
import { type Items, type Outbox, openOutbox } from './outbox.ts'
import { createPduTexts, type PduTexts } from './pdu-texts.ts'
import { insertReader, leaseRows, selectReader, updatePosition } from './queue.store.ts'
import { ofUseFor } from './stale-edus.ts'

export type FederationReader = Reader & {
  /** A server was heard from: what waits because it was not there goes now. */
  readonly heardFrom: (server: ServerName) => void
}

type Needs = Tools & {
  readonly broadcasts: () => readonly Broadcast[]
  /** Takes in what was sent to processes that have ended. */
  readonly takeLeftOver: (isStart: boolean, stop: AbortSignal) => Promise<void>
  readonly timing: LeaseTiming | undefined
}

type Serving = Omit<Needs, 'broadcasts'> & {
  readonly broadcasts: readonly Broadcast[]
  readonly lease: Lease
  readonly outbox: Outbox
  readonly texts: PduTexts
  position: number
  /** The position on the disk. */
  stored: number
  readonly insist: Insist
}

const name = 'federation'
const page = 1000
const mostUnstored = 1000
const nap = 60_000
const heardKind = 'server_heard'
/** The rows that say that a failing destination is to be tried at once. The key is its name. */
export const resetKind = 'server_reset'
const heardEveryMs = 10_000
const mostHeard = 10_000

/**
 * Tells other servers what concerns them. One process does it at a time; what is to be told is on the disk together with how far was looked, so that an
 * end or a crash loses nothing.
 */
export function federationReader(needs: Needs): FederationReader {
  const { home } = needs
  const stopping = new AbortController()
  const heard = new Map<ServerName, number>()
  /** Heard from before it was known what waits for whom. */
  const early = new Set<ServerName>()
  let outbox: Outbox | undefined
  let loop: Promise<void> = Promise.resolve()

  /** Where another process sends, it reads this from the log. */
  function pass(server: ServerName): void {
    const now = home.clock.now()
    if (!home.database.shared || Math.abs(now - (heard.get(server) ?? 0)) < heardEveryMs) return
    if (heard.size >= mostHeard) heard.clear()
    heard.set(server, now)
    home.database
      .commit({ writes: [], log: [{ kind: heardKind, key: server }] })
      .catch((error) => home.log.warn('a server that was heard from was not told on', errorFields(error)))
  }

  return {
    name,
    heardFrom: (server) => {
      if (outbox !== undefined) return outbox.alive(server)
      if (early.size < mostHeard) early.add(server)
      pass(server)
    },
    start: async () => {
      const { gauge } = home.metrics
      gauge('tombolo_federation_failing_destinations', 'Servers that did not take what they were sent last.', () => outbox?.failing() ?? 0)
      await home.database.commit({ writes: [write(insertReader, name, home.notifier.position())] })
      loop = run(needs, stopping.signal, (opened) => {
        outbox = opened
        for (const server of opened === undefined ? [] : early) opened?.alive(server)
        early.clear()
      })
    },
    stop: async () => {
      stopping.abort()
      await loop
    },
  }
}

async function run(needs: Needs, stop: AbortSignal, opened: (outbox: Outbox | undefined) => void): Promise<void> {
  const { home } = needs
  while (!stop.aborted) {
    let lease: Lease | undefined
    try {
      lease = await takeLease(home, { name, rows: leaseRows }, stop, needs.timing)
      if (lease !== undefined) await serve(needs, lease, opened)
    } catch (error) {
      home.log.error('telling other servers failed', errorFields(error))
      await home.clock.sleep(1000, stop)
    } finally {
      opened(undefined)
      await lease?.release().catch((error) => home.log.warn('a lease was not given back', errorFields(error)))
    }
  }
}

async function serve(needs: Needs, held: Lease, opened: (outbox: Outbox | undefined) => void): Promise<void> {
  const { home } = needs
  const failing = new AbortController()
  let failure: unknown
  const lease = { ...held, signal: AbortSignal.any([held.signal, failing.signal]) }
  const fail = (error: unknown) => {
    failure ??= error
    failing.abort()
  }
  const position = (await home.database.selectOne(selectReader, name))?.position ?? home.notifier.position()
  const texts = createPduTexts()
  const outbox = await openOutbox({ ...needs, lease, texts, fail })
  opened(outbox)
  const leftOver = lookForLeftOver(needs, lease)
  const serving: Serving = {
    ...needs,
    broadcasts: needs.broadcasts(),
    lease,
    outbox,
    texts,
    position,
    stored: position,
    insist: createInsist(needs),
  }
  try {
    while (!lease.signal.aborted) {
      if (home.notifier.position() > serving.position) await advance(serving)
      else await home.notifier.reached(serving.position + 1, nap, lease.signal)
    }
  } finally {
    failing.abort()
    await Promise.all([outbox.ended(), leftOver])
  }
  if (failure !== undefined) throw failure
  if (!lease.lost.aborted && serving.position > serving.stored) await store(serving, serving.position, undefined)
}

/** At once, and again and again: other processes may end. */
async function lookForLeftOver({ home, takeLeftOver }: Needs, { signal }: Lease): Promise<void> {
  for (let isStart = true; !signal.aborted; isStart = false) {
    await takeLeftOver(isStart, signal).catch((error) => home.log.error('what was left over was not taken in', errorFields(error)))
    await home.clock.sleep(nap, signal)
  }
}

/** Takes the next rows of the log: what they tell other servers is put on the disk, then sent. */
async function advance(serving: Serving): Promise<void> {
  const { home, outbox } = serving
  const head = home.notifier.position()
  const rows = await home.notifier.rows(serving.position, head, page)
  const upTo = rows.length < page ? head : (rows.at(-1)?.position ?? head)
  for (const { kind, key } of rows) {
    if (kind === heardKind) outbox.alive(key)
    else if (kind === resetKind) outbox.reset(key)
  }
  const items = await gather(serving, rows, upTo)
  if (items.size > 0) await store(serving, upTo, items)
  else if (upTo - serving.stored >= mostUnstored) await store(serving, upTo, undefined)
  serving.position = upTo
}

async function store(serving: Serving, position: number, items: ReadonlyMap<ServerName, Items> | undefined): Promise<void> {
  const { home, lease, outbox } = serving
  const put = items === undefined ? undefined : outbox.put(position, items)
  const writes = [write(updatePosition, position, name), ...(put?.writes ?? [])]
  const outcome = await home.database.commit({ guards: [lease.guard], writes })
  if (!outcome.ok) throw new Error('another process tells other servers')
  serving.stored = position
  put?.committed(outcome.rows ?? [])
}

async function gather(serving: Serving, rows: readonly Logged[], upTo: number): Promise<ReadonlyMap<ServerName, Items>> {
  const items = new Map<ServerName, Items>()
  const itemsOf = (server: ServerName): Items => {
    const known = items.get(server) ?? { pdus: [], edus: [] }
    items.set(server, known)
    return known
  }
  for (const { event, servers } of await addressedEvents(serving, rows, upTo))
    for (const server of servers) itemsOf(server).pdus.push(event)
  for (const broadcast of serving.broadcasts) {
    const those = rows.filter(({ kind }) => broadcast.kinds.includes(kind))
    const told = those.length === 0 ? [] : await serving.insist(broadcast.kinds.join(), () => broadcast.between(those))
    for (const { edu, servers, key, gapIsSeen = false } of told ?? []) {
      const item = { text: canonicalJson(edu as unknown as Json, false), key, gapIsSeen, waits: ofUseFor(edu.edu_type) }
      for (const server of servers) if (server !== serving.home.serverName) itemsOf(server).edus.push(item)
    }
  }
  return items
}
