import { type DefaultEffect, defaultEffect } from '../core/default-effect.ts'
import { checkAuthRules } from '../core/event-auth/check-auth-rules.ts'
import { wrongPowerLevels } from '../core/event-auth/check-power-levels.ts'
import { actionLevel, notificationLevel, powerScope, userPower } from '../core/event-auth/power-levels.ts'
import { selectAuthEvents } from '../core/event-auth/select-auth-events.ts'
import { referenceOf } from '../core/hashes.ts'
import { type EventId, isEventId } from '../core/ids.ts'
import { badJson, tooLarge } from '../core/matrix-error.ts'
import { checkPduShape, maxPrevEvents, named, type Pdu, type ReadState, type Reference, type UnsignedPdu } from '../core/pdu.ts'
import { isOfOneServer, redact } from '../core/redaction.ts'
import { hashAndSignPdu } from '../core/signatures.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Home } from '../home.ts'
import type { StateEvent, Template, TimelineEvent } from './graph.ts'
import { type ChainLink, type DraftHead, type Room, type StateChange, stateKeyOf } from './room.ts'
import { threadNamed } from './unread/thread-of.ts'

/** A new state group: its place in the chain, what changed with it and, newest first, the groups whose entries it takes over. */
export type NewStateGroup = {
  readonly stateGroup: string
  readonly ordinal: number
  readonly previous: string | undefined
  readonly merged: readonly string[]
  readonly entries: readonly (readonly [type: string, stateKey: string, eventId: EventId])[]
}

/** An event that was built and allowed; `redaction` is its target as it is to be stored. */
export type Decided = {
  readonly eventId: EventId
  readonly pdu: Pdu
  readonly stateGroup: string
  readonly headGroup: string
  readonly newGroups: readonly NewStateGroup[]
  readonly changes: readonly StateChange[]
  readonly notifying: number
  readonly effect: DefaultEffect
  readonly replaces: StateEvent | undefined
  readonly redaction: TimelineEvent | undefined
  /** What redacted it before it came: then `pdu` is what is left of it. */
  readonly redactedBy?: StateEvent | undefined
  readonly thread: EventId | undefined
  readonly delayId: string | undefined
  /** Another server's: what was kept of it as an outlier is no longer one. */
  readonly received?: true
  readonly handed?: true
  /** Events before it are missing. */
  readonly gap?: true
  /** What it redacts once that is here. */
  readonly waitsFor?: EventId | undefined
}

/** What is loaded before templates are decided on: the targets of redactions, and the threads of those that relate to other events. */
export type Loaded = { readonly targets: ReadonlyMap<EventId, TimelineEvent>; readonly threads: ReadonlyMap<Template, EventId> }

/** `isTold`: somebody has come or gone. It is no news that others have been there all along. */
export type Arrivals = { readonly changes: readonly StateChange[]; readonly isTold: boolean }

export type Decision = {
  readonly events: readonly Decided[]
  readonly head: DraftHead
  /** Memberships of a room that is not whole, which come to its state without an event: in turn, each group at a position of its own. */
  readonly arrivals?: readonly Arrivals[]
  /** With it nothing is missing of the room any more. */
  readonly isWhole?: boolean
}

const none: readonly never[] = []

/** The committed head as the base of a draft. */
export function committedHead(room: Room): DraftHead {
  const { version, extremities, references, forks, depth, notifying, stateGroup, chain } = room
  return { version, extremities, references, forks, depth, notifying, stateGroup, chain, state: new Map() }
}

