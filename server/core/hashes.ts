import { hash } from 'node:crypto'
import { decodeBase64 } from './base64.ts'
import { canonicalJson } from './canonical-json.ts'
import { type EventId, isEventId } from './ids.ts'
import type { JsonObject } from './json.ts'
import { badJson } from './matrix-error.ts'
import { type Pdu, type Reference, referenceTo } from './pdu.ts'
import { redact } from './redaction.ts'
import type { RoomRules } from './room-versions.ts'

/**
 * The hash of all of an event, for its `hashes.sha256`: unpadded Base64.
 * https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event
 */
export function contentHash(pdu: Partial<Pdu> | JsonObject, rules: Pick<RoomRules, 'strictJson'> = { strictJson: true }): string {
  const hashed = { ...(pdu as JsonObject), hashes: undefined, signatures: undefined, unsigned: undefined }
  return unpadded(hash('sha256', canonicalJson(hashed, rules.strictJson), 'base64'))
}

/** Whether an event's content is the one that its hash was taken of; if not, only its redacted form may be used. */
export function hasRightHash(pdu: Pdu, rules: RoomRules): boolean {
  const claimed = decodeBase64(pdu.hashes.sha256)
  return claimed?.equals(Buffer.from(contentHash(pdu, rules), 'base64')) ?? false
}

/** The bytes of an event that its signatures and its reference hash cover: redacted, without `signatures` and `unsigned`. */
export function signedText(pdu: Partial<Pdu> | JsonObject, rules: RoomRules): string {
  const covered = { ...(redact(pdu as JsonObject, rules) as JsonObject), signatures: undefined, unsigned: undefined }
  return canonicalJson(covered, rules.strictJson)
}

/**
 * The hash of an event's essential parts: unpadded Base64, standard or URL-safe as the room version has it for event ids.
 * https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event
 */
export function referenceHash(pdu: Pdu, rules: RoomRules): string {
  return referenceHashOf(signedText(pdu, rules), rules)
}

/** An event's id: what the event says in versions 1 and 2, its reference hash since then, for which its `signedText` may be given. Throws `M_BAD_JSON` if there is none. */
export function eventIdOf(pdu: Pdu, rules: RoomRules, signed?: string): EventId {
  if (rules.eventIds !== 'wire') return `$${referenceHashOf(signed ?? signedText(pdu, rules), rules)}`
  if (!isEventId(pdu.event_id)) throw badJson('the event has no event_id')
  return pdu.event_id
}

const references = new WeakMap<Pdu, Reference>()

/** How other events cite this one. In versions 1 and 2 that takes its hash, once for as long as it is in memory. */
export function referenceOf(eventId: EventId, pdu: Pdu, rules: RoomRules): Reference {
  if (rules.eventIds !== 'wire') return eventId
  const known = references.get(pdu)
  if (known !== undefined) return known
  const reference = referenceTo(eventId, referenceHash(pdu, rules), rules)
  references.set(pdu, reference)
  return reference
}

/** The reference hash of an event whose `signedText` is known already. */
export function referenceHashOf(text: string, rules: Pick<RoomRules, 'eventIds'>): string {
  return rules.eventIds === 'base64url' ? hash('sha256', text, 'base64url') : unpadded(hash('sha256', text, 'base64'))
}

/** A SHA-256 in Base64 always ends with one `=`. */
function unpadded(base64: string): string {
  return base64.slice(0, -1)
}
