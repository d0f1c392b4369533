import { decodeBase64 } from '../base64.ts'
import type { ServerName } from '../ids.ts'
import { isJsonObject, type JsonObject } from '../json.ts'
import type { Pdu } from '../pdu.ts'
import type { RoomRules } from '../room-versions.ts'
import { verifyPdu } from '../signatures.ts'

/** The server that a room has its events looked at by, before they reach anybody. */
export type PolicyServer = { readonly serverName: ServerName; readonly publicKey: string }

/** "The Key ID for the ed25519 key in m.room.policy is always ed25519:policy_server." */
export const policyKeyId = 'ed25519:policy_server'

/**
 * The policy server that a room uses, by the content of its `m.room.policy` and the servers in it; undefined if it uses none.
 * https://spec.matrix.org/v1.19/server-server-api/#determining-if-a-policy-server-is-enabled-in-a-room
 */
export function policyServerOf(content: JsonObject | undefined, servers: Pick<ReadonlySet<ServerName>, 'has'>): PolicyServer | undefined {
  // A string value for via.
  const via = content?.['via']
  // An object value for public_keys containing at least a string value for ed25519.
  const keys = content?.['public_keys']
  const publicKey = isJsonObject(keys) ? keys['ed25519'] : undefined
  if (typeof via !== 'string' || typeof publicKey !== 'string') return undefined
  // The server name … has at least one joined user in the room in current state.
  return servers.has(via) ? { serverName: via, publicKey } : undefined
}

/** Whether an event is for a policy server to look at: all are but what says which it is, so that a room can be rid of one that is away. */
export function isForPolicyServer({ type, state_key: stateKey }: Pick<Pdu, 'type' | 'state_key'>): boolean {
  return type !== 'm.room.policy' || stateKey !== ''
}

/** Whether an event bears the signature of a policy server. https://spec.matrix.org/v1.19/server-server-api/#validating-policy-server-signatures */
export function isRecommended(pdu: Pdu, rules: RoomRules, { serverName, publicKey }: PolicyServer): boolean {
  return verifyPdu(pdu, rules, serverName, policyKeyId, publicKey)
}

/** An event under the signature that a policy server answered with, beside those that it has; undefined unless that is valid. */
export function withPolicySignature(pdu: Pdu, rules: RoomRules, by: PolicyServer, answer: JsonObject): Pdu | undefined {
  const given = Object.hasOwn(answer, by.serverName) ? answer[by.serverName] : undefined
  const signature = isJsonObject(given) && Object.hasOwn(given, policyKeyId) ? given[policyKeyId] : undefined
  if (typeof signature !== 'string' || decodeBase64(signature)?.length !== 64) return undefined
  // The policy server may be the event's own server: its other signatures stay.
  const others = Object.hasOwn(pdu.signatures, by.serverName) ? pdu.signatures[by.serverName] : {}
  const signed: Pdu = { ...pdu, signatures: { ...pdu.signatures, [by.serverName]: { ...others, [policyKeyId]: signature } } }
  return isRecommended(signed, rules, by) ? signed : undefined
}
