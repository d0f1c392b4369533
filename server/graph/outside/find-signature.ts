import type { ServerName } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { Pdu } from '../../core/pdu.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import { verifyPdu } from '../../core/signatures.ts'
import type { KeyRing } from '../../remote/key-ring.ts'

const mostKeysTried = 4

/** Of a server's signatures on an event the first valid one, by its key id. `signatures` are those that another copy of the event bears. */
export async function findSignature(
  keyRing: Pick<KeyRing, 'find'>,
  pdu: Pdu,
  rules: RoomRules,
  server: ServerName,
  signatures: JsonObject = pdu.signatures as unknown as JsonObject,
): Promise<{ readonly [keyId: string]: string } | undefined> {
  const own = Object.hasOwn(signatures, server) ? signatures[server] : undefined
  if (!isJsonObject(own)) return undefined
  for (const [keyId, signature] of Object.entries(own).slice(0, mostKeysTried)) {
    if (!keyId.startsWith('ed25519:') || typeof signature !== 'string') continue
    const at = rules.enforceKeyValidity ? pdu.origin_server_ts : undefined
    const key = await keyRing.find({ serverName: server, keyId, at })
    const signed: Pdu = { ...pdu, signatures: { [server]: { [keyId]: signature } } }
    if (key !== undefined && verifyPdu(signed, rules, server, keyId, key)) return { [keyId]: signature }
  }
  return undefined
}