/** Builds, authorises, hashes and signs events on a head, in order; the first refusal refuses all, and what is no event throws. Pure but for the signature; awaits nothing. */
export function decide(
  home: Pick<Home, 'serverName' | 'signingKey' | 'clock' | 'random'>,
  room: Pick<Room, 'roomId' | 'rules' | 'state'>,
  base: DraftHead,
  templates: readonly Template[],
  { targets, threads }: Loaded,
): Decision | Extract<Verdict, { allowed: false }> {
  const events: Decided[] = []
  const overlay = new Map(base.state)
  let head: DraftHead = { ...base, version: base.version + 1, state: overlay }
  const find = findOn(room, { state: overlay })
  const readState: ReadState = (type, stateKey) => find(type, stateKey)?.pdu
  for (const template of templates) {
    const standing = template.replaces === undefined ? undefined : find(template.type, template.stateKey ?? '')?.eventId
    if (standing !== template.replaces) return { allowed: false, reason: 'the state has changed meanwhile' }
    const { pdu, eventId } = build(home, room, head, template, find)
    checkContent(pdu, room.rules, readState)
    const verdict = checkAuthRules(pdu, room.rules, readState, (server) => server === home.serverName)
    if (!verdict.allowed) return verdict
    const redaction = template.type === 'm.room.redaction' ? redactionOf(pdu, eventId, room, readState, targets) : undefined
    if (redaction === 'refused') return { allowed: false, reason: 'you may not redact the events of others here' }
    const stateKey = template.stateKey
    const next = stateKey === undefined ? head : withState(head, eventId)
    const effect = defaultEffect(pdu, () => mayNotifyRoom(pdu, room.rules, readState))
    const notifying = head.notifying + (effect.notifies ? 1 : 0)
    events.push({
      eventId,
      pdu,
      stateGroup: next.stateGroup,
      headGroup: next.stateGroup,
      newGroups: stateKey === undefined ? none : [newGroupOf(head.chain, next.chain, [[template.type, stateKey, eventId]])],
      changes: stateKey === undefined ? none : [{ type: template.type, stateKey, event: { eventId, pdu } }],
      notifying,
      effect,
      replaces: stateKey === undefined ? undefined : find(template.type, stateKey),
      redaction,
      thread: threads.get(template) ?? threadNamed(pdu.content),
      delayId: template.delayId,
      waitsFor: unknownTarget(pdu, room.rules, targets),
    })
    if (stateKey !== undefined) overlay.set(stateKeyOf(template.type, stateKey), { eventId, pdu })
    head = {
      ...next,
      ...tipsWith(head, next.stateGroup, { pdu, eventId }, room.rules),
      depth: Number(pdu.depth),
      notifying,
      state: overlay,
    }
  }
  return { events, head }
}

/** What a room stands on with an event of ours: it, and what it could not cite of what the room stood on before. */
function tipsWith(head: DraftHead, group: string, { pdu, eventId }: StateEvent, rules: Room['rules']) {
  const { extremities, references, forks, stateGroup } = head
  if (extremities.length <= maxPrevEvents) return { extremities: [eventId], references: [referenceOf(eventId, pdu, rules)], forks: [group] }
  return {
    extremities: [eventId, ...extremities.slice(maxPrevEvents)],
    references: [referenceOf(eventId, pdu, rules), ...references.slice(maxPrevEvents)],
    forks: [group, ...extremities.slice(maxPrevEvents).map((_, at) => forks[maxPrevEvents + at] ?? stateGroup)],
  }
}

/** Reads the state of a draft head. */
export function findOn(room: Pick<Room, 'state'>, { state }: Pick<DraftHead, 'state'>) {
  return (type: string, stateKey: string): StateEvent | undefined => {
    const key = stateKeyOf(type, stateKey)
    return state.has(key) ? state.get(key) : room.state.get(key)
  }
}

/** Throws what no sender may send, as if it were sent now: 413 M_TOO_LARGE beyond the limits of an event, 400 M_BAD_JSON for what is no event. */
export function checkTemplate(home: Pick<Home, 'serverName' | 'signingKey' | 'clock' | 'random'>, room: Room, template: Template): void {
  const find = (type: string, stateKey: string) => room.state.get(stateKeyOf(type, stateKey))
  const { pdu } = build(home, room, committedHead(room), template, find)
  checkContent(pdu, room.rules, (type, stateKey) => find(type, stateKey)?.pdu)
}

/** What no sender may send: 413 M_TOO_LARGE beyond the limits of an event, 400 M_BAD_JSON for power levels that are none. */
function checkContent(pdu: Pdu, rules: Room['rules'], readState: ReadState): void {
  const shape = checkPduShape(pdu, rules)
  if (!shape.allowed) throw tooLarge(shape.reason)
  const isPowerLevels = pdu.type === 'm.room.power_levels' && pdu.state_key === ''
  const wrong = isPowerLevels ? wrongPowerLevels(pdu.content, rules, readState('m.room.create', '')) : undefined
  if (wrong !== undefined) throw badJson(wrong)
}

function build(
  home: Pick<Home, 'serverName' | 'signingKey' | 'clock' | 'random'>,
  room: Pick<Room, 'roomId' | 'rules'>,
  head: DraftHead,
  template: Template,
  find: (type: string, stateKey: string) => StateEvent | undefined,
): { pdu: Pdu; eventId: EventId } {
  const event = named(buildEvent(home, room, head, template, find), home, room.rules)
  return hashAndSignPdu(event, room.rules, home.serverName, home.signingKey)
}

