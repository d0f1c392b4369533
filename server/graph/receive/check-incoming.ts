import { inOrder } from '../../core/canonical-json.ts'
import { eventIdOf, hasRightHash, signedText } from '../../core/hashes.ts'
import { type EventId, isUserId, type RoomId, type ServerName, serverNameOf } from '../../core/ids.ts'
import type { Json } from '../../core/json.ts'
import { MatrixError } from '../../core/matrix-error.ts'
import { checkPduShape, type Pdu } from '../../core/pdu.ts'
import { redact } from '../../core/redaction.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import { policyKeyId } from '../../core/servers/policy-server.ts'
import { signersOf, verifySigned } from '../../core/signatures.ts'
import type { KeyRing } from '../../remote/key-ring.ts'

/** An event of another server that is well-formed and signed; pruned, if what it says is not what was hashed. */
export type Incoming = {
  readonly eventId: EventId
  readonly pdu: Pdu
  /** Whose valid signatures it bears, as far as they matter. */
  readonly signedBy: ReadonlySet<ServerName>
  /** Whether it is what is left of an event that says something else than what was hashed, or nothing any more. */
  readonly isPruned?: boolean
}

const mostKeysTried = 4

/**
 * The first three checks on receipt of a PDU; in words why it is dropped, or the event.
 * https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export async function checkIncoming(
  keyRing: Pick<KeyRing, 'find'>,
  rules: RoomRules,
  roomId: RoomId,
  value: Json | undefined,
): Promise<Incoming | string> {
  // 1. Is a valid event, otherwise it is dropped.
  const given = inOrder(value)
  const shape = checkPduShape(given, rules)
  if (!shape.allowed) return shape.reason
  const { unsigned: _, ...pdu } = given as unknown as Pdu
  const identified = identify(pdu, rules)
  if (identified === undefined) return 'the event has no canonical form'
  const { eventId, text } = identified
  const isOpening = pdu.room_id === undefined && `!${eventId.slice(1)}` === roomId
  if (pdu.room_id !== roomId && !isOpening) return 'the event is of another room'
  // 3. Passes hash checks, otherwise it is redacted before being processed further.
  const kept = hasRightHash(pdu, rules) ? pdu : redact(pdu, rules)
  // 2. Passes signature checks, otherwise it is dropped. What is left of a third-party invite without what it says of one is anybody's invitation,
  // and needs their signature.
  const signers = new Set([...signersOf(pdu, rules), ...signersOf(kept, rules)])
  const signedBy = new Set<ServerName>()
  for (const server of new Set([...signers, ...authoriserOf(pdu)])) {
    if (await isSigned(keyRing, pdu, text, rules, server)) signedBy.add(server)
  }
  for (const server of signers) if (!signedBy.has(server)) return `no valid signature of ${server}`
  // Who vouches for a join signs it too. Its key may be had another time: then the join must not have been rejected for ever.
  const vouching = rules.restrictedJoin && kept.content['membership'] === 'join' ? authoriserOf(kept) : []
  for (const server of vouching) if (!signedBy.has(server)) return `no valid signature of ${server}, which is to vouch for the join`
  return { eventId, pdu: kept, signedBy, ...(kept === pdu ? {} : { isPruned: true }) }
}

/** Whether a server tells less of another one's event than that may: then it can have changed it on the way, so that nobody takes it as it was. */
export function mayBeChanged(origin: ServerName, { pdu, isPruned }: Incoming): boolean {
  return isPruned === true && serverNameOf(pdu.sender) !== origin
}

/** The id of an event; undefined of one that has no canonical form. */
export function idOf(pdu: Pdu, rules: RoomRules): EventId | undefined {
  return identify(pdu, rules)?.eventId
}

function identify(pdu: Pdu, rules: RoomRules): { readonly eventId: EventId; readonly text: string } | undefined {
  try {
    const text = signedText(pdu, rules)
    return { eventId: eventIdOf(pdu, rules, text), text }
  } catch (error) {
    if (error instanceof MatrixError) return undefined
    throw error
  }
}

/** https://spec.matrix.org/v1.19/server-server-api/#restricted-rooms */
function authoriserOf({ type, content }: Pdu): ServerName[] {
  const authoriser = type === 'm.room.member' ? content['join_authorised_via_users_server'] : undefined
  return isUserId(authoriser) ? [serverNameOf(authoriser)] : []
}

async function isSigned(keyRing: Pick<KeyRing, 'find'>, pdu: Pdu, text: string, rules: RoomRules, server: ServerName): Promise<boolean> {
  const signatures = Object.hasOwn(pdu.signatures, server) ? (pdu.signatures[server] ?? {}) : {}
  // What it signs as a policy server says nothing of whose the event is.
  const keyIds = Object.keys(signatures).filter((keyId) => keyId !== policyKeyId)
  for (const keyId of keyIds.slice(0, mostKeysTried)) {
    const at = rules.enforceKeyValidity ? pdu.origin_server_ts : undefined
    const key = keyId.startsWith('ed25519:') ? await keyRing.find({ serverName: server, keyId, at }) : undefined
    if (key !== undefined && verifySigned(text, pdu, server, keyId, key)) return true
  }
  return false
}
