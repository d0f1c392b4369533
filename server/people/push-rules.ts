import type { UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { basePushRules, type PushRule, type PushRuleKind, type PushRuleset, pushRuleKinds } from '../core/push-rules.ts'

/** The type of account data under which push rules are kept and told. */
export const pushRulesType = 'm.push_rules'

/**
 * A user's push rules: what was kept, and every predefined rule as it is in this release, switched and with the actions as the user set them.
 * https://spec.matrix.org/v1.19/client-server-api/#predefined-rules
 */
export function pushRulesOf(userId: UserId, kept: JsonObject | undefined): PushRuleset {
  const base = basePushRules(userId)
  const global = isJsonObject(kept?.['global']) ? kept['global'] : {}
  const merged = pushRuleKinds.map((kind) => [kind, mergeRules(base[kind], keptRules(global[kind]))] as const)
  return Object.fromEntries(merged) as Record<PushRuleKind, readonly PushRule[]>
}

/** The content of `m.push_rules`. */
export function pushRulesContent(rules: PushRuleset): JsonObject {
  return { global: rules as unknown as JsonObject }
}

/** `.m.rule.master` goes first, then the user's own, then the other predefined ones. */
function mergeRules(base: readonly PushRule[], kept: readonly PushRule[]): readonly PushRule[] {
  const byId = new Map(kept.filter((rule) => rule.default).map((rule) => [rule.rule_id, rule]))
  const predefined = base.map((rule) => {
    const before = byId.get(rule.rule_id)
    return before ? { ...rule, enabled: before.enabled, actions: before.actions } : rule
  })
  const isMaster = ({ rule_id }: PushRule) => rule_id === '.m.rule.master'
  return [...predefined.filter(isMaster), ...kept.filter((rule) => !rule.default), ...predefined.filter((rule) => !isMaster(rule))]
}

function keptRules(rules: unknown): PushRule[] {
  return Array.isArray(rules) ? (rules as PushRule[]) : []
}
