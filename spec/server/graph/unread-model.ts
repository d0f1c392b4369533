import type { UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { PushContext } from '../../../server/core/push-conditions.ts'
import { compileRules, evaluate, type PushRuleset } from '../../../server/core/push-rules.ts'

/** An event as the model remembers it: what it was when it was sent, and the room before it. */
export type Said = {
  readonly id: string
  readonly event: JsonObject
  readonly sender: UserId
  readonly thread: string | undefined
  readonly memberCount: number
  readonly senderPower: number
  readonly roomLevel: number
  readonly readerName: string | undefined
  redacted: boolean
}

/** All that happened, in order, and what the reader did about it. Receipts say up to which event, by thread (none: everything). */
export type Life = {
  readonly said: Said[]
  readonly receipts: Map<string | undefined, number>
  rules: PushRuleset
  ignored: Set<UserId>
  /** The event of the reader's last arrival; -1 while the reader is not in the room. */
  arrival: number
}

export type Counts = Record<string, readonly [notifications: number, highlights: number]>

/** What is unread, by thread (`main` for none): the whole history, looked at from the beginning. */
export function unreadByModel(reader: UserId, life: Life): Counts {
  if (life.arrival < 0) return {}
  const rules = compileRules(life.rules)
  const counts: Counts = {}
  life.said.forEach((one, at) => {
    if (at <= readUpTo(reader, life, one.thread) || one.redacted || one.sender === reader || life.ignored.has(one.sender)) return
    const context: PushContext = {
      userId: reader,
      displayName: one.readerName,
      memberCount: one.memberCount,
      senderPower: one.senderPower,
      notificationLevel: () => one.roomLevel,
    }
    const { notify, highlight } = evaluate(rules, one.event, context)
    if (!notify) return
    const [notifications, highlights] = counts[one.thread ?? 'main'] ?? [0, 0]
    counts[one.thread ?? 'main'] = [notifications + 1, highlights + (highlight ? 1 : 0)]
  })
  return counts
}

/**
 * The thread of an event with this content: that of its relation, or of what it relates to or replies to, at most three events away. Redacted events
 * relate to nothing.
 */
export function threadByModel(said: readonly Said[], content: JsonObject, hops = 3): string | undefined {
  const relation = content['m.relates_to'] as { rel_type?: string; event_id?: string; 'm.in_reply_to'?: { event_id: string } } | undefined
  if (relation?.rel_type === 'm.thread') return relation.event_id
  const parentId = relation?.event_id ?? relation?.['m.in_reply_to']?.event_id
  const parent = said.find(({ id }) => id === parentId)
  if (parent === undefined || parent.redacted || hops === 0) return undefined
  return threadByModel(said, parent.event['content'] as JsonObject, hops - 1)
}

function readUpTo(reader: UserId, { said, receipts, arrival }: Life, thread: string | undefined): number {
  const lastSaid = said.findLastIndex((one) => one.sender === reader && one.thread === thread)
  return Math.max(arrival, lastSaid, receipts.get(undefined) ?? -1, receipts.get(thread ?? 'main') ?? -1)
}
