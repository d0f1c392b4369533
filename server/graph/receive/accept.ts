import { defaultEffect, noEffect } from '../../core/default-effect.ts'
import { checkAuthRules } from '../../core/event-auth/check-auth-rules.ts'
import { referenceOf } from '../../core/hashes.ts'
import { type EventId, isUserId, type RoomId, type ServerName, type UserId } from '../../core/ids.ts'
import { MatrixError } from '../../core/matrix-error.ts'
import { type Pdu, prevEventIdsOf, type ReadState } from '../../core/pdu.ts'
import { redact } from '../../core/redaction.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import { isSearched } from '../../core/searched-events.ts'
import type { PolicyServer } from '../../core/servers/policy-server.ts'
import { guard, type Part, type Select, type Write, write } from '../../storage/database.ts'
import { headOf, loadRelated } from '../append.ts'
import { applyChanged, rowsOfChanged } from '../changed-past.ts'
import { groupWrites } from '../commit.ts'
import { chainWith, type Decided, type Decision, findOn, mayNotifyRoom, type NewStateGroup, newGroupOf } from '../draft.ts'
import type { Received, StateEvent, Template } from '../graph.ts'
import { policyOn, toBeAsked } from '../policy/policy.ts'
import { pastRelationWrites } from '../relations/relations.ts'
import { type ChainLink, type DraftHead, type Room, type StateChange, stateKeyOf } from '../room.ts'
import { need, refresh } from '../rooms.ts'
import { outlierWrite } from './auth-events.ts'
import type { Incoming } from './check-incoming.ts'
import { commitAll } from './commit-on.ts'
import type { Source } from './fetch-missing.ts'
import { bytesOfReceived, depthOf, orderOfHistory } from './known-events.ts'
import type { ReceiveTools } from './receive-tools.ts'
import {
  isOutdated,
  noOtherWaiting,
  powersAt,
  readWaiting,
  redactedBeforeWrites,
  redactionBy,
  redactionInHistory,
  type Target,
  targetOf,
  type Waiting,
} from './redactions.ts'
import type { Resolved } from './resolve-state.ts'
import type { Before } from './state-before.ts'
import { deleteMissing, insertAside, insertWaitingRedaction, selectReceived, updateStandsOn } from './stored.store.ts'

/** Why an event takes no place in the timeline. */
type Aside = 'soft-failed' | 'withheld' | 'history' | { readonly rejected: string; readonly isPast?: boolean }

/** An event with the state after it, and what must be known to decide on it. */
export type Arriving = {
  readonly event: Incoming
  /** This server's name. */
  readonly here: ServerName
  readonly before: Before
  readonly after: string
  readonly afterChain: readonly ChainLink[]
  readonly newGroup: NewStateGroup | undefined
  readonly replaces: StateEvent | undefined
  readonly target: Target
  readonly thread: EventId | undefined
  readonly how?: How
  /** Redactions of it that came before it. */
  readonly waiting: Waiting
}

const mostTries = 100
/** Of no room: what claims it is decided under the room's lock. */
const noVersion = -1

export type How = {
  /** Whether this server tells the others of it. */
  readonly passOn: boolean
  /** Whether the room stands on events above it already: then it takes its place in the timeline, and nothing else. */
  readonly isCited: boolean
  /** Memberships that the event cites, for a room that does not know them yet. */
  readonly vouched?: readonly StateEvent[]
}

/** Keeps an event that is no part of the timeline: what others build on it can be judged all the same. */
export async function keepAside(tools: ReceiveTools, source: Source, event: Incoming, before: Before, why: Aside): Promise<Received> {
  for (let tries = 0; tries < mostTries; tries++) {
    const arriving = typeof why === 'object' ? { event, before } : await arrive(tools, source, event, before)
    const kept = await keepOnce(tools, source, arriving, why)
    if (kept !== undefined) return kept
  }
  throw new Error('what an event is about changes faster than it can be kept')
}

