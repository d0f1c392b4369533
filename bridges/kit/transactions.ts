import { createFeed, type Feed, Later, pause, reason } from './feed.ts'
import type { Kit } from './kit.ts'
import { isMatrixEvent, type MatrixEvent } from './matrix/event.ts'
import { createTyping, keepReceipts } from './outbound/ephemeral.ts'
import { applyMatrixEvent, expire } from './outbound/message.ts'
import {
  failMatrixEvent,
  finishTransaction,
  insertMatrixEvent,
  insertTransaction,
  type MatrixEventRow,
  selectNewMatrixEventLanes,
  selectNewMatrixEvents,
  selectNewTransactionLanes,
  selectNewTransactions,
  type TransactionRow,
} from './store/transactions.store.ts'
import type { Vault } from './vault.ts'

type Json = Readonly<Record<string, unknown>>

/** Keeps a transaction, sealed; false when it is here already. On disk when this returns. */
export function keepTransaction({ store, vault, clock }: Pick<Kit, 'store' | 'vault' | 'clock'>, txn: string, body: Buffer): boolean {
  return insertTransaction(store, txn, vault.seal(body.toString('utf8'), `transaction ${txn}`), clock())
}

/** The event of a stored row. */
export function readEvent({ vault }: Pick<Kit, 'vault'>, { event, body }: Pick<MatrixEventRow, 'event' | 'body'>): Json {
  return readSealed(vault, body, `matrix event ${event}`)
}

/**
 * Takes a stored transaction apart: to-device events go to the crypto before the events that need their keys, and keys, ratchets, events and the mark
 * on the transaction are one write. Gives the events.
 */
export async function drain(
  kit: Pick<Kit, 'store' | 'vault' | 'encryption' | 'clock' | 'checkpoint' | 'serverName' | 'owner' | 'connector'>,
  row: TransactionRow,
): Promise<readonly MatrixEvent[]> {
  const { store, vault, encryption, clock, checkpoint } = kit
  const body = readTransaction(kit, row)
  const events = Array.isArray(body['events']) ? body['events'].filter(isMatrixEvent) : []
  checkpoint('transaction taken')
  encryption.receive(body, () => {
    for (const event of events) {
      const sealed = vault.seal(JSON.stringify(event), `matrix event ${event.event_id}`)
      insertMatrixEvent(store, event.event_id, event.room_id, sealed, clock())
    }
    keepReceipts(kit, body)
    finishTransaction(store, row.seq)
  })
  checkpoint('transaction drained')
  return events
}

/** Works through the homeserver's transactions, one after another. */
export function createTransactions(kit: Kit, drained: (events: readonly MatrixEvent[]) => void, read: () => void): Feed {
  const showTyping = createTyping(kit)
  return createFeed<TransactionRow>({
    name: 'transactions',
    log: kit.log,
    waiting: (after, limit) => selectNewTransactionLanes(kit.store, after, limit),
    select: (_, after, limit) => selectNewTransactions(kit.store, after, limit),
    // Their order matters more than haste: one that cannot be stored now (a full disk) holds the ones after it until it can.
    async handle(row) {
      const events = await drain(kit, row).catch((error: unknown) => {
        throw new Later(reason(error))
      })
      drained(events)
      read()
      void showTyping(readTransaction(kit, row)).catch(() => undefined)
    },
    failed: () => undefined,
  })
}

const keyWaitMs = 10_000

/** Who sees the events first: they may be for the bot itself. */
export type ForBot = {
  apply(seq: number, event: MatrixEvent): Promise<'done' | 'no key' | undefined>
  expire(seq: number, event: MatrixEvent): boolean
  /** It was given up after several tries. */
  failed(room: string, event: string): void
}

/** Works through the events, room by room. One that cannot be decrypted holds its room for ten seconds at most; then it is visibly failed. */
export function createMatrixEvents(kit: Kit, changed: () => void, bot?: ForBot): Feed {
  return createFeed<MatrixEventRow>({
    name: 'events',
    log: kit.log,
    waiting: (after, limit) => selectNewMatrixEventLanes(kit.store, after, limit),
    select: (room, after, limit) => selectNewMatrixEvents(kit.store, after, limit, room),
    async handle(row, signal) {
      const event = readEvent(kit, row)
      if (!isMatrixEvent(event)) throw new TypeError('a stored event that is none')
      const apply = async () => (await bot?.apply(row.seq, event)) ?? applyMatrixEvent(kit, row.seq, event)
      while ((await apply()) === 'no key') {
        if (kit.clock() - row.received_at >= keyWaitMs) {
          if (!bot?.expire(row.seq, event)) expire(kit, row.seq, event)
          return
        }
        await pause(100, signal)
        if (signal.aborted) return
      }
      changed()
    },
    failed(row, last) {
      failMatrixEvent(kit.store, row.seq, last)
      if (last) bot?.failed(row.room, row.event)
    },
  })
}

function readTransaction({ vault }: Pick<Kit, 'vault'>, { txn, body }: TransactionRow): Json {
  return readSealed(vault, body, `transaction ${txn}`)
}

// Rows of the first versions were not sealed.
const plainStart = '{'.charCodeAt(0)

function readSealed(vault: Vault, bytes: Buffer, purpose: string): Json {
  const value: unknown = JSON.parse(bytes[0] === plainStart ? bytes.toString('utf8') : vault.open(bytes, purpose))
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}
