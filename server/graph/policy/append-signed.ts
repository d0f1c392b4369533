import type { EventId } from '../../core/ids.ts'
import { duplicateAnnotation, forbidden, MatrixError } from '../../core/matrix-error.ts'
import { relationOf } from '../../core/relation.ts'
import { selectEarlier, startJob } from '../append.ts'
import { committedHead, type Decided, decide, findOn } from '../draft.ts'
import type { Appended, AppendOptions, Template } from '../graph.ts'
import { type Arriving, arrive, settle } from '../receive/accept.ts'
import { commitAll } from '../receive/commit-on.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { duplicateGuard } from '../relations/relations.ts'
import type { Room } from '../room.ts'
import { policyOn, toBeAsked } from './policy.ts'

/** As long as a client waits for the policy server of a room. */
const patience = 30_000

/**
 * As `append`, in a room that uses a policy server: events are built where the room stands, and signed by that server, before anything is decided. They
 * stay the events that were signed, however the room has moved on meanwhile. Throws what the policy server refused with.
 * https://spec.matrix.org/v1.19/server-server-api/#asking-for-a-policy-server-signature-on-an-event
 */
export async function appendSigned(
  tools: ReceiveTools,
  roomId: Appending['room']['roomId'],
  templates: readonly Template[],
  options: AppendOptions = {},
): Promise<Appended> {
  const earlier = await selectEarlier(tools, options)
  if (earlier !== undefined) return earlier
  const { room, loaded } = await startJob(tools, roomId, templates, options, tools.database.shared)
  // What others cite must be durable.
  const head = committedHead(room)
  const decision = decide(tools, room, head, templates, loaded)
  if ('allowed' in decision) throw forbidden(decision.reason)
  const events = await signAll(tools, room, decision.events)
  const appended: Appended['eventIds'][number][] = []
  let stateGroup = head.stateGroup
  for (const [at, event] of events.entries()) {
    // What goes with all of them goes with the first.
    const { replaces } = templates[at] ?? {}
    const outcome = await commitOne(tools, { room, event, stateGroup, replaces, options: at === 0 ? options : {} })
    if (outcome !== 'done') return outcome
    appended.push(event.eventId)
    stateGroup = event.stateGroup
  }
  return { eventIds: appended }
}

/** All of them under the policy server's signature, or none. */
async function signAll(tools: ReceiveTools, room: Room, events: readonly Decided[]): Promise<Decided[]> {
  const { rules } = room
  const policy = policyOn(room, committedHead(room), tools.serverName)
  const signal = AbortSignal.timeout(patience)
  return Promise.all(
    events.map(async (event) => {
      const { eventId, pdu } = event
      const by = toBeAsked(pdu, rules, policy)
      const signed = by === undefined ? pdu : await tools.askPolicy({ eventId, pdu, rules, by }, signal)
      if (signed instanceof MatrixError) throw signed
      return { ...event, pdu: signed }
    }),
  )
}

type Appending = {
  readonly room: Room
  readonly event: Decided
  /** The state before it. */
  readonly stateGroup: string
  /** What it is to take the place of. */
  readonly replaces: EventId | undefined
  readonly options: AppendOptions
}

async function commitOne(tools: ReceiveTools, { room, event, stateGroup, replaces, options }: Appending): Promise<'done' | Appended> {
  const { roomId, rules } = room
  const { eventId, pdu, delayId } = event
  const source = { origin: tools.serverName, roomId, rules }
  const incoming = { eventId, pdu, signedBy: new Set([tools.serverName]) }
  const relation = relationOf(pdu.content)
  const guards = [...(options.guards ?? []), ...(relation === undefined ? [] : duplicateGuard(roomId, pdu, relation))]
  const first: Arriving = await arrive(tools, source, incoming, { stateGroup, writes: [] })
  return settle<'done' | Appended>(tools, source, first, {
    refused: (why) => {
      throw why ?? forbidden('the room does not allow it now')
    },
    gone: () => {
      throw forbidden('you are not in a room with this id')
    },
    commit: async (onRoom, head, decision) => {
      const standing = replaces === undefined ? undefined : findOn(onRoom, head)(pdu.type, pdu.state_key ?? '')?.eventId
      if (standing !== replaces) throw forbidden('the state has changed meanwhile')
      const events = decision.events.map((one) => ({ ...one, delayId }))
      const outcome = await commitAll(tools, onRoom, head, { ...decision, events }, { ...options, guards })
      if (outcome.ok) return 'done'
      if (outcome.guard === 'room') return undefined
      if (outcome.guard === 'annotation') throw duplicateAnnotation()
      const earlier = outcome.guard === 'transaction' ? await selectEarlier(tools, options) : undefined
      return earlier ?? { eventIds: [], guard: outcome.guard }
    },
  })
}
