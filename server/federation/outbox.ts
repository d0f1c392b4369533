import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ServerName } from '../core/ids.ts'
import type { TimelineEvent } from '../graph/graph.ts'
import type { Tools } from '../slice.ts'
import { type Write, write } from '../storage/database.ts'
import type { Lease } from '../storage/lease.ts'
import type { Transaction } from './attempt.ts'
import { upsertReached } from './destinations.store.ts'
import { noteDropped } from './dropped.ts'
import { createLane, type Lane, type LaneNeeds } from './lane.ts'
import { type About, aboutOf, putTransaction } from './next-transaction.ts'
import type { PduTexts } from './pdu-texts.ts'
import {
  collapsePdus,
  type DroppedRow,
  deleteEdusOfKey,
  deleteOldestEdus,
  deletePdus,
  deleteTransaction,
  insertEdu,
  insertPdus,
  selectFailures,
  selectTransactions,
  selectWaiting,
} from './queue.store.ts'
import { createSlots } from './slots.ts'
import { countFitting, most, transactionText } from './transaction-text.ts'

/** `waits`: for so many milliseconds it is of use to a server that is away. The rest is as the slices told it. */
export type ToldEdu = { readonly text: string; readonly key: string | undefined; readonly gapIsSeen?: boolean; readonly waits: number }
/** What one destination is to be told, in its order. */
export type Items = { readonly pdus: TimelineEvent[]; readonly edus: ToldEdu[] }

/** What goes to other servers, each in a lane of its own. */
export type Outbox = {
  /** What puts these on the disk; `committed` is called when they are there, with the rows that came back. `position` grows from call to call. */
  readonly put: (
    position: number,
    items: ReadonlyMap<ServerName, Items>,
  ) => { readonly writes: Write[]; readonly committed: (rows: readonly unknown[]) => void }
  /** A server is there: what waits because it was not goes now. */
  readonly alive: (destination: ServerName) => void
  /** What waits for a server that fails goes now, as after a first failure. */
  readonly reset: (destination: ServerName) => void
  /** How many servers did not take what they were sent last. */
  readonly failing: () => number
  /** Resolves when nothing is on its way any more: after the lease has ended. */
  readonly ended: () => Promise<void>
}

type Needs = Pick<Tools, 'home' | 'graph'> & { readonly lease: Lease; readonly texts: PduTexts; readonly fail: (error: unknown) => void }

/** Events that wait for a server one by one; of more, only the newest of each room are kept. One that takes what it is sent, but slowly, is given longer. */
const mostWaiting = { failing: 500, slow: 20_000 }
/** Messages to devices that are kept for a server, and their bytes; they are counted after every so many. */
const mostMessages = { count: 10_000, bytes: 64 * 1024 * 1024, countedEvery: 1000, droppedAtOnce: 5000 }
/** Nobody expects an older one any more. */
const keptMs = 90 * 24 * 3_600_000
const mostAtOnce = 200
const mostProbes = 50
const slotMs = 5_000
const everything = Number.MAX_SAFE_INTEGER

/** Opens the lanes of all destinations for which something is on the disk. */
export async function openOutbox(needs: Needs): Promise<Outbox> {
  const { home, lease } = needs
  const lanes = new Map<ServerName, Lane>()
  const done = createDone(needs)
  const laneNeeds: LaneNeeds = { ...needs, live: createSlots(mostAtOnce, slotMs), probes: createSlots(mostProbes, slotMs), done: done.add }
  const laneOf = (destination: ServerName) => {
    let lane = lanes.get(destination)
    if (lane === undefined) {
      lane = createLane(laneNeeds, destination)
      lanes.set(destination, lane)
    }
    return lane
  }

  for (const row of await home.database.select(selectFailures)) laneOf(row.destination).failed(row)
  for (const { destination, pdus } of await home.database.select(selectWaiting)) laneOf(destination).waits(pdus)
  for (const { destination, transaction_id: id, position } of await home.database.select(selectTransactions)) {
    laneOf(destination).send({ id, position: position ?? undefined })
  }
  void kickAll([...lanes.values()])

  return {
    put: (position, items) => {
      const writes: Write[] = []
      const after: (() => void)[] = []
      const waiting = new Map<TimelineEvent, ServerName[]>()
      const same: Same = new Map()
      for (const [destination, those] of items) {
        const lane = laneOf(destination)
        if (lane.isFree() && fitsOne(those)) after.push(direct(needs, lane, those, same, writes))
        else {
          for (const event of those.pdus) addTo(waiting, event, destination)
          after.push(enqueue(needs, lane, position, those, writes))
        }
      }
      // These come first: what is collapsed holds them too.
      const inserts = [...waiting].map(([event, servers]) =>
        write(insertPdus, event.position ?? position, event.roomId, event.eventId, servers),
      )
      const committed = (rows: readonly unknown[]) => {
        noteDropped(home, rows as readonly DroppedRow[])
        runAll(after)
      }
      return { writes: [...inserts, ...writes], committed }
    },
    alive: (destination) => lanes.get(destination)?.alive(),
    reset: (destination) => lanes.get(destination)?.reset(),
    failing: () => [...lanes.values()].filter((lane) => lane.isFailing()).length,
    ended: async () => {
      await Promise.all([...lanes.values()].map((lane) => lane.ended()))
      if (!lease.lost.aborted) await done.flush()
    },
  }
}

