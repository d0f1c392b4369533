import { createHash } from 'node:crypto'
import type { Kit } from './kit.ts'
import { withMentions } from './mentions.ts'
import { finishSend, insertSend, type SendRow, selectSend } from './store/messages.store.ts'

export type PlannedEvent = {
  readonly txn: string
  readonly room: string
  readonly sender: string
  readonly type: string
  readonly content: Readonly<Record<string, unknown>>
  readonly ts?: number | undefined
  readonly encrypted: boolean
}

/** A transaction id that follows from what is sent: the same happening always gets the same. */
export function transactionId(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

/**
 * Sends an event of which there will be exactly one, however often this is called and wherever it was cut off. The bytes are stored before they go
 * out. `done` runs in the transaction that notes the event's id.
 */
export async function sendOnce(
  kit: Pick<Kit, 'store' | 'matrix' | 'encryption' | 'clock' | 'checkpoint'>,
  planned: PlannedEvent,
  done: (event: string) => void = () => undefined,
): Promise<string> {
  const { store, matrix, checkpoint } = kit
  const stored = selectSend(store, planned.txn) ?? (await prepare(kit, planned))
  if (stored.event !== null) return stored.event
  checkpoint('event stored')
  const event = await matrix.send({
    txn: stored.txn,
    room: stored.room,
    sender: stored.sender,
    type: stored.type,
    content: JSON.parse(stored.content.toString('utf8')),
    ...(stored.device === null ? {} : { device: stored.device }),
    ...(stored.ts === null ? {} : { ts: stored.ts }),
  })
  checkpoint('event sent')
  // Lost in a power cut, it is sent again under the same transaction id, which gives the same event.
  store.lazily(() => {
    finishSend(store, planned.txn, event)
    done(event)
  })
  checkpoint('event noted')
  return event
}

async function prepare(
  { store, matrix, encryption, clock, checkpoint }: Pick<Kit, 'store' | 'matrix' | 'encryption' | 'clock' | 'checkpoint'>,
  planned: PlannedEvent,
): Promise<SendRow> {
  const { txn, room, sender, type, ts, encrypted } = planned
  const content = await withMentions({ matrix }, planned)
  const cipher = encrypted ? await encryption.encrypt(sender, room, txn, type, content) : undefined
  checkpoint('event encrypted')
  const row = {
    txn,
    room,
    sender,
    device: cipher?.device ?? null,
    type: cipher ? 'm.room.encrypted' : type,
    content: Buffer.from(JSON.stringify(cipher?.content ?? content)),
    ts: ts ?? null,
  }
  insertSend(store, row, clock())
  return { ...row, event: null }
}
