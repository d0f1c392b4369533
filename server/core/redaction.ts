import { type EventId, eventIdDomain, serverNameOf, type UserId } from './ids.ts'
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

type Sent = { readonly eventId: EventId; readonly sender: UserId }

/**
 * Whether a redaction is of the server that its target is of: then it needs no power. In versions 1 and 2 their ids tell, their senders since then.
 * https://spec.matrix.org/v1.19/rooms/v1/#authorisation-rules, https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions
 */
export function isOfOneServer(redaction: Sent, target: Sent, rules: Pick<RoomRules, 'redactionRule'>): boolean {
  if (!rules.redactionRule) return serverNameOf(redaction.sender) === serverNameOf(target.sender)
  const domain = eventIdDomain(redaction.eventId)
  return domain !== undefined && domain === eventIdDomain(target.eventId)
}

function redactContent(type: unknown, content: JsonObject, rules: RedactionRules): JsonObject {
  const allowed = typeof type === 'string' && Object.hasOwn(rules.content, type) ? rules.content[type]! : []
  if (allowed === true) return content
  const kept: Record<string, JsonObject[string]> = {}
  for (const key of allowed) if (Object.hasOwn(content, key)) kept[key] = content[key]
  if (type === 'm.room.member' && rules.keepsThirdPartySigned) keepSigned(content['third_party_invite'], kept)
  return kept
}

/**
 * "The `third_party_invite` key … is no longer redacted, but will only contain the `signed` key after redaction" (since version 11): where there is none,
 * an empty object stays. Events are named after what is left, so this is read as the servers that most rooms stand on read it.
 * https://spec.matrix.org/v1.19/rooms/v11/#redactions
 */
function keepSigned(invite: JsonObject[string], kept: Record<string, JsonObject[string]>): void {
  if (isJsonObject(invite)) kept['third_party_invite'] = Object.hasOwn(invite, 'signed') ? { signed: invite['signed']! } : {}
}