/** Undefined where another process has brought in meanwhile what it is about. */
async function keepOnce(
  tools: ReceiveTools,
  source: Source,
  kept: Arriving | Pick<Arriving, 'event' | 'before'>,
  why: Aside,
): Promise<Received | undefined> {
  const { event, before } = kept
  const { eventId, pdu } = event
  const { roomId } = source
  const arriving = 'target' in kept ? kept : undefined
  const room = why === 'history' ? await tools.rooms.load(roomId) : undefined
  const powers = room && arriving?.target.id !== undefined ? await powersAt(tools.past, before.stateGroup) : () => undefined
  const past = room && arriving && redactionInHistory(room, arriving, powers)
  const isRefused = why === 'soft-failed' || (typeof why === 'object' && why.isPast !== true)
  const isShown = why === 'history' && !past?.isWithheld
  // What a refused event cites is not missed: it may still come as news; but for one of the past, behind which history goes on.
  const writes: Write[] = [...(isRefused ? [] : before.writes), write(deleteMissing, roomId, eventId)]
  if (arriving?.newGroup) writes.push(...groupWrites(roomId, arriving.newGroup))
  const flags = [typeof why === 'object' ? 1 : 0, typeof why === 'object' || isShown ? 0 : 1] as const
  const place = [depthOf(pdu), orderOfHistory(eventId), pdu.type, pdu.state_key ?? null, pdu.sender] as const
  const notes = [arriving?.replaces?.eventId ?? null, arriving?.thread ?? null, Number(pdu.origin_server_ts)] as const
  const json = bytesOfReceived(pdu, source.rules)
  writes.push(write(insertAside, eventId, roomId, ...place, arriving?.after ?? before.stateGroup, ...flags, ...notes, json))
  if (isShown) writes.push(...pastRelationWrites(roomId, eventId, pdu))
  else if (before.standsOn) writes.push(write(updateStandsOn, before.standsOn, eventId))
  if (past) writes.push(...past.writes)
  const { id } = arriving?.target ?? {}
  if (why === 'withheld' && id !== undefined) writes.push(write(insertWaitingRedaction, id, eventId))
  // What was here of it as part of a state may have been less, or more.
  const form = pdu.state_key === undefined ? undefined : (past?.pruned ?? { eventId, pdu })
  const changed = { redacted: past?.redacted, form }
  // Whoever follows the log learns of what may be found by its words, though it changes nothing now.
  const found = isShown && isSearched(pdu) ? [{ kind: 'history', key: eventId }] : []
  const part: Part = { writes, log: room ? [...found, ...(await rowsOfChanged(tools.database, changed))] : found }
  const isDecided = why !== 'withheld' && why !== 'history'
  const outcome = await tools.database.commit(isDecided || !arriving ? part : unlessOutdated(tools, roomId, arriving, part))
  if (!outcome.ok) return undefined
  if (room) applyChanged(room, changed)
  if (typeof why === 'object') return { rejected: why.rejected }
  return why === 'history' ? 'accepted' : 'soft-failed'
}

/** What is written only while nothing has come that an event redacts or that redacts it: under the lock of the room, as these are written. */
function unlessOutdated({ database }: ReceiveTools, roomId: RoomId, arriving: Arriving, part: Part): Part {
  if (!database.shared) return part
  const decideAgain = async (select: Select) => ((await isOutdated(select, roomId, arriving)) ? undefined : part)
  return { ...part, room: { id: roomId, version: noVersion, decideAgain } }
}

/** Takes an event into the room: judged by the current state, joined with what else the room's newest events are, and committed. */
export async function acceptEvent(tools: ReceiveTools, source: Source, event: Incoming, before: Before, how: How): Promise<Received> {
  return settle(
    tools,
    source,
    { ...(await arrive(tools, source, event, before)), how },
    {
      refused: (why, arriving) => keepOnce(tools, source, arriving, why === 'withheld' ? why : 'soft-failed'),
      gone: () => ({ dropped: 'this server has left the room' }),
      commit: (room, head, decision, arriving) => commitDecision(tools, room, head, decision, arriving),
    },
  )
}

