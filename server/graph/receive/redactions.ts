import { actionLevel, powerScope, userPower } from '../../core/event-auth/power-levels.ts'
import { type EventId, isEventId, type ServerName, serverNameOf } from '../../core/ids.ts'
import type { Pdu, ReadState } from '../../core/pdu.ts'
import { isOfOneServer, redact } from '../../core/redaction.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import type { Home } from '../../home.ts'
import { type Write, write } from '../../storage/database.ts'
import { redactionOf } from '../draft.ts'
import { updateRedacted } from '../events.store.ts'
import type { StateEvent, TimelineEvent } from '../graph.ts'
import { brokenRelation } from '../relations/relations.ts'
import type { Room } from '../room.ts'
import type { PastStates } from '../state-at.ts'
import { parsePdu } from '../stored-event.ts'
import type { Incoming } from './check-incoming.ts'
import { bytesOfReceived } from './known-events.ts'
import { deleteWaitingRedactions, insertWaitingRedaction, selectWaitingRedactions, updateWithheld } from './stored.store.ts'

/** What an event is to redact, and that event if it is here. */
export type Target = { readonly id: EventId | undefined; readonly event: TimelineEvent | undefined }

type Redacting = { readonly event: Incoming; readonly here: ServerName; readonly target: Target }
type Redacted = { readonly event: Incoming; readonly waiting: readonly Earlier[] }

/** A redaction that came before its target; `mayAll` where its sender had the power to redact everything, or it has redacted what was here beside the room. */
export type Earlier = StateEvent & { readonly mayAll: boolean }

/** What an event is to redact, if it is a redaction. */
export function targetOf({ pdu }: Incoming, rules: RoomRules, targets: ReadonlyMap<EventId, TimelineEvent>): Target {
  const named = rules.redactsInContent ? pdu.content['redacts'] : pdu.redacts
  const id = pdu.type === 'm.room.redaction' && isEventId(named) ? named : undefined
  return { id, event: id && targets.get(id) }
}

/**
 * What an event, if it is a redaction, makes of another one. "They should not be sent to clients until both the redaction event and the event the redaction
 * affects have been received, and can be validated": until then one is `withheld`, and one that is refused is not told of either, since clients apply it
 * without asking. https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions
 */
export function redactionBy(
  room: Room,
  { event: { eventId, pdu }, target, here }: Redacting,
  readState: ReadState,
): ReturnType<typeof redactionOf> | 'withheld' {
  if (target.id === undefined) return undefined
  // What has a state key changes the room's state, whatever else it is. Of our own users only those redact what is not here who may redact everything.
  const mayWait = pdu.state_key === undefined && serverNameOf(pdu.sender) !== here
  if (target.event === undefined) return mayWait ? 'withheld' : undefined
  if (target.event.roomId !== room.roomId) return 'refused'
  return redactionOf(pdu, eventId, room, readState, new Map([[target.id, target.event]]), true)
}

/** What decides on power at a state of the past. */
export async function powersAt(past: Pick<PastStates, 'entry'>, stateGroup: string): Promise<ReadState> {
  const create = await past.entry(stateGroup, 'm.room.create', '')
  const levels = await past.entry(stateGroup, 'm.room.power_levels', '')
  return (type) => (type === 'm.room.create' ? create : type === 'm.room.power_levels' ? levels : undefined)?.pdu
}

/** Redactions of an event that are here, and that is not, or beside the room alone. */
export async function readWaiting(
  { database: { select }, past }: Pick<Home, 'database'> & { readonly past: Pick<PastStates, 'entry'> },
  { roomId, rules }: Pick<Room, 'roomId' | 'rules'>,
  eventId: EventId,
): Promise<Earlier[]> {
  const found: Earlier[] = []
  for (const row of await select(selectWaitingRedactions, roomId, eventId, roomId, eventId)) {
    const pdu = parsePdu(row.json)
    const mayAll = row.done === 1 || mayRedactAll(pdu, rules, await powersAt(past, row.state_group))
    found.push({ eventId: row.event_id as EventId, pdu, mayAll })
  }
  return found
}

/** Whether a user has the power to redact what others said. */
export function mayRedactAll({ sender }: Pdu, rules: RoomRules, readState: ReadState): boolean {
  const scope = powerScope(readState, rules)
  return userPower(scope, sender) >= actionLevel(scope, 'redact')
}

/** A redaction that came before its target and may redact it. */
export function earlierRedaction({ event: { eventId, pdu }, waiting }: Redacted, rules: RoomRules): StateEvent | undefined {
  const target = { eventId, sender: pdu.sender }
  return waiting.find(({ eventId: by, pdu: { sender }, mayAll }) => mayAll || isOfOneServer({ eventId: by, sender }, target, rules))
}

/** What notes that an event was redacted before it came. Its redaction is told of from then on, in its place in the past. */
export function redactedBeforeWrites({ roomId, rules }: Room, eventId: EventId, pdu: Pdu, redactedBy: StateEvent): Write[] {
  return [
    write(updateRedacted, bytesOfReceived(redact(pdu, rules), rules), redactedBy.eventId, eventId),
    write(updateWithheld, redactedBy.eventId),
    write(deleteWaitingRedactions, roomId, eventId),
    ...brokenRelation(eventId),
  ]
}

/** What an event of history redacts, or that it was redacted before it came, by the powers at the state before it. */
export type PastRedaction = {
  readonly writes: readonly Write[]
  readonly redacted: TimelineEvent | undefined
  /** What is left of the event itself. */
  readonly pruned: StateEvent | undefined
  /** Whether it redacts what is not here, or what it may not: then nobody is told of it. */
  readonly isWithheld: boolean
}

export function redactionInHistory(room: Room, arriving: Redacting & Redacted, powers: ReadState): PastRedaction {
  const { eventId, pdu } = arriving.event
  const { target } = arriving
  const writes: Write[] = []
  const by = earlierRedaction(arriving, room.rules)
  if (by !== undefined) writes.push(...redactedBeforeWrites(room, eventId, pdu, by))
  const redaction = redactionBy(room, arriving, powers)
  if (target.id !== undefined && target.event === undefined) writes.push(write(insertWaitingRedaction, room.roomId, target.id, eventId))
  const redacted = typeof redaction === 'object' ? redaction : undefined
  if (redacted !== undefined) {
    writes.push(write(updateRedacted, bytesOfReceived(redacted.pdu, room.rules), eventId, redacted.eventId))
    writes.push(...brokenRelation(redacted.eventId))
  }
  return {
    writes,
    redacted,
    pruned: by && { eventId, pdu: redact(pdu, room.rules) },
    isWithheld: typeof redaction === 'string' && pdu.state_key === undefined,
  }
}
