import type { RoomId, UserId } from '../core/ids.ts'
import { errorFields } from '../http/log.ts'
import type { Reader, Tools } from '../slice.ts'
import { type Logged, type Write, write } from '../storage/database.ts'
import { type Lease, type LeaseTiming, takeLease } from '../storage/lease.ts'
import { gatherPushes, type Notified } from './gather-pushes.ts'
import { gatherInvites } from './outside-invites.ts'
import { createPushSender, type Gate, type PushSender, type Sending } from './push-sender.ts'
import { nameOf, type Pusher, pusherOf, setKind } from './pusher.ts'
import { insertPush, insertReader, leaseRows, selectAllPushers, selectPushers, selectReader, updatePosition } from './pushers.store.ts'

const name = 'push'
const page = 1000
const mostUnstored = 1000
const mostLooked = 10_000
const mostAtOnce = 32
const nap = 60_000

/** The pushers of this server by user, each with the sender that serves it. */
type Book = Map<UserId, Map<string, { readonly pusher: Pusher; readonly sender: PushSender }>>
/** `senders` stay when their pushers go: one that comes back is told by the same, so that nothing is told twice. */
type Serving = Sending & {
  readonly book: Book
  readonly senders: Map<string, PushSender>
  /** Where those were set that were set a moment ago: what was said before is not for them. */
  readonly setAt: Map<PushSender, number>
  position: number
  stored: number
}

/**
 * Pushes what notifies people to their gateways. One process does it at a time; what is to be told is on the disk together with how far was looked,
 * so that an end or a crash loses nothing.
 */
export function pushReader(tools: Tools, timing?: LeaseTiming): Reader {
  const stopping = new AbortController()
  let loop: Promise<void> = Promise.resolve()
  return {
    name: 'push',
    start: async () => {
      await tools.home.database.commit({ writes: [write(insertReader, name, tools.home.notifier.position())] })
      loop = run(tools, stopping.signal, timing)
    },
    stop: async () => {
      stopping.abort()
      await loop
    },
  }
}

async function run(tools: Tools, stop: AbortSignal, timing: LeaseTiming | undefined): Promise<void> {
  const { home } = tools
  while (!stop.aborted) {
    let lease: Lease | undefined
    try {
      lease = await takeLease(home, { name, rows: leaseRows }, stop, timing)
      if (lease !== undefined) await serve(tools, lease)
    } catch (error) {
      home.log.error('pushing notifications failed', errorFields(error))
      await home.clock.sleep(1000, stop)
    } finally {
      await lease?.release().catch((error) => home.log.warn('a lease was not given back', errorFields(error)))
    }
  }
}

async function serve(tools: Tools, lease: Lease): Promise<void> {
  const { home } = tools
  const position = (await home.database.selectOne(selectReader, name))?.position ?? home.notifier.position()
  const tasks = new Set<Promise<void>>()
  const empty = { tasks, book: new Map(), senders: new Map(), setAt: new Map() }
  const serving: Serving = { ...tools, lease, ...empty, gate: createGate(), position, stored: position }
  for (const row of await home.database.select(selectAllPushers)) take(serving, pusherOf(row))
  await readSetAt(serving)
  for (const { sender } of sendersOf(serving)) sender.kick()
  try {
    while (!lease.signal.aborted) {
      if (home.notifier.position() > serving.position) await advance(serving)
      else await home.notifier.reached(serving.position + 1, nap, lease.signal)
    }
  } finally {
    await Promise.all(tasks)
  }
}

/** Of what was not looked at yet, some may have been said before pushers were set that are there now. */
async function readSetAt({ home: { database, notifier }, book, setAt, position }: Serving): Promise<void> {
  // Pushers that can be read are in the log up to here.
  await database.commit({ writes: [] })
  const head = notifier.position()
  const senders = new Map([...book.values()].flatMap((mine) => [...mine].map(([key, { sender }]) => [key, sender] as const)))
  for (let after = position; senders.size > 0 && after < head; ) {
    const rows = await notifier.rows(after, head, page)
    for (const { kind, key, position: at } of rows) {
      const sender = kind === setKind ? senders.get(key) : undefined
      if (sender !== undefined) setAt.set(sender, at)
    }
    after = rows.length < page ? head : rows.at(-1)!.position
  }
}

