import { checkAuthRules } from '../../core/event-auth/check-auth-rules.ts'
import type { ReadState } from '../../core/pdu.ts'
import { isAllowedByAcl } from '../../core/servers/server-acl.ts'
import { headOf } from '../append.ts'
import { findOn } from '../draft.ts'
import type { Graph } from '../graph.ts'
import { createLanes } from '../lanes.ts'
import { usersOf } from '../receive/accept.ts'
import { checkIncoming, type Incoming } from '../receive/check-incoming.ts'
import { loadStored } from '../receive/known-events.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { type Room, stateKeyOf } from '../room.ts'
import { need } from '../rooms.ts'
import { policyOn, toBeAsked } from './policy.ts'

/** As long as the events of one server wait for the policy server of their room. */
const patience = 30_000

/**
 * Has the policy server of a room asked about events of another server that bear no signature of it, before they take their turn in the room: there
 * nobody waits for it then. Undefined where nobody is to be asked; never rejects.
 */
export function createAskBeforehand(tools: ReceiveTools): Graph['askBeforehand'] {
  const inTurn = createLanes()
  return (origin, roomId, pdus) => {
    const room = tools.rooms.peek(roomId)
    if (room === undefined || policyOn(room, headOf(room), tools.serverName) === undefined) return undefined
    const signal = AbortSignal.timeout(patience)
    const ask = async () => {
      const acl = room.state.get(stateKeyOf('m.room.server_acl', ''))?.pdu.content
      if (!isAllowedByAcl(acl, origin)) return
      const events = await Promise.all(pdus.map((pdu) => checkIncoming(tools.keyRing, room.rules, roomId, pdu)))
      await askAbout(
        tools,
        room,
        events.filter((event) => typeof event !== 'string'),
        signal,
      )
    }
    const failed = (error: unknown) => tools.log.warn('a policy server could not be asked', { room: roomId, error: String(error) })
    return inTurn(`${origin} ${roomId}`, ask).catch(failed)
  }
}

/** Asks about those of some events that are new here, and that the room would take as it is now. */
export async function askAbout(tools: ReceiveTools, room: Room, events: readonly Incoming[], signal?: AbortSignal): Promise<void> {
  const { rules } = room
  const policy = policyOn(room, headOf(room), tools.serverName)
  const unsigned = events.filter(({ pdu }) => toBeAsked(pdu, rules, policy) !== undefined)
  if (policy === undefined || unsigned.length === 0) return
  const ids = unsigned.map(({ eventId }) => eventId)
  const known = await loadStored(tools.database.select, ids)
  await need(tools.database.select, room, tools.memberships, unsigned.flatMap(usersOf))
  const find = findOn(room, headOf(room))
  const readState: ReadState = (type, stateKey) => find(type, stateKey)?.pdu
  const isAllowed = ({ pdu, signedBy }: Incoming) => checkAuthRules(pdu, rules, readState, (server) => signedBy.has(server)).allowed
  const wanted = unsigned.filter((event) => known.get(event.eventId)?.outlier !== false && isAllowed(event))
  await Promise.all(wanted.map(({ eventId, pdu }) => tools.askPolicy({ eventId, pdu, rules, by: policy }, signal)))
}
