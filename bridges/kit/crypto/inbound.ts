import type { InboundGroupSession } from '@matrix-org/olm'
import { type CryptoContext, innerPickleKey } from './context.ts'
import type { InboundSessionRow } from './inbound.store.ts'
import { type JsonObject, stringAt } from './json.ts'
import { olmErrorCode, using } from './olm.ts'
import { megolmAlgorithm } from './share.ts'

/** Who gave a room key: the Olm session's Curve25519 key, and the Ed25519 key claimed inside it. */
export type KeyGiver = { readonly sender: string; readonly senderKey: string; readonly signingKey: string }
export type RoomKey = { readonly roomId: string; readonly sessionId: string; readonly sender: string }

/**
 * Stores the key of an `m.room_key` that came over Olm. A session is its giver's alone: what another user sends under the same id
 * stands beside it and opens nothing of theirs. A known session is replaced only by the same one from an earlier index.
 * Undefined when nothing new came of it.
 */
export function storeRoomKey(context: CryptoContext, giver: KeyGiver, content: JsonObject): RoomKey | undefined {
  const sessionKey = stringAt(content, 'session_key', 2000)
  if (sessionKey === undefined) return undefined
  return storeSession(context, giver, content, (group) => group.create(sessionKey))
}

/**
 * Stores the key of an `m.forwarded_room_key`, which is taken only when it was asked for and comes from the device whose session it
 * is: the bot has no other device that could be trusted with it.
 */
export function storeForwardedKey(context: CryptoContext, giver: KeyGiver, content: JsonObject): RoomKey | undefined {
  const roomId = stringAt(content, 'room_id') ?? ''
  const sessionId = stringAt(content, 'session_id') ?? ''
  const sessionKey = stringAt(content, 'session_key', 2000)
  if (sessionKey === undefined || context.inbound.selectRequest(roomId, sessionId, giver.sender) === undefined) return undefined
  if (content.sender_key !== giver.senderKey || content.sender_claimed_ed25519_key !== giver.signingKey) return undefined
  return storeSession(context, giver, content, (group) => group.import_session(sessionKey))
}

function storeSession(
  context: CryptoContext,
  giver: KeyGiver,
  content: JsonObject,
  load: (group: InboundGroupSession) => void,
): RoomKey | undefined {
  const roomId = stringAt(content, 'room_id')
  const sessionId = stringAt(content, 'session_id')
  if (content.algorithm !== megolmAlgorithm || roomId === undefined || sessionId === undefined) return undefined
  return using(new context.olm.InboundGroupSession(), (group) => {
    try {
      load(group)
    } catch (error) {
      context.log.warn('a room key was refused', { code: olmErrorCode(error) })
      return undefined
    }
    const known = context.inbound.select(roomId, sessionId, giver.sender)
    if (group.session_id() !== sessionId || (known !== undefined && !isBetter(context, group, known, giver))) return undefined
    const row = { room_id: roomId, session_id: sessionId, sender: giver.sender }
    context.inbound.upsert({
      ...row,
      identity_key: giver.senderKey,
      signing_key: giver.signingKey,
      pickle: context.seal.close(sessionName(row), group.pickle(innerPickleKey)),
      first_index: group.first_known_index(),
    })
    context.inboundGroups.drop(sessionName(row))
    context.inbound.deleteRequest(roomId, sessionId, giver.sender)
    context.inbound.grant(giver.sender, sessionId)
    return { roomId, sessionId, sender: giver.sender }
  })
}

/** Whether a key is the same session as the known one, from the same device, from an earlier index. */
function isBetter(context: CryptoContext, group: InboundGroupSession, known: InboundSessionRow, giver: KeyGiver): boolean {
  if (known.identity_key !== giver.senderKey || known.signing_key !== giver.signingKey) return false
  if (group.first_known_index() >= known.first_index) return false
  return group.export_session(known.first_index) === readInbound(context, known).export_session(known.first_index)
}

/** The inbound Megolm session of a row, for use until the next await. */
export function readInbound(context: CryptoContext, row: InboundSessionRow): InboundGroupSession {
  const name = sessionName(row)
  const known = context.inboundGroups.get(name)
  if (known !== undefined) return known
  const group = new context.olm.InboundGroupSession()
  group.unpickle(innerPickleKey, context.seal.open(name, row.pickle))
  return context.inboundGroups.set(name, group)
}

function sessionName(row: Pick<InboundSessionRow, 'room_id' | 'session_id' | 'sender'>): string {
  return `inbound ${row.room_id} ${row.session_id} ${row.sender}`
}
