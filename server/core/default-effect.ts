import { isJsonObject } from './json.ts'
import type { Pdu } from './pdu.ts'
import { basePushRules, type PushRule, type PushRuleset, pushRuleKinds, readActions } from './push-rules.ts'

/** What an event does to those who have the predefined rules as they are: to everybody, and to those whom it names. */
export type DefaultEffect = {
  readonly notifies: boolean
  readonly highlights: boolean
  /** Named in `m.mentions`, at most a hundred; empty when everybody is highlighted anyway. */
  readonly named: readonly string[]
}

/** Of what nobody is told. */
export const noEffect: DefaultEffect = Object.freeze({ notifies: false, highlights: false, named: [] })
const everybody: DefaultEffect = Object.freeze({ notifies: true, highlights: false, named: [] })
const loud: DefaultEffect = Object.freeze({ notifies: true, highlights: true, named: [] })
const mostNamed = 100

const notifyingTypes: ReadonlySet<string> = new Set([
  'm.room.message',
  'm.room.encrypted',
  'm.call.invite',
  'org.matrix.msc3381.poll.start',
  'org.matrix.msc3381.poll.end',
])

/**
 * The predefined rules in short, for joined members other than the sender: decided once for an event, however many read it.
 * https://spec.matrix.org/v1.19/client-server-api/#predefined-rules
 */
export function defaultEffect(
  { type, content, state_key }: Pick<Pdu, 'type' | 'content' | 'state_key'>,
  mayNotifyRoom: () => boolean,
): DefaultEffect {
  const kind = type.toLowerCase()
  const { msgtype } = content
  if (kind === 'm.room.member' || (typeof msgtype === 'string' && msgtype.toLowerCase() === 'm.notice')) return noEffect
  const mentions = content['m.mentions']
  if (isJsonObject(mentions) && mentions['room'] === true && mayNotifyRoom()) return loud
  if (kind === 'm.room.tombstone' && state_key === '') return loud
  const named = isJsonObject(mentions) && Array.isArray(mentions['user_ids']) ? namedIn(mentions['user_ids']) : []
  const relation = content['m.relates_to']
  const isEdit = isJsonObject(relation) && relation['rel_type'] === 'm.replace'
  const notifies = !isEdit && notifyingTypes.has(kind)
  if (named.length === 0) return notifies ? everybody : noEffect
  return { notifies, highlights: false, named }
}

function namedIn(userIds: readonly unknown[]): string[] {
  return [...new Set(userIds.slice(0, mostNamed).filter((userId) => typeof userId === 'string'))]
}

const base = basePushRules('@somebody:somewhere')

/** Whether rules count events as the predefined ones do: none of the user's own, and none switched or changed in what it counts. */
export function countsByDefault(rules: PushRuleset): boolean {
  return pushRuleKinds.every(
    (kind) => rules[kind].length === base[kind].length && rules[kind].every((rule, at) => isAsPredefined(rule, base[kind][at]!)),
  )
}

function isAsPredefined(rule: PushRule, predefined: PushRule): boolean {
  if (rule.rule_id !== predefined.rule_id || rule.enabled !== predefined.enabled) return false
  const [is, was] = [readActions(rule.actions), readActions(predefined.actions)]
  return is.notify === was.notify && is.highlight === was.highlight
}

/**
 * A user's rules as far as they matter in one room: those of other rooms are left out, and all behind one that always matches. `silent`: nothing
 * notifies there.
 */
export function rulesInRoom(rules: PushRuleset, roomId: string): { readonly rules: PushRuleset; readonly silent: boolean } {
  const kept = { override: [], content: [], room: [], sender: [], underride: [] } as Record<keyof PushRuleset, PushRule[]>
  for (const kind of pushRuleKinds) {
    for (const rule of rules[kind]) {
      if (rule.default && !rule.enabled) {
        kept[kind].push(rule)
        continue
      }
      const applies = rule.enabled ? appliesIn(kind, rule, roomId) : 'never'
      if (applies === 'never') continue
      if (applies === 'always' && !readActions(rule.actions).notify && pushRuleKinds.every((each) => kept[each].every(isSilentOrOff)))
        return { rules: kept, silent: true }
      kept[kind].push(rule)
      if (applies === 'always') return { rules: kept, silent: false }
    }
  }
  return { rules: kept, silent: false }
}

function isSilentOrOff({ enabled, actions }: PushRule): boolean {
  return !enabled || !readActions(actions).notify
}

function appliesIn(kind: keyof PushRuleset, rule: PushRule, roomId: string): 'always' | 'never' | 'perhaps' {
  if (kind === 'room') return rule.rule_id === roomId ? 'always' : 'never'
  if (kind === 'content' || kind === 'sender') return 'perhaps'
  const conditions = rule.conditions ?? []
  const ofRooms = conditions.filter((one) => one.kind === 'event_match' && one.key === 'room_id' && isLiteral(one.pattern))
  if (ofRooms.some(({ pattern }) => pattern?.toLowerCase() !== roomId.toLowerCase())) return 'never'
  return ofRooms.length === conditions.length ? 'always' : 'perhaps'
}

function isLiteral(pattern: string | undefined): boolean {
  return pattern !== undefined && !/[*?]/.test(pattern)
}
