import type { OutboundGroupSession } from '@matrix-org/olm'
import { type CryptoContext, innerPickleKey } from './context.ts'
import { using } from './olm.ts'
import type { OutboundSessionRow } from './outbound.store.ts'

/** The outbound Megolm session of a row, for use until the next await. */
export function readGroup(context: CryptoContext, row: OutboundSessionRow): OutboundGroupSession {
  const known = context.groups.get(row.session_id)
  if (known !== undefined) return known
  const group = new context.olm.OutboundGroupSession()
  group.unpickle(innerPickleKey, context.seal.open(groupName(row.session_id), row.pickle))
  return context.groups.set(row.session_id, group)
}

/** Stores the ratchet as it now is. */
export function saveGroup(context: CryptoContext, sessionId: string, group: OutboundGroupSession): void {
  context.outbound.update(sessionId, context.seal.close(groupName(sessionId), group.pickle(innerPickleKey)))
}

/** Makes the session with which a user of ours speaks in a room from now on. */
export function createGroup(context: CryptoContext, ownUser: string, roomId: string, sharedHistory: boolean): OutboundSessionRow {
  return using(new context.olm.OutboundGroupSession(), (group) => {
    group.create()
    const row: OutboundSessionRow = {
      session_id: group.session_id(),
      own_user: ownUser,
      room_id: roomId,
      pickle: context.seal.close(groupName(group.session_id()), group.pickle(innerPickleKey)),
      created_at: context.clock.now(),
      shared_history: sharedHistory ? 1 : 0,
    }
    context.outbound.insert(row)
    return row
  })
}

/** Ends a session: nothing is encrypted with it any more. What was given of its key stays known, for devices that ask again. */
export function retireGroup(context: CryptoContext, sessionId: string): void {
  context.outbound.retire(sessionId)
  context.groups.drop(sessionId)
  context.checked.delete(sessionId)
}

function groupName(sessionId: string): string {
  return `group ${sessionId}`
}
