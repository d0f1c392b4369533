import { canonicalJson } from '../canonical-json.ts'
import { isJsonObject, type Json, type JsonObject } from '../json.ts'
import { verifyText } from '../signatures.ts'
import { allow, refuse, type Verdict } from '../verdict.ts'
import { type MemberScope, membershipOf, thirdPartyInviteOf } from './auth-scope.ts'
import { actionLevel, userPower } from './power-levels.ts'

/** More pairs of signature and key than this are not tried, so that one event can't keep the server busy for seconds. */
const maxVerifications = 500

/** Rule "If `membership` is `invite`". */
export function checkInvite(scope: MemberScope): Verdict {
  const { event, readState, power, target } = scope
  const invite = thirdPartyInviteOf(event)
  // If content has a third_party_invite property: …
  if (invite !== undefined) return checkThirdPartyInvite(scope, invite.signed)
  // If the sender's current membership state is not join, reject.
  if (membershipOf(readState, event.sender) !== 'join') return refuse('the sender is not in the room')
  // If target user's current membership state is join or ban, reject.
  const membership = membershipOf(readState, target)
  if (membership === 'join') return refuse('the user is in the room already')
  if (membership === 'ban') return refuse('the user is banned')
  // If the sender's power level is greater than or equal to the invite level, allow.  Otherwise, reject.
  return userPower(power, event.sender) >= actionLevel(power, 'invite') ? allow : refuse('the sender may not invite')
}

function checkThirdPartyInvite({ event, readState, target }: MemberScope, signed: Json | undefined): Verdict {
  // If target user is banned, reject.
  if (membershipOf(readState, target) === 'ban') return refuse('the user is banned')
  // If content.third_party_invite does not have a signed property, reject.
  if (!isJsonObject(signed)) return refuse('the third-party invite is not signed')
  const { mxid, token } = signed
  // If signed does not have mxid and token properties, reject.
  if (typeof mxid !== 'string' || typeof token !== 'string') return refuse('the third-party invite has no mxid or no token')
  // If mxid does not match state_key, reject.
  if (mxid !== target) return refuse('the third-party invite is for another user')
  // If there is no m.room.third_party_invite event in the current room state with state_key matching token, reject.
  const offer = readState('m.room.third_party_invite', token)
  if (offer === undefined) return refuse('the room knows no such third-party invite')
  // If sender does not match sender of the m.room.third_party_invite, reject.
  if (event.sender !== offer.sender) return refuse('the third-party invite was made by another user')
  // If any signature in signed matches any public key in the m.room.third_party_invite event, allow.  Otherwise, reject.
  return bearsSignature(signed, publicKeys(offer.content)) ? allow : refuse('no signature of the third-party invite is valid')
}

function publicKeys(content: JsonObject): string[] {
  // A single public key in the public_key property.
  const keys = [content['public_key']]
  // A list of public keys in the public_keys property.
  const list = content['public_keys']
  if (Array.isArray(list)) for (const entry of list) if (isJsonObject(entry)) keys.push(entry['public_key'])
  return keys.filter((key) => typeof key === 'string')
}

function bearsSignature(signed: JsonObject, keys: readonly string[]): boolean {
  const text = canonicalJson({ ...signed, signatures: undefined, unsigned: undefined }, false)
  let tries = 0
  for (const signature of ed25519Signatures(signed['signatures'])) {
    for (const key of keys) {
      if (++tries > maxVerifications) return false
      if (verifyText(text, signature, key)) return true
    }
  }
  return false
}

function* ed25519Signatures(signatures: Json | undefined): Generator<Json | undefined> {
  if (!isJsonObject(signatures)) return
  for (const ofServer of Object.values(signatures)) {
    if (!isJsonObject(ofServer)) continue
    for (const [keyId, signature] of Object.entries(ofServer)) if (keyId.startsWith('ed25519:')) yield signature
  }
}