/** What comes of an event: why it is not taken now, that the room is no more, or how it is written; undefined when the room has moved on meanwhile. */
export type Ending<T> = {
  readonly refused: (why: MatrixError | 'withheld' | undefined, arriving: Arriving) => T | Promise<T | undefined>
  readonly gone: () => T
  readonly commit: (room: Room, head: DraftHead, decision: Decision, arriving: Arriving) => Promise<T | undefined>
}

/** Decides on an event until it is refused or written; what has to be known first, or signed by the room's policy server, is asked for in between. */
export async function settle<T>(tools: ReceiveTools, source: Source, first: Arriving, { refused, gone, commit }: Ending<T>): Promise<T> {
  let arriving = first
  const { event } = first
  const resolutions = new Map<string, Resolved>()
  const differences = new Map<string, readonly StateChange[]>()
  let isKept = false
  for (let tries = 0; tries < mostTries; tries++) {
    const room = await tools.rooms.load(source.roomId)
    if (room === undefined) return gone()
    if (tools.database.shared && tries > 0) await refresh(tools.database.select, room, tools.memberships)
    await need(tools.database.select, room, tools.memberships, usersOf(event))
    if (tools.rooms.peek(source.roomId) !== room) continue
    const head = headOf(room)
    const decision = decide(room, head, arriving, resolutions, differences)
    if (typeof decision === 'string') {
      const ended = await refused(decision === 'withheld' ? decision : undefined, arriving)
      if (ended !== undefined) return ended
    } else if ('unsigned' in decision) {
      // 7. Is validated by the Policy Server, if the room is using a Policy Server, otherwise it is "soft failed".
      const { eventId, pdu } = arriving.event
      const ask = (until?: AbortSignal) => tools.askPolicy({ eventId, pdu, rules: source.rules, by: decision.unsigned }, until)
      const time = source.budget?.signal()
      const asked = await ask(time)
      // That time has run out for other events says nothing of this one, which is refused for ever.
      const signed = asked instanceof MatrixError && time?.aborted ? await ask() : asked
      if (signed instanceof MatrixError) return (await refused(signed, arriving)) as T
      arriving = { ...arriving, event: { ...arriving.event, pdu: signed } }
      continue
    } else if (Array.isArray(decision)) {
      if (!isKept) await keepBeforehand(tools, source, arriving)
      isKept = true
      await learn(tools, room, decision, resolutions, differences)
      continue
    } else {
      const done = await commit(room, head, decision as Decision, arriving)
      if (done !== undefined) return done
    }
    arriving = { ...arriving, ...(await readAbout(tools, source, arriving.event)) }
  }
  throw new Error('a room moves on faster than an event can be taken in')
}

/** What an event brings, and what is on disk that it is about. */
export async function arrive(tools: ReceiveTools, source: Source, event: Incoming, before: Before): Promise<Arriving> {
  const { eventId, pdu } = event
  const room = await tools.rooms.load(source.roomId)
  const stateKey = pdu.state_key
  const below = room?.stateGroup === before.stateGroup ? room.chain : await tools.states.chain(before.stateGroup)
  const afterChain = stateKey === undefined ? below : chainWith(below, eventId)
  const about = await readAbout(tools, source, event)
  return {
    event,
    here: tools.serverName,
    before,
    after: stateKey === undefined ? before.stateGroup : eventId,
    afterChain,
    newGroup: stateKey === undefined ? undefined : newGroupOf(below, afterChain, [[pdu.type, stateKey, eventId]]),
    replaces: stateKey === undefined ? undefined : await tools.past.entry(before.stateGroup, pdu.type, stateKey),
    ...about,
  }
}

/** What is on disk that an event is about, or that is about it. */
async function readAbout(tools: ReceiveTools, source: Source, event: Incoming): Promise<Pick<Arriving, 'target' | 'thread' | 'waiting'>> {
  const { type, sender, content, redacts } = event.pdu
  const room = await tools.rooms.load(source.roomId)
  const template: Template = { type, sender, content, ...(redacts ? { redacts } : {}) }
  const { targets, threads } = room
    ? await loadRelated(tools.database.select, [template], room)
    : { targets: new Map(), threads: new Map() }
  const waiting = await readWaiting(tools, source, event)
  return { target: targetOf(event, source.rules, targets), thread: threads.get(template), waiting }
}