/** Takes the next rows of the log: whom they notify is put on the disk, then told. */
async function advance(serving: Serving): Promise<void> {
  const { home, book, setAt } = serving
  const head = home.notifier.position()
  const rows = await home.notifier.rows(serving.position, head, page)
  const upTo = rows.length < page ? head : rows.at(-1)!.position
  for (const userId of keysOf(rows, 'pusher')) await reload(serving, userId as UserId, rows)
  const kicked = book.size === 0 ? [] : await queue(serving, rows, upTo)
  if (kicked.length === 0 && upTo - serving.stored >= mostUnstored) await store(serving, upTo, [])
  serving.position = upTo
  for (const [sender, at] of setAt) if (at <= upTo) setAt.delete(sender)
  for (const sender of kicked) sender.kick()
  for (const key of keysOf(rows, 'read_position')) {
    const userId = key.slice(0, key.indexOf(' ')) as UserId
    for (const { sender } of book.get(userId)?.values() ?? []) sender.badge()
  }
}

async function queue(serving: Serving, rows: readonly Logged[], upTo: number): Promise<PushSender[]> {
  const { book, home, position, setAt } = serving
  const wanted = new Set(book.keys())
  const now = home.clock.now()
  const writes: Write[] = []
  const kicked = new Set<PushSender>()
  const add = (notified: readonly Notified[]) => {
    for (const { userId, eventId, position: at, actions } of notified) {
      for (const { pusher, sender } of book.get(userId)?.values() ?? []) {
        if (!pusher.enabled || at < (setAt.get(sender) ?? 0)) continue
        writes.push(write(insertPush, userId, pusher.appId, pusher.pushkey, at, eventId, JSON.stringify(actions), now))
        kicked.add(sender)
      }
    }
  }
  for (const roomId of keysOf(rows, 'event')) add(await gatherPushes(serving, roomId as RoomId, position, upTo, wanted))
  for (const { kind, key, position: at } of rows) {
    if (kind === 'membership' && wanted.has(key as UserId)) add(await gatherInvites(serving, key as UserId, at))
  }
  if (writes.length > 0) await store(serving, upTo, writes)
  return [...kicked]
}

async function store(serving: Serving, upTo: number, writes: readonly Write[]): Promise<void> {
  const { home, lease } = serving
  const outcome = await home.database.commit({ guards: [lease.guard], writes: [...writes, write(updatePosition, upTo, name)] })
  if (!outcome.ok) throw new Error('another process pushes notifications')
  serving.stored = upTo
}

/** Reads a user's pushers anew. They may have been set by later rows than these. */
async function reload(serving: Serving, userId: UserId, rows: readonly Logged[]): Promise<void> {
  const { book, home, position, setAt } = serving
  const found = await home.database.select(selectPushers, userId)
  const enabled = () => [...(book.get(userId) ?? [])].filter(([, { pusher }]) => pusher.enabled)
  const before = new Set(enabled().map(([name]) => name))
  book.delete(userId)
  for (const row of found) take(serving, pusherOf(row))
  const fresh = enabled().filter(([name]) => !before.has(name))
  if (fresh.length === 0) return
  const news = await home.notifier.rows(position, home.notifier.position(), mostLooked)
  const earliest = rows.find(({ kind, key }) => kind === 'pusher' && key === userId)?.position ?? 0
  for (const [name, { sender }] of fresh) {
    setAt.set(sender, news.find(({ kind, key }) => kind === setKind && key === name)?.position ?? earliest)
  }
}

function take(serving: Serving, pusher: Pusher): void {
  const { book, senders } = serving
  const key = nameOf(pusher)
  const sender = senders.get(key) ?? createPushSender(serving, pusher)
  senders.set(key, sender)
  sender.set(pusher)
  const mine = book.get(pusher.userId) ?? new Map()
  mine.set(key, { pusher, sender })
  book.set(pusher.userId, mine)
}

function* sendersOf({ book }: Serving) {
  for (const mine of book.values()) yield* mine.values()
}

function keysOf(rows: readonly Logged[], kind: string): Set<string> {
  return new Set(rows.filter((row) => row.kind === kind).map((row) => row.key))
}

function createGate(): Gate {
  let free = mostAtOnce
  const waiting: (() => void)[] = []
  return async (task) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    else free--
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}
