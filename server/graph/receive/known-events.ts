import { hash } from 'node:crypto'
import { canonicalJson, type Json } from '../../core/canonical-json.ts'
import type { EventId } from '../../core/ids.ts'
import { writeStored } from '../../core/lossless-json.ts'
import type { Pdu } from '../../core/pdu.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import type { Select } from '../../storage/database.ts'
import { parsePdu } from '../stored-event.ts'
import { type StoredRow, selectStored } from './stored.store.ts'

/** An event that is on disk: in the room, or beside it. */
export type Stored = {
  readonly eventId: EventId
  readonly roomId: string
  readonly pdu: Pdu
  readonly outlier: boolean
  readonly rejected: boolean
  readonly softFailed: boolean
  /** The state after it; of an outlier it is not known. */
  readonly stateGroup: string
  /** Of one that was kept aside: what it stands on that was not. */
  readonly standsOn: readonly EventId[] | undefined
}

/** Those of these events that are on disk. */
export async function loadStored(select: Select, eventIds: readonly EventId[]): Promise<Map<EventId, Stored>> {
  if (eventIds.length === 0) return new Map()
  const rows = await select(selectStored, eventIds)
  return new Map(rows.map((row) => [row.event_id as EventId, storedOf(row)]))
}

function storedOf(row: StoredRow): Stored {
  return {
    eventId: row.event_id as EventId,
    roomId: row.room_id,
    pdu: parsePdu(row.json),
    outlier: row.outlier === 1,
    rejected: row.rejected === 1,
    softFailed: row.soft_failed === 1,
    stateGroup: row.state_group,
    standsOn: row.stands_on === null ? undefined : (JSON.parse(row.stands_on) as EventId[]),
  }
}

/** A received PDU as it is stored, every number as it was spelled. */
export function bytesOfReceived(pdu: Pdu, rules: Pick<RoomRules, 'strictJson'>): Uint8Array {
  if (rules.strictJson) return Buffer.from(JSON.stringify(pdu))
  return writeStored(canonicalJson(pdu as unknown as Json, false))
}

/** A depth as it is stored: at most what JavaScript counts exactly. */
export function depthOf({ depth }: Pdu): number {
  return Math.min(Number(depth), Number.MAX_SAFE_INTEGER)
}

/** The order within its depth of an event that never arrived in the timeline: below all that did, and another one for each event. */
export function orderOfHistory(eventId: EventId): number {
  return -1 - hash('sha256', eventId, 'buffer').readUIntBE(0, 6)
}
