import { actionLevel, powerScope, userPower } from '../../core/event-auth/power-levels.ts'
import { type EventId, isEventId, type RoomId, type ServerName, serverNameOf, type UserId } from '../../core/ids.ts'
import type { Pdu, ReadState } from '../../core/pdu.ts'
import { isOfOneServer, redact } from '../../core/redaction.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import type { Home } from '../../home.ts'
import { type Guard, guard, type Select, type Write, write } from '../../storage/database.ts'
import { redactionOf } from '../draft.ts'
import { selectRedactable, updateRedacted } from '../events.store.ts'
import type { StateEvent, TimelineEvent } from '../graph.ts'
import { brokenRelation } from '../relations/relations.ts'
import type { Room } from '../room.ts'
import type { PastStates } from '../state-at.ts'
import type { Incoming } from './check-incoming.ts'
import { bytesOfReceived, loadStored } from './known-events.ts'
import {
  deleteWaitingRedactions,
  insertWaitingRedaction,
  mostWaiting,
  selectOtherWaiting,
  selectWaitedFor,
  selectWaitingRedactions,
  updateWithheld,
} from './stored.store.ts'
import { storedInPages } from './stored-in-pages.ts'

/** What an event is to redact, and that event if it is here. */
export type Target = { readonly id: EventId | undefined; readonly event: TimelineEvent | undefined }

type Redacting = { readonly event: Incoming; readonly here: ServerName; readonly target: Target }
type Redacted = { readonly event: Incoming; readonly waiting: Waiting }

/** The redactions that came before an event, as far as they were looked at, and that of them which redacts it. */
export type Waiting = { readonly seen: readonly EventId[]; readonly by: StateEvent | undefined }

/** Who may redact is looked up at so many states. */
const mostStates = 100

/** What an event is to redact, if it is a redaction. */
export function targetOf({ pdu }: Pick<Incoming, 'pdu'>, rules: RoomRules, targets: ReadonlyMap<EventId, TimelineEvent>): Target {
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

/** Redactions of an event that are here, and that is not, or beside the room alone. The first that may redact it does. */
export async function readWaiting(
  { database: { select }, past }: Pick<Home, 'database'> & { readonly past: Pick<PastStates, 'entry'> },
  { roomId, rules }: Pick<Room, 'roomId' | 'rules'>,
  { eventId, pdu }: Pick<Incoming, 'eventId' | 'pdu'>,
): Promise<Waiting> {
  const rows = await select(selectWaitingRedactions, roomId, eventId, roomId, eventId)
  const seen = rows.map((row) => row.event_id as EventId)
  const powers = new Map<string, ReadState>()
  const mayAll = async (sender: UserId, stateGroup: string) => {
    const known = powers.get(stateGroup)
    if (known === undefined && powers.size >= mostStates) return false
    const read = known ?? (await powersAt(past, stateGroup))
    powers.set(stateGroup, read)
    return mayRedactAll(sender, rules, read)
  }
  for (const row of rows) {
    const sent = { eventId: row.event_id as EventId, sender: row.sender as UserId }
    const isIts = row.done === 1 || isOfOneServer(sent, { eventId, sender: pdu.sender }, rules)
    if (!isIts && !(await mayAll(sent.sender, row.state_group))) continue
    const by = (await loadStored(select, [sent.eventId])).get(sent.eventId)
    return { seen, by: by && { eventId: by.eventId, pdu: by.pdu } }
  }
  return { seen, by: undefined }
}

/** Redacts what has come beside the room alone, as part of a state, where its redaction was here before. */
export async function redactBeside(
  tools: Pick<Home, 'database'> & { readonly past: Pick<PastStates, 'entry'> },
  room: Pick<Room, 'roomId' | 'rules'>,
  eventIds: readonly EventId[],
): Promise<void> {
  const { database } = tools
  const waitedFor = (await database.select(selectWaitedFor, room.roomId, eventIds)).map(({ target }) => target as EventId)
  for await (const stored of storedInPages(database.select, waitedFor)) {
    if (!stored.outlier || stored.rejected || stored.roomId !== room.roomId) continue
    const { by } = await readWaiting(tools, room, stored)
    if (by !== undefined) await database.commit({ writes: redactedBeforeWrites(room, stored.eventId, stored.pdu, by) })
  }
}

/** Passes while nothing else waits for an event than what was looked at. */
export function noOtherWaiting(roomId: RoomId, eventId: EventId, waiting: Waiting): Guard[] {
  if (isSettled(waiting)) return []
  return [guard('waiting', 'no row', selectOtherWaiting, roomId, eventId, waiting.seen)]
}

/** Whether something has come meanwhile that an event redacts, or that redacts it. */
export async function isOutdated(
  select: Select,
  roomId: RoomId,
  { event: { eventId }, target, waiting }: Redacting & Redacted,
): Promise<boolean> {
  const { id, event } = target
  if (id !== undefined && event === undefined && (await select(selectRedactable, id)).length > 0) return true
  return !isSettled(waiting) && (await select(selectOtherWaiting, roomId, eventId, waiting.seen)).length > 0
}

function isSettled({ seen, by }: Waiting): boolean {
  return by !== undefined || seen.length >= mostWaiting
}

/** Whether a user has the power to redact what others said. */
export function mayRedactAll(userId: UserId, rules: RoomRules, readState: ReadState): boolean {
  const scope = powerScope(readState, rules)
  return userPower(scope, userId) >= actionLevel(scope, 'redact')
}

/** What notes that an event was redacted before it came. Its redaction is told of from then on, in its place in the past. */
export function redactedBeforeWrites(
  { roomId, rules }: Pick<Room, 'roomId' | 'rules'>,
  eventId: EventId,
  pdu: Pdu,
  redactedBy: StateEvent,
): Write[] {
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
  const { by } = arriving.waiting
  if (by !== undefined) writes.push(...redactedBeforeWrites(room, eventId, pdu, by))
  const redaction = redactionBy(room, arriving, powers)
  if (target.id !== undefined && target.event === undefined) writes.push(write(insertWaitingRedaction, target.id, eventId))
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
