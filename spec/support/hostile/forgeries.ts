import { randomBytes } from 'node:crypto'
import type { ServerName, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu, UnsignedPdu } from '../../../server/core/pdu.ts'
import type { RoomRules } from '../../../server/core/room-versions.ts'
import { generateSigningKey, hashAndSignPdu, type SigningKey, signPdu } from '../../../server/core/signatures.ts'
import type { Peer } from '../peer.ts'

/** What a forgery is made with: the server whose event it is, and another one whose key is in order too. */
export type Forger = {
  readonly rules: RoomRules
  readonly peer: Peer
  readonly other: Peer
  /** A key that the peer says it no longer uses, since an hour ago. */
  readonly oldKey: SigningKey
}
/** `signed` is a right event; what comes back must not be taken for one, or only for what is left of it without its content. */
export type Forgery = {
  readonly words: string
  readonly make: (signed: Pdu, by: Forger) => Pdu
  /** Whether it may stand pruned: its signature is right, what it says is not what was hashed. */
  readonly mayBePruned?: boolean
  /** Whether it is right all the same in versions that do not ask until when a key is valid. */
  readonly isRightIn?: (rules: RoomRules) => boolean
}

const day = 24 * 3_600_000
const forged = 'forged'
const unsigned = ({ hashes: _h, signatures: _s, ...event }: Pdu): UnsignedPdu => event
const under = (pdu: Pdu, server: ServerName, key: SigningKey, { rules }: Forger) => signPdu({ ...pdu, signatures: {} }, rules, server, key)
const own = (pdu: Pdu, { peer }: Forger) => pdu.signatures[peer.serverName] ?? {}
const withKeyId = (pdu: Pdu, by: Forger, keyId: string) => ({
  ...pdu,
  signatures: { [by.peer.serverName]: { [keyId]: Object.values(own(pdu, by))[0] ?? '' } },
})
const said = (pdu: Pdu): JsonObject => ({ ...pdu.content, ...(pdu.type === 'm.room.message' ? { body: forged } : { reason: forged }) })
const withoutDates = ({ enforceKeyValidity }: RoomRules) => !enforceKeyValidity

/** Base64 of bytes that differ in one bit. */
export function flipped(base64: string): string {
  const bytes = Buffer.from(base64, 'base64')
  bytes[7] = (bytes[7] ?? 0) ^ 1
  return bytes.toString('base64').replaceAll('=', '')
}

/** Ways to forge an event. https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events */
export const forgeries: readonly Forgery[] = [
  {
    words: 'one bit of the signature differs',
    make: (pdu, by) => ({
      ...pdu,
      signatures: { [by.peer.serverName]: Object.fromEntries(Object.entries(own(pdu, by)).map(([id, text]) => [id, flipped(text)])) },
    }),
  },
  { words: 'the content differs', make: (pdu) => ({ ...pdu, content: said(pdu) }), mayBePruned: true },
  {
    words: 'a key was put beside the content’s',
    make: (pdu) => ({ ...pdu, content: { ...pdu.content, another: forged } }),
    mayBePruned: true,
  },
  { words: 'one bit of the hash differs', make: (pdu) => ({ ...pdu, hashes: { sha256: flipped(pdu.hashes.sha256) } }) },
  {
    words: 'another hash was signed',
    make: (pdu, by) =>
      under({ ...pdu, content: said(pdu), hashes: { sha256: flipped(pdu.hashes.sha256) } }, by.peer.serverName, by.peer.signingKey, by),
    mayBePruned: true,
  },
  { words: 'its key has another name', make: (pdu, by) => withKeyId(pdu, by, 'ed25519:another') },
  { words: 'its key is of another algorithm', make: (pdu, by) => withKeyId(pdu, by, `rsa:${by.peer.signingKey.keyId.slice(8)}`) },
  { words: 'its key has the name of a prototype', make: (pdu, by) => withKeyId(pdu, by, '__proto__') },
  { words: 'it is signed by the key of another server', make: (pdu, by) => under(pdu, by.peer.serverName, by.other.signingKey, by) },
  {
    words: 'it is signed by another server alone',
    make: (pdu, by) => under(pdu, by.other.serverName, by.other.signingKey, by),
  },
  {
    words: 'it is signed by a key that nobody published',
    make: (pdu, by) => under(pdu, by.peer.serverName, generateSigningKey(randomBytes(32)), by),
  },
  { words: 'nobody signed it', make: (pdu) => ({ ...pdu, signatures: {} }) },
  {
    words: 'it is signed for a time at which the key is no longer known to be valid',
    make: (pdu, by) =>
      hashAndSignPdu(
        { ...unsigned(pdu), content: said(pdu), origin_server_ts: Date.now() + 9 * day },
        by.rules,
        by.peer.serverName,
        by.peer.signingKey,
      ).pdu,
    isRightIn: withoutDates,
  },
  {
    words: 'it is signed by a key that had expired',
    make: (pdu, by) => hashAndSignPdu({ ...unsigned(pdu), content: said(pdu) }, by.rules, by.peer.serverName, by.oldKey).pdu,
    isRightIn: withoutDates,
  },
  {
    words: 'it speaks for a user of another server',
    make: (pdu, by) => {
      const sender: UserId = `@mallory:${by.other.serverName}`
      const changed = { ...unsigned(pdu), content: said(pdu), sender, ...(pdu.state_key === pdu.sender ? { state_key: sender } : {}) }
      return hashAndSignPdu(changed, by.rules, by.peer.serverName, by.peer.signingKey).pdu
    },
  },
  {
    words: 'it speaks for a user of ours',
    make: (pdu, by) => {
      const sender: UserId = '@alice:hs.test'
      const changed = { ...unsigned(pdu), content: said(pdu), sender, ...(pdu.state_key === pdu.sender ? { state_key: sender } : {}) }
      return hashAndSignPdu(changed, by.rules, by.peer.serverName, by.peer.signingKey).pdu
    },
  },
]