type Question = { readonly groups: readonly string[] } | { readonly from: string; readonly to: string }

function vouchedAt({ how }: Arriving, type: string, stateKey: string): Pdu | undefined {
  return how?.vouched?.find(({ pdu }) => pdu.type === type && pdu.state_key === stateKey)?.pdu
}

/** Decides on a head without waiting; what has to be known first comes back as questions. */
export function decide(
  room: Room,
  head: DraftHead,
  arriving: Arriving,
  resolutions: ReadonlyMap<string, Resolved>,
  differences: ReadonlyMap<string, readonly StateChange[]>,
): Decision | 'soft-failed' | 'withheld' | Question[] | { readonly unsigned: PolicyServer } {
  const { event, before, after, afterChain, newGroup } = arriving
  const { eventId, pdu, signedBy } = event
  const { rules } = room
  const find = findOn(room, head)
  const readState: ReadState = (type, stateKey) => find(type, stateKey)?.pdu ?? vouchedAt(arriving, type, stateKey)
  if (!checkAuthRules(pdu, rules, readState, (server) => signedBy.has(server)).allowed) return 'soft-failed'
  const redaction = redactionBy(room, arriving, readState)
  if (redaction === 'refused') return 'soft-failed'
  const unsigned = toBeAsked(pdu, rules, policyOn(room, head, arriving.here))
  if (unsigned !== undefined) return { unsigned }
  if (redaction === 'withheld') return redaction
  const { tips, isLinear, groups } = standOn(head, arriving, rules)
  const resolved = arriving.how?.isCited
    ? head
    : isLinear || groups.length === 1
      ? { stateGroup: after, chain: afterChain }
      : resolutions.get(keyOf(groups))
  if (resolved === undefined) return [{ groups }]
  const redactedBy = arriving.waiting.by
  const kept = redactedBy ? redact(pdu, rules) : pdu
  const changes = changesOf(isLinear, head, resolved, { eventId, pdu: kept }, differences)
  if (changes === undefined) return [{ from: head.stateGroup, to: resolved.stateGroup }]
  const effect = redactedBy ? noEffect : defaultEffect(pdu, () => mayNotifyRoom(pdu, rules, readState))
  const notifying = head.notifying + (effect.notifies ? 1 : 0)
  const decided: Decided = {
    eventId,
    pdu: kept,
    stateGroup: after,
    headGroup: resolved.stateGroup,
    newGroups: newGroup ? [newGroup] : [],
    changes,
    notifying,
    effect,
    replaces: arriving.replaces,
    redaction,
    redactedBy,
    thread: redactedBy ? undefined : arriving.thread,
    delayId: undefined,
    received: true,
    ...(before.writes.length > 0 || before.isOverGap ? { gap: true as const } : {}),
    waitsFor: arriving.target.event === undefined ? arriving.target.id : undefined,
  }
  return { events: [decided], head: headWith(head, decided, tips, resolved) }
}

/** The head that a decided event makes of one. */
function headWith(
  head: DraftHead,
  { pdu, notifying, changes }: Decided,
  tips: ReturnType<typeof standOn>['tips'],
  { stateGroup, chain }: Resolved,
): DraftHead {
  return {
    version: head.version + 1,
    extremities: tips.map(({ id }) => id),
    references: tips.map(({ reference }) => reference),
    forks: tips.map(({ group }) => group),
    depth: Math.max(head.depth, depthOf(pdu)),
    notifying,
    stateGroup,
    chain,
    state: stateWith(head.state, changes),
  }
}

function stateWith(before: DraftHead['state'], changes: readonly StateChange[]): DraftHead['state'] {
  const state = new Map(before)
  for (const { type, stateKey, event } of changes) state.set(stateKeyOf(type, stateKey), event)
  return state
}

