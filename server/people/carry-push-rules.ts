import type { RoomId, UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { type PushRule, type PushRuleset, pushRuleKinds } from '../core/push-rules.ts'
import type { Database } from '../storage/database.ts'
import { editAccountData, readAccountData } from './account-data.ts'
import { pushRulesContent, pushRulesOf, pushRulesType } from './push-rules.ts'

/**
 * Gives a user the push rules of a room for the room that replaces it. What they have set for that one already stays as it is.
 * https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
 */
export async function carryPushRules(database: Database, userId: UserId, from: RoomId, to: RoomId): Promise<void> {
  const carried = (kept: JsonObject | undefined) => withCarried(pushRulesOf(userId, kept), from, to)
  if (carried(await readAccountData(database, userId, undefined, pushRulesType)) === undefined) return
  await editAccountData(database, userId, undefined, pushRulesType, (kept) => {
    const rules = carried(kept)
    return rules === undefined ? undefined : pushRulesContent(rules)
  })
}

/** The rules with those of `from` repeated for `to`; undefined when there are none. */
function withCarried(rules: PushRuleset, from: RoomId, to: RoomId): PushRuleset | undefined {
  let found = false
  const all = pushRuleKinds.map((kind) => {
    const ids = new Set(rules[kind].map(({ rule_id }) => rule_id))
    const list = rules[kind].flatMap((rule) => {
      const copy = copyFor(rule, from, to)
      if (copy === undefined || ids.has(copy.rule_id)) return [rule]
      found = true
      return [copy, rule]
    })
    return [kind, list] as const
  })
  return found ? (Object.fromEntries(all) as unknown as PushRuleset) : undefined
}

function copyFor(rule: PushRule, from: RoomId, to: RoomId): PushRule | undefined {
  if (rule.default) return undefined
  if (rule.rule_id === from && rule.conditions === undefined) return { ...rule, rule_id: to }
  const isOfRoom = (condition: unknown) => isJsonObject(condition) && condition['key'] === 'room_id' && condition['pattern'] === from
  if (!rule.conditions?.some(isOfRoom)) return undefined
  const conditions = rule.conditions.map((condition) => (isOfRoom(condition) ? { ...condition, pattern: to } : condition))
  return { ...rule, rule_id: rule.rule_id.includes(from) ? rule.rule_id.replace(from, to) : `${rule.rule_id} ${to}`, conditions }
}
