import { setImmediate } from 'node:timers/promises'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { EventId, RoomId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Pdu } from '../../core/pdu.ts'
import { redact } from '../../core/redaction.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import { parsePdu } from '../stored-event.ts'
import type { PduRow } from './for-servers.store.ts'

/** An event as this server keeps it, whatever it thinks of it. */
export type StoredPdu = {
  readonly eventId: EventId
  readonly roomId: RoomId
  readonly pdu: Pdu
  /** What it is on the wire. */
  readonly json: Uint8Array
  readonly depth: number
  readonly order: number
  /** The state after it; of no meaning for an outlier. */
  readonly stateGroup: string
  readonly isOutlier: boolean
  readonly isRejected: boolean
  /** The state event that it took the place of, and what that one said. */
  readonly replaces: EventId | undefined
  readonly replacedContent: JsonObject | undefined
}

/** Reads a row. */
export function storedPduOf(row: PduRow): StoredPdu {
  return {
    eventId: row.event_id as EventId,
    roomId: row.room_id as RoomId,
    pdu: parsePdu(row.json),
    json: row.json,
    depth: row.depth,
    order: row.room_order,
    stateGroup: row.state_group,
    isOutlier: row.outlier === 1,
    isRejected: row.rejected === 1,
    replaces: (row.replaces ?? undefined) as EventId | undefined,
    replacedContent: row.replaced === null ? undefined : parsePdu(row.replaced).content,
  }
}

/** An event on the wire without what its room version can spare. */
export function redactedText({ pdu }: Pick<StoredPdu, 'pdu'>, rules: RoomRules): Uint8Array {
  return Buffer.from(canonicalJson(redact(pdu, rules) as JsonObject, false))
}

/** How much is read by one statement, other work in between. */
export const atOnce = 100

const longestTurn = 5

/** Lets other work be done once this one has gone on for some milliseconds. */
export function createBreath(): () => Promise<void> {
  let began = performance.now()
  return async () => {
    if (performance.now() - began < longestTurn) return
    await setImmediate()
    began = performance.now()
  }
}
