import type { EventId, RoomId, UserId } from '../core/ids.ts'
import { duplicateAnnotation, forbidden } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import type { Part, Select } from '../storage/database.ts'
import { idsOf, partOf, transactionKey } from './commit.ts'
import { committedHead, type Decided, type Decision, decide, type Loaded } from './draft.ts'
import { selectEvent, selectRedactable } from './events.store.ts'
import type { Appended, AppendOptions, Graph, Template, TimelineEvent } from './graph.ts'
import type { Memberships } from './memberships.ts'
import { untilWhole } from './partial/until-whole.ts'
import { policyOn } from './policy/policy.ts'
import {
  applyChanges,
  applyEvent,
  applyMembers,
  applyRedaction,
  type Draft,
  type DraftHead,
  type Room,
  setPartial,
  takeHead,
} from './room.ts'
import { need, type Rooms, refresh } from './rooms.ts'
import { eventOf } from './stored-event.ts'
import { selectTransaction } from './transactions.store.ts'
import { threadOfContent } from './unread/thread-of.ts'

type Tools = Pick<Home, 'database' | 'serverName' | 'signingKey' | 'clock' | 'random' | 'notifier'>

/** What an append works on; kept so that it can be decided again. */
type Job = {
  readonly room: Room
  readonly templates: readonly Template[]
  readonly options: AppendOptions
  readonly loaded: Loaded
  /** The draft as it stands in the room's list, its decision, and the positions of its events within the part. */
  draft: Draft | undefined
  decision: Decision | undefined
  positions: readonly number[]
  refusal: string | undefined
}

/**
 * Appends local events to a room, in order, in one part: build → authorise → hash → sign → commit. Resolves once durable.
 * 403 M_FORBIDDEN with the rule's words when one is refused, or when this server does not have the room.
 */
export async function append(
  tools: Tools & { readonly rooms: Rooms; readonly memberships: Memberships; readonly appendSigned: Graph['append'] },
  roomId: RoomId,
  templates: readonly Template[],
  options: AppendOptions = {},
): Promise<Appended> {
  const job = await startJob(tools, roomId, templates, options, false)
  if (policyOn(job.room, headOf(job.room), tools.serverName) !== undefined) return tools.appendSigned(roomId, templates, options)
  const part = prepare(tools, job, headOf(job.room), undefined)
  if (part !== undefined) return commitJob(tools, job, part)
  const earlier = await selectEarlier(tools, options)
  if (earlier !== undefined) return earlier
  if (!tools.database.shared) throw forbidden(job.refusal)
  const again = await startJob(tools, roomId, templates, options, true)
  const second = prepare(tools, again, headOf(again.room), undefined)
  if (second === undefined) throw forbidden(again.refusal)
  return commitJob(tools, again, second)
}

/** Loads all that deciding needs; from here to the draft nothing may await, or the room could leave memory before it has one. */
export async function startJob(
  tools: Pick<Parameters<typeof append>[0], 'database' | 'rooms' | 'memberships' | 'notifier' | 'serverName'>,
  roomId: RoomId,
  templates: readonly Template[],
  options: AppendOptions,
  fresh: boolean,
): Promise<Job> {
  const { database, rooms, memberships } = tools
  for (;;) {
    const room = await rooms.load(roomId)
    if (room === undefined) throw forbidden('you are not in a room with this id')
    if (fresh) await refresh(database.select, room, memberships)
    const isHalf = room.partial !== undefined && room.servers.has(tools.serverName)
    const isUnknown = (userId: UserId) => isHalf && !room.members.has(userId)
    if (usersOf(templates).some(isUnknown)) {
      await untilWhole(tools, roomId)
      continue
    }
    const loaded = await loadRelated(database.select, templates, room)
    await need(database.select, room, memberships, usersOf(templates))
    if (rooms.peek(roomId) !== room) continue
    return { room, templates, options, loaded, draft: undefined, decision: undefined, positions: [], refusal: undefined }
  }
}