/** An event on a head, neither hashed nor signed; in versions 1 and 2 without a name. */
export function buildEvent(
  home: Pick<Home, 'clock'>,
  room: Pick<Room, 'roomId' | 'rules'>,
  head: DraftHead,
  template: Template,
  find: (type: string, stateKey: string) => StateEvent | undefined,
): UnsignedPdu {
  const { rules } = room
  const { type, stateKey, sender, content, redacts } = template
  const authEvents: Reference[] = []
  for (const [authType, authKey] of selectAuthEvents({ type, sender, state_key: stateKey, content }, rules)) {
    const found = find(authType, authKey)
    if (found !== undefined) authEvents.push(referenceOf(found.eventId, found.pdu, rules))
  }
  const isCreate = type === 'm.room.create'
  return {
    auth_events: authEvents,
    content,
    depth: Math.min(head.depth + 1, Number.MAX_SAFE_INTEGER),
    origin_server_ts: template.timestamp ?? home.clock.now(),
    prev_events: head.references.slice(0, maxPrevEvents),
    ...(redacts !== undefined && !rules.redactsInContent ? { redacts } : {}),
    ...(rules.roomIdIsCreateHash && isCreate ? {} : { room_id: room.roomId }),
    sender,
    ...(stateKey === undefined ? {} : { state_key: stateKey }),
    type,
  }
}

/** https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels, `notifications`. */
export function mayNotifyRoom({ sender }: Pdu, rules: Room['rules'], readState: ReadState): boolean {
  const scope = powerScope(readState, rules)
  return userPower(scope, sender) >= notificationLevel(scope, 'room')
}

function withState(head: DraftHead, eventId: EventId): DraftHead {
  return { ...head, stateGroup: eventId, chain: chainWith(head.chain, eventId) }
}

/** Of a group that holds a whole state: far above what changes count up to, so that no group above takes over its entries. */
export const ordinalOfWhole = 2 ** 30

/** The chain of state groups with one more on top, which is named by the event that makes it. */
export function chainWith(chain: readonly ChainLink[], stateGroup: string): readonly ChainLink[] {
  const ordinal = (chain[0]?.ordinal ?? 0) + 1
  const below = ordinal - (ordinal & -ordinal)
  return [{ stateGroup, ordinal }, ...chain.filter((link) => link.ordinal <= below)]
}

/** The group on top of a chain, for one that had no more than `before`. */
export function newGroupOf(before: readonly ChainLink[], after: readonly ChainLink[], entries: NewStateGroup['entries']): NewStateGroup {
  const below = after[1]?.ordinal ?? 0
  const merged = before.filter((link) => link.ordinal > below).map((link) => link.stateGroup)
  return { stateGroup: after[0]?.stateGroup ?? '', ordinal: after[0]?.ordinal ?? 1, previous: after[1]?.stateGroup, merged, entries }
}

/** The target of a redaction that is not here. */
export function unknownTarget(pdu: Pdu, rules: Room['rules'], targets: ReadonlyMap<EventId, TimelineEvent>): EventId | undefined {
  if (pdu.type !== 'm.room.redaction') return undefined
  const target = rules.redactsInContent ? pdu.content['redacts'] : pdu.redacts
  return isEventId(target) && !targets.has(target) ? target : undefined
}

/**
 * What a redaction makes of its target: the target pruned; nothing when it is another room's, redacted already, or none; or a refusal, also where only who
 * may redact everything may redact what is not here. Whether what another server sent (`isReceived`) waits for a target is not asked here.
 */
export function redactionOf(
  pdu: Pdu,
  eventId: EventId,
  room: Pick<Room, 'roomId' | 'rules'>,
  readState: ReadState,
  targets: ReadonlyMap<EventId, TimelineEvent>,
  isReceived = false,
): TimelineEvent | undefined | 'refused' {
  const target = targets.get((room.rules.redactsInContent ? pdu.content['redacts'] : pdu.redacts) as EventId)
  if (target !== undefined && (target.roomId !== room.roomId || target.redactedBy !== undefined)) return undefined
  // "The power level of the redaction event's sender is greater than or equal to the redact level", or "the domain of the sender of the
  // redaction event matches that of the original event's". https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions
  const scope = powerScope(readState, room.rules)
  const mayRedact = userPower(scope, pdu.sender) >= actionLevel(scope, 'redact')
  // Whose event it is that is not here nobody knows.
  if (target === undefined) return mayRedact || unknownTarget(pdu, room.rules, targets) === undefined ? undefined : 'refused'
  // Of our own users nobody redacts what another one said; of other servers' users that is for their server to say.
  const { sender } = target.pdu
  const isOwn = isReceived
    ? isOfOneServer({ eventId, sender: pdu.sender }, { eventId: target.eventId, sender }, room.rules)
    : pdu.sender === sender
  if (!mayRedact && !isOwn) return 'refused'
  return { ...target, pdu: redact(target.pdu, room.rules), thread: undefined, redactedBy: eventId, redactedBecause: pdu }
}