/** What the room stands on with an event: it takes the place of what it cites, unless others cite it already. */
function standOn(head: DraftHead, { event: { eventId, pdu }, before, after, how }: Arriving, rules: RoomRules) {
  const cited = new Set(how?.isCited ? [] : [...prevEventIdsOf(pdu), ...(before.standsOn ?? [])])
  const others = head.extremities.flatMap((id, at) =>
    cited.has(id) ? [] : [{ id, reference: head.references[at] ?? id, group: head.forks[at] ?? head.stateGroup }],
  )
  const tips = how?.isCited ? others : [...others, { id: eventId, reference: referenceOf(eventId, pdu, rules), group: after }]
  const groups = [...new Set(tips.map(({ group }) => group))]
  return { tips, groups, isLinear: others.length === 0 && before.stateGroup === head.stateGroup }
}

const none: readonly StateChange[] = []

function changesOf(
  isLinear: boolean,
  head: DraftHead,
  resolved: Resolved,
  event: StateEvent,
  differences: ReadonlyMap<string, readonly StateChange[]>,
): readonly StateChange[] | undefined {
  const { eventId, pdu } = event
  if (resolved.stateGroup === head.stateGroup) return none
  if (isLinear) return [{ type: pdu.type, stateKey: pdu.state_key ?? '', event }]
  const changes = differences.get(keyOf([head.stateGroup, resolved.stateGroup]))
  return changes?.map((change) => (change.event?.eventId === eventId ? { ...change, event } : change))
}

/** What a fork needs on disk before its state can be resolved: the event, beside the room, and the state after it. */
async function keepBeforehand(tools: ReceiveTools, { roomId, rules }: Source, { event, newGroup }: Arriving): Promise<void> {
  const writes = [outlierWrite(roomId, rules, event, false), ...(newGroup ? groupWrites(roomId, newGroup) : [])]
  await tools.database.commit({ writes })
}

async function learn(
  { database, states }: ReceiveTools,
  { roomId, rules }: Room,
  questions: readonly Question[],
  resolutions: Map<string, Resolved>,
  differences: Map<string, readonly StateChange[]>,
): Promise<void> {
  // What was decided on before is on disk when this is.
  await database.commit({ writes: [] })
  for (const question of questions) {
    if ('groups' in question) resolutions.set(keyOf(question.groups), await states.resolve(roomId, rules, question.groups))
    else differences.set(keyOf([question.from, question.to]), await states.changes(question.from, question.to))
  }
}

/** `known` where another process has taken the event in meanwhile; undefined when the room has moved on. */
export async function commitDecision(
  tools: ReceiveTools,
  room: Room,
  head: DraftHead,
  decision: Decision,
  arriving: Arriving,
): Promise<'accepted' | 'known' | undefined> {
  const { eventId } = arriving.event
  const writes: Write[] = [...arriving.before.writes, ...(arriving.how?.isCited ? [write(deleteMissing, room.roomId, eventId)] : [])]
  const [decided] = decision.events
  if (decided?.redactedBy) writes.push(...redactedBeforeWrites(room, eventId, decided.pdu, decided.redactedBy))
  // Whoever sends for other servers is told that this one is for us to pass on.
  const log = arriving.how?.passOn ? [{ kind: 'relay', key: eventId }] : []
  const guards = noOtherWaiting(room.roomId, eventId, arriving.waiting)
  if (tools.database.shared) guards.push(guard('received', 'no row', selectReceived, eventId))
  const outcome = await commitAll(tools, room, head, decision, { guards, writes, log })
  if (outcome.ok) return 'accepted'
  return outcome.guard === 'received' ? 'known' : undefined
}

function keyOf(groups: readonly string[]): string {
  return groups.join('\0')
}

/** Whose memberships a decision will read. */
export function usersOf({ pdu }: Incoming): UserId[] {
  const users = [pdu.sender]
  if (pdu.type !== 'm.room.member') return users
  const authoriser = pdu.content['join_authorised_via_users_server']
  return [...users, pdu.state_key as UserId, ...(isUserId(authoriser) ? [authoriser] : [])]
}