async function commitJob(tools: Parameters<typeof append>[0], job: Job, part: Part): Promise<Appended> {
  try {
    const outcome = await tools.database.commit(part)
    if (outcome.ok && job.decision !== undefined) return { eventIds: idsOf(job.decision) }
    if (!outcome.ok && outcome.guard === 'room') throw forbidden(job.refusal)
    if (!outcome.ok && outcome.guard === 'annotation') throw duplicateAnnotation()
    const earlier = !outcome.ok && outcome.guard === 'transaction' ? await selectEarlier(tools, job.options) : undefined
    if (earlier !== undefined) return earlier
    return { eventIds: [], guard: outcome.ok ? '' : outcome.guard }
  } finally {
    for (const later of dropDraft(job.room, job.draft)) later.isVoid = true
  }
}

/** What the same transaction led to before: the answer of its repetitions, whatever the sender may do by then. */
export async function selectEarlier({ database }: Pick<Tools, 'database'>, { transaction }: AppendOptions): Promise<Appended | undefined> {
  const row = transaction === undefined ? undefined : await database.selectOne(selectTransaction, transactionKey(transaction))
  return row === undefined ? undefined : { eventIds: JSON.parse(row.event_ids) as EventId[] }
}

/** The head on which the next draft is decided. */
export function headOf(room: Room): DraftHead {
  room.draftHead ??= room.drafts.at(-1)?.head ?? committedHead(room)
  return room.draftHead
}

/** Decides a job on a head and puts its draft into the room's list; undefined when it is refused. */
function prepare(tools: Parameters<typeof append>[0], job: Job, base: DraftHead, replace: number | undefined): Part | undefined {
  const { room } = job
  const decision = decide(tools, room, base, job.templates, job.loaded)
  if ('allowed' in decision) {
    job.refusal = decision.reason
    return undefined
  }
  const { part, positions } = partOf(room, decision, base.version, job.options, tools.clock.now())
  const draft = addDraft(room, base.version, decision.head, replace)
  job.draft = draft
  job.decision = decision
  job.positions = positions
  return {
    ...part,
    room: {
      id: room.roomId,
      version: base.version,
      isVoid: () => draft.isVoid,
      decideAgain: (select, version, onDisk) => decideAgain(tools, job, select, { version, onDisk }),
    },
    applied: (firstPosition) => applyJob(tools, job, firstPosition),
  }
}

/** The room has moved on: read what came since and decide on that, after the drafts that are still good before this one. */
async function decideAgain(
  tools: Parameters<typeof append>[0],
  job: Job,
  select: Select,
  { version, onDisk }: { readonly version: number; readonly onDisk: number },
): Promise<Part | undefined> {
  const { room } = job
  if (room.version < onDisk) await refresh(select, room, tools.memberships)
  await need(select, room, tools.memberships, usersOf(job.templates))
  const at = job.draft === undefined ? -1 : room.drafts.indexOf(job.draft)
  const before = at < 0 ? [] : room.drafts.slice(0, at).filter((draft) => draft.claim < version && draft.claim >= room.version)
  const after = at < 0 ? room.drafts.slice() : room.drafts.slice(at + 1)
  for (const draft of after) draft.isVoid = true
  if (job.draft !== undefined) job.draft.isVoid = true
  room.drafts.splice(0, room.drafts.length, ...before, ...after)
  const base = before.at(-1)?.head ?? committedHead(room)
  return prepare(tools, job, { ...base, version }, before.length)
}

/** Puts a draft into a room's list: at its end, or at a place. */
export function addDraft(room: Room, claim: number, head: DraftHead, replace?: number): Draft {
  const draft: Draft = { claim, head, isVoid: replace === undefined && room.drafts.at(-1)?.isVoid === true }
  if (replace === undefined) room.drafts.push(draft)
  else room.drafts.splice(replace, 0, draft)
  room.draftHead = room.drafts.at(-1)?.head
  return draft
}

function applyJob(tools: Parameters<typeof append>[0], job: Job, firstPosition: number): void {
  if (job.decision === undefined) return
  dropDraft(job.room, job.draft)
  applyDecision(tools, job.room, job.decision, job.positions, firstPosition, job.options)
}