function addTo(waiting: Map<TimelineEvent, ServerName[]>, event: TimelineEvent, destination: ServerName): void {
  const known = waiting.get(event)
  if (known === undefined) waiting.set(event, [destination])
  else known.push(destination)
}

/** What waits is read lane by lane, so that a server that has fallen behind with many comes up all the same. */
async function kickAll(lanes: readonly Lane[]): Promise<void> {
  for (const [place, lane] of lanes.entries()) {
    lane.kick()
    if (place % 20 === 19) await nextTurn()
  }
}

function runAll(those: readonly (() => void)[]): void {
  for (const each of those) each()
}

function fitsOne({ pdus, edus }: Items): boolean {
  return pdus.length <= most.pdus && countFitting(edus.map(({ text }) => text)) === edus.length
}

/** Transactions of one moment by what they hold. */
type Same = Map<string, { readonly transaction: Transaction; readonly about: About; readonly body: Buffer }>

/** Goes at once: its transaction is put on the disk as it is. Those of several destinations that hold the same are written down once. */
function direct({ home, texts }: Needs, lane: Lane, { pdus, edus }: Items, same: Same, writes: Write[]): () => void {
  const contents = { pdus: pdus.map(texts).filter((text) => text !== undefined), edus: withoutEarlier(edus).map(({ text }) => text) }
  const key = `${pdus.map(({ eventId }) => eventId).join()} ${contents.edus.join()}`
  let known = same.get(key)
  if (known === undefined) {
    const text = transactionText(home.serverName, home.clock.now(), contents)
    const about = aboutOf(pdus, contents.edus.length)
    const transaction = { id: home.random(12).toString('base64url'), text, position: about.position }
    known = { transaction, about, body: Buffer.from(text) }
    same.set(key, known)
  }
  const { transaction, about, body } = known
  writes.push(putTransaction(lane.destination, transaction.id, body, about))
  lane.claim()
  return () => lane.send(transaction)
}

function enqueue({ home }: Needs, lane: Lane, position: number, { pdus, edus }: Items, writes: Write[]): () => void {
  const { destination } = lane
  if (lane.waiting() + pdus.length > (lane.isFailing() ? mostWaiting.failing : mostWaiting.slow)) {
    writes.push(write(collapsePdus, destination, destination), write(deletePdus, destination, everything))
    lane.collapsed()
  }
  const away = lane.awayFor()
  const isAway = away !== undefined
  const kept = withoutEarlier(edus, isAway).filter(({ waits }) => !isAway || away < waits)
  for (const [ordinal, { key, gapIsSeen, text, waits }] of kept.entries()) {
    if (key !== undefined && (isAway || gapIsSeen !== true)) writes.push(write(deleteEdusOfKey, destination, key))
    const until = home.clock.now() + (key === undefined ? Math.min(waits, keptMs) : waits)
    writes.push(write(insertEdu, destination, position, ordinal, key ?? '', Number.isFinite(until) ? until : null, Buffer.from(text)))
  }
  if (lane.keeps(kept.filter(({ key }) => key === undefined).length) >= mostMessages.countedEvery) {
    writes.push(write(deleteOldestEdus, destination, destination, mostMessages.count, mostMessages.bytes, mostMessages.droppedAtOnce))
    lane.counted()
  }
  return () => {
    lane.waits(pdus.length)
    lane.kick()
  }
}

/** Of those with the same key, the last. */
function withoutEarlier(edus: readonly ToldEdu[], isAway = false): readonly ToldEdu[] {
  const last = new Map<string, ToldEdu>()
  const keyOf = ({ key, gapIsSeen }: ToldEdu) => (isAway || gapIsSeen !== true ? key : undefined)
  for (const edu of edus) {
    const key = keyOf(edu)
    if (key !== undefined) last.set(key, edu)
  }
  return edus.filter((edu) => {
    const key = keyOf(edu)
    return key === undefined || last.get(key) === edu
  })
}

/** Takes transactions that were taken off the disk, and notes how far each destination is, many at once: one that is sent again after a crash does no harm. */
function createDone({ home, lease, fail }: Needs) {
  let finished: Write[] = []
  let reached = new Map<ServerName, number | undefined>()
  const flush = async () => {
    const writes = [...finished, ...notesOf(reached, home.clock.now())]
    finished = []
    reached = new Map()
    if (writes.length > 0) await home.database.commit({ guards: [lease.guard], writes })
  }
  return {
    flush,
    add: (destination: ServerName, { id, position }: Transaction) => {
      if (finished.length === 0) setTimeout(() => void flush().catch(fail), 50).unref()
      finished.push(write(deleteTransaction, destination, id))
      reached.set(destination, position ?? reached.get(destination))
    },
  }
}

/** Those that have come as far as each other are noted in one. */
function notesOf(reached: ReadonlyMap<ServerName, number | undefined>, now: number): Write[] {
  const groups = Map.groupBy(reached, ([, position]) => position)
  return [...groups].map(([position, those]) =>
    write(
      upsertReached,
      position ?? null,
      now,
      those.map(([destination]) => destination),
    ),
  )
}
