import { isJsonObject, type JsonObject } from './json.ts'
import type { Pdu } from './pdu.ts'
import type { RedactionRules, RoomRules } from './room-versions.ts'

/**
 * Strips an event of all that its room version does not need to keep the room working.
 * https://spec.matrix.org/v1.19/client-server-api/#redactions and "Redactions" of each room version.
 */
export function redact<E extends JsonObject | Pdu>(event: E, rules: Pick<RoomRules, 'redaction'>): E {
  const source = event as JsonObject
  const kept: Record<string, JsonObject[string]> = {}
  for (const key in source) if (rules.redaction.keys.has(key)) kept[key] = source[key]
  if (isJsonObject(source['content'])) kept['content'] = redactContent(source['type'], source['content'], rules.redaction)
  return kept as E
}

function redactContent(type: unknown, content: JsonObject, rules: RedactionRules): JsonObject {
  const allowed = typeof type === 'string' && Object.hasOwn(rules.content, type) ? rules.content[type]! : []
  if (allowed === true) return content
  const kept: Record<string, JsonObject[string]> = {}
  for (const key of allowed) if (Object.hasOwn(content, key)) kept[key] = content[key]
  if (type === 'm.room.member' && rules.keepsThirdPartySigned) keepSigned(content['third_party_invite'], kept)
  return kept
}

/** "Additionally, it allows the `signed` key of the `third_party_invite` key." (since version 11) */
function keepSigned(invite: JsonObject[string], kept: Record<string, JsonObject[string]>): void {
  if (isJsonObject(invite) && invite['signed'] !== undefined) kept['third_party_invite'] = { signed: invite['signed'] }
}