/** Puts a durable decision into memory. */
export function applyDecision(
  tools: { readonly memberships: Memberships },
  room: Room,
  decision: Decision,
  positions: readonly number[],
  firstPosition: number,
  options: AppendOptions,
): void {
  // Whoever followed another process to a later version has read these events from the disk already.
  const isRead = decision.head.version <= room.version
  if (decision.isWhole) setPartial(room, undefined)
  if (isRead) return
  decision.events.forEach((event, index) => {
    const position = firstPosition + (positions[index] ?? 0)
    applyDecided(tools, room, event, position, options)
  })
  decision.arrivals?.forEach(({ changes }, index) => {
    const position = firstPosition + (positions[decision.events.length + index] ?? 0)
    room.position = position
    applyMembers(room, changes)
    tools.memberships.apply(room.roomId, changes, position)
  })
  takeHead(room, decision.head)
}

/** Puts one durable event of ours into memory: the room's head and its members' memberships. */
export function applyDecided(
  tools: { readonly memberships: Memberships },
  room: Room,
  event: Decided,
  position: number,
  options: AppendOptions,
): void {
  const { pdu, eventId } = event
  const { transaction } = options
  const placed: TimelineEvent = {
    eventId,
    roomId: room.roomId,
    pdu,
    position,
    depth: Number(pdu.depth),
    order: position,
    stateGroup: event.stateGroup,
    headGroup: event.headGroup,
    replaces: event.replaces?.eventId,
    replacedContent: event.replaces?.pdu.content,
    replacedSender: event.replaces?.pdu.sender,
    thread: event.thread,
    redactedBy: event.redactedBy?.eventId,
    redactedBecause: event.redactedBy?.pdu,
    sentBy: transaction === undefined ? undefined : { session: transaction.session, transactionId: transaction.id },
    delayId: event.delayId,
    handed: event.handed === true,
    gap: event.gap === true,
  }
  applyEvent(room, placed, event.notifying)
  if (!changesItsOwn(event)) room.resolvedAt = position
  if (event.redaction !== undefined) applyRedaction(room, event.redaction)
  if (event.changes.length === 0) return
  applyChanges(room, event.changes)
  tools.memberships.apply(room.roomId, event.changes, position)
}

/** Whether an event changes of the state what it says itself, and nothing else: not so where the room had forked, or more came with it. */
function changesItsOwn({ pdu, eventId, changes }: Decided): boolean {
  return changes.length === (pdu.state_key === undefined ? 0 : 1) && changes.every(({ event }) => event?.eventId === eventId)
}

/** Takes a draft out of the room's list, if it is there; gives those that were decided on it. */
export function dropDraft(room: Room, draft: Draft | undefined): Draft[] {
  const at = draft === undefined ? -1 : room.drafts.indexOf(draft)
  if (at < 0) return []
  room.drafts.splice(at, 1)
  if (room.drafts.length === 0 || at === room.drafts.length) room.draftHead = undefined
  return room.drafts.slice(at)
}

/** Whose memberships a decision will read. */
export function usersOf(templates: readonly Template[]): UserId[] {
  const users: UserId[] = []
  for (const { type, sender, stateKey, content } of templates) {
    users.push(sender)
    if (type !== 'm.room.member') continue
    users.push(stateKey as UserId)
    const authoriser = content['join_authorised_via_users_server']
    if (typeof authoriser === 'string') users.push(authoriser as UserId)
  }
  return users
}

/** The events that redactions are to redact, and the threads of what relates to other events. */
export async function loadRelated(select: Select, templates: readonly Template[], room: Room): Promise<Loaded> {
  const targets = new Map<EventId, TimelineEvent>()
  const threads = new Map<Template, EventId>()
  const findBy = (statement: typeof selectEvent) => async (eventId: EventId) => {
    const inMemory = room.timeline.find((event) => event.eventId === eventId)
    const row = inMemory === undefined ? (await select(statement, eventId))[0] : undefined
    return row === undefined ? inMemory : eventOf(row)
  }
  const [find, findTarget] = [findBy(selectEvent), findBy(selectRedactable)]
  for (const template of templates) {
    const { type, content, redacts } = template
    if (content['m.relates_to'] !== undefined) {
      const thread = await threadOfContent(room.roomId, content, find)
      if (thread !== undefined) threads.set(template, thread)
    }
    if (type !== 'm.room.redaction') continue
    const targetId = (room.rules.redactsInContent ? content['redacts'] : redacts) as EventId | undefined
    const target = typeof targetId === 'string' ? await findTarget(targetId) : undefined
    if (target !== undefined) targets.set(target.eventId, target)
  }
  return { targets, threads }
}
