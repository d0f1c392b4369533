import { isUserId, type RoomId, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { badJson, forbidden, notFound, unreachable } from '../core/matrix-error.ts'
import { verifySignature } from '../core/signatures.ts'
import type { StateEvent } from '../graph/graph.ts'
import { checkInvite } from '../people/invites/invite-wishes.ts'
import type { Tools } from '../slice.ts'

/** What an identity server said of a user: that a third-party identifier, which somebody had invited, is theirs. */
export type SignedInvite = JsonObject & { readonly mxid: UserId; readonly token: string }

const mostSignatures = 8
const mostKeys = 8
const timeoutMs = 10_000

/** Reads `signed`. 400 M_BAD_JSON when it is none. https://spec.matrix.org/v1.19/client-server-api/#mroommember */
export function readSigned(value: Json | undefined): SignedInvite {
  const isWhole = isJsonObject(value) && isUserId(value['mxid']) && typeof value['token'] === 'string' && isJsonObject(value['signatures'])
  if (!isWhole) throw badJson('`signed` holds mxid, token and signatures')
  return value as SignedInvite
}

/**
 * Turns the third-party invite of one of our users into an invitation of whom the identifier belongs to. 403 M_FORBIDDEN when the room has no such
 * invite, or it was not signed under a key that stands there and is still good; 502 M_UNKNOWN when nobody can tell.
 * https://spec.matrix.org/v1.19/server-server-api/#third-party-invites
 */
export async function issueInvite({ home, graph, people }: Tools, roomId: RoomId, sender: UserId, signed: SignedInvite): Promise<void> {
  const { mxid, token } = signed
  const offer = (await graph.freshRoom(roomId))?.state('m.room.third_party_invite', token)
  if (offer === undefined || offer.pdu.sender !== sender) throw forbidden('the room knows no such third-party invite')
  await checkKeys(home, signed, offer)
  const { display_name: name } = offer.pdu.content
  const content = { membership: 'invite', third_party_invite: { display_name: typeof name === 'string' ? name : '', signed } }
  const template = { type: 'm.room.member', stateKey: mxid, sender, content }
  if (serverNameOf(mxid) !== home.serverName) {
    await graph.inviteRemote(roomId, template)
    return
  }
  if (!(await people.userExists(mxid))) throw notFound('there is no such user on this server')
  await checkInvite(home.database, sender, mxid)
  await graph.append(roomId, [template])
}

/** "the server which is already participating in the room … MUST validate that the public key used for signing is still valid". */
async function checkKeys({ egress, config }: Tools['home'], signed: SignedInvite, offer: StateEvent): Promise<void> {
  for (const { publicKey, url } of keysOf(offer.pdu.content)) {
    if (!isSignedUnder(signed, publicKey)) continue
    if (url === undefined) return
    const answer = await egress.fetchJson({
      url: `${url}${url.includes('?') ? '&' : '?'}public_key=${encodeURIComponent(publicKey)}`,
      timeoutMs,
      limit: 64 * 1024,
      allowPrivate: config.federation.allow_private_addresses,
    })
    if (!answer.ok || answer.status !== 200) throw unreachable('whether the key of the third-party invite is still good cannot be asked')
    if (answer.body['valid'] === true) return
  }
  throw forbidden('the third-party invite is not signed under a key that is still good')
}

type Key = { readonly publicKey: string; readonly url: string | undefined }

function keysOf(content: JsonObject): Key[] {
  const listed = Array.isArray(content['public_keys']) ? content['public_keys'] : []
  return [content, ...listed].slice(0, mostKeys).flatMap((entry) => {
    if (!isJsonObject(entry) || typeof entry['public_key'] !== 'string') return []
    const { public_key: publicKey, key_validity_url: url } = entry
    return [{ publicKey, url: typeof url === 'string' && /^https?:\/\//.test(url) ? url : undefined }]
  })
}

function isSignedUnder(signed: SignedInvite, publicKey: string): boolean {
  let tries = 0
  for (const [entity, keys] of Object.entries(signed['signatures'] as JsonObject)) {
    for (const keyId of isJsonObject(keys) ? Object.keys(keys) : []) {
      if (++tries > mostSignatures) return false
      if (verifySignature(signed, entity, keyId, publicKey)) return true
    }
  }
  return false
}
