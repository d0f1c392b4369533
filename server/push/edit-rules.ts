import { canonicalJson } from '../core/canonical-json.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { badJson, invalidParam, missingParam, notFound, unknown } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { PushCondition } from '../core/push-conditions.ts'
import { type PushAction, type PushRule, type PushRuleKind, type PushRuleset, pushRuleKinds } from '../core/push-rules.ts'

/** Where a rule goes among the user's own of its kind. */
export type Place = { readonly before: string | undefined; readonly after: string | undefined }
export type NewRule = Pick<PushRule, 'actions' | 'conditions' | 'pattern'>

const mostRules = 10_000
const longestRuleId = 300
const largestRule = 1024
const knownActions: readonly string[] = ['notify', 'dont_notify', 'coalesce']

/** The kind of rule that a path names; throws `M_INVALID_PARAM`. */
export function readKind(text: string | undefined): PushRuleKind {
  const kind = pushRuleKinds.find((known) => known === text)
  if (kind === undefined) throw invalidParam('there is no such kind of push rule')
  return kind
}

/** The rule; throws `M_NOT_FOUND`. */
export function findRule(rules: PushRuleset, kind: PushRuleKind, ruleId: string): PushRule {
  const rule = rules[kind].find(({ rule_id }) => rule_id === ruleId)
  if (!rule) throw notFound('there is no such push rule')
  return rule
}

/** Reads the actions of a body. Throws `M_MISSING_PARAM`, `M_BAD_JSON`. https://spec.matrix.org/v1.19/client-server-api/#actions */
export function readActions(value: Json | undefined): PushAction[] {
  if (value === undefined) throw missingParam('actions is missing')
  if (!Array.isArray(value)) throw badJson('actions is not a list')
  for (const action of value) {
    const isTweak = isJsonObject(action) && typeof action['set_tweak'] === 'string'
    if (!isTweak && !(typeof action === 'string' && knownActions.includes(action))) throw badJson('actions has something else than actions')
  }
  return limited(value) as PushAction[]
}

/** Reads the body of a rule. Throws `M_MISSING_PARAM`, `M_BAD_JSON`. */
export function readRule(kind: PushRuleKind, body: JsonObject): NewRule {
  const actions = readActions(body['actions'])
  const { pattern, conditions } = body
  if (kind === 'content') {
    if (pattern === undefined) throw missingParam('pattern is missing')
    if (!isPlainText(pattern, largestRule)) throw badJson('pattern is not a text')
    return limited({ actions, pattern })
  }
  if (kind === 'room' || kind === 'sender') return { actions }
  if (conditions === undefined) return { actions, conditions: [] }
  if (!Array.isArray(conditions) || !conditions.every(isCondition)) throw badJson('conditions is not a list of conditions')
  return limited({ actions, conditions: conditions as unknown as readonly PushCondition[] })
}

/**
 * Adds a rule, or changes the one of its id. A new one is on, and goes before all others of the user's own if it has no place. Throws
 * `M_INVALID_PARAM` for an id that cannot be, `M_UNKNOWN` for a place beside a rule that is not there.
 * https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid
 */
export function putRule(rules: PushRuleset, kind: PushRuleKind, ruleId: string, rule: NewRule, place: Place): PushRuleset {
  if (!isPlainText(ruleId, longestRuleId) || ruleId.startsWith('.') || /[/\\]/.test(ruleId)) {
    throw invalidParam(`a rule's id has 1 to ${longestRuleId} bytes, no slashes, and no dot in front`)
  }
  const before = rules[kind].find(({ rule_id }) => rule_id === ruleId)
  if (!before && countOwn(rules) >= mostRules) throw invalidParam(`there are ${mostRules} push rules already`)
  const own = rules[kind].filter((one) => !one.default)
  const others = own.filter(({ rule_id }) => rule_id !== ruleId)
  const made: PushRule = { ...rule, rule_id: ruleId, default: false, enabled: before?.enabled ?? true }
  const at =
    placeOf(others, place) ??
    Math.max(
      own.findIndex(({ rule_id }) => rule_id === ruleId),
      0,
    )
  return withOwn(rules, kind, others.toSpliced(at, 0, made))
}

/** Takes a user's own rule away. Throws `M_NOT_FOUND`, `M_INVALID_PARAM` for a predefined one. */
export function deleteRule(rules: PushRuleset, kind: PushRuleKind, ruleId: string): PushRuleset {
  if (findRule(rules, kind, ruleId).default) throw invalidParam('a predefined rule cannot be deleted, only disabled')
  return { ...rules, [kind]: rules[kind].filter(({ rule_id }) => rule_id !== ruleId) }
}

/** Changes a rule's actions or switches it. Throws `M_NOT_FOUND`. */
export function changeRule(
  rules: PushRuleset,
  kind: PushRuleKind,
  ruleId: string,
  change: Partial<Pick<PushRule, 'enabled' | 'actions'>>,
): PushRuleset {
  const rule = findRule(rules, kind, ruleId)
  return { ...rules, [kind]: rules[kind].map((one) => (one === rule ? { ...one, ...change } : one)) }
}

function withOwn(rules: PushRuleset, kind: PushRuleKind, own: readonly PushRule[]): PushRuleset {
  const predefined = rules[kind].filter((one) => one.default)
  const isMaster = ({ rule_id }: PushRule) => rule_id === '.m.rule.master'
  return { ...rules, [kind]: [...predefined.filter(isMaster), ...own, ...predefined.filter((one) => !isMaster(one))] }
}

/** "If both `after` and `before` are provided, the new or updated rule must be the next most important rule with respect to `before`." */
function placeOf(own: readonly PushRule[], { before, after }: Place): number | undefined {
  const beside = before ?? after
  if (beside === undefined) return undefined
  const at = own.findIndex(({ rule_id }) => rule_id === beside)
  if (at < 0) throw unknown(`before/after rule not found: ${beside}`)
  return before !== undefined ? at : at + 1
}

function countOwn(rules: PushRuleset): number {
  return pushRuleKinds.reduce((sum, kind) => sum + rules[kind].filter((one) => !one.default).length, 0)
}

function isCondition(value: Json): boolean {
  if (!isJsonObject(value) || !isPlainText(value['kind'])) return false
  const { kind, key, pattern, is } = value
  if (kind === 'event_match') return isPlainText(key) && typeof pattern === 'string'
  if (kind === 'room_member_count') return isPlainText(is)
  return key === undefined || typeof key === 'string'
}

function limited<T>(value: T): T {
  if (Buffer.byteLength(canonicalJson(value as Json, false)) > largestRule)
    throw invalidParam(`a push rule has at most ${largestRule} bytes`)
  return value
}
