import { heroesOf } from '../../core/heroes.ts'
import type { EventId } from '../../core/ids.ts'
import { prevEventIdsOf } from '../../core/pdu.ts'
import type { Home } from '../../home.ts'
import type { States } from '../receive/resolve-state.ts'
import { type Room, stateKeyOf, viewOf } from '../room.ts'
import type { PastStates } from '../state-at.ts'
import { pastEvents } from '../state-text/past-events.ts'
import { selectPdus } from './for-servers.store.ts'
import type { StoredPdu } from './stored-pdu.ts'

const nameKey = stateKeyOf('m.room.name', '')
const aliasKey = stateKeyOf('m.room.canonical_alias', '')

type Tools = Pick<Home, 'database'> & { readonly past: PastStates; readonly states: Pick<States, 'resolve'> }

/**
 * The ids of the state before an event: what the states after those that it cites in `prev_events` come to, or where one of those is not here, the state
 * after it without what the event itself changed. Undefined where no state is known.
 */
export async function stateBefore(tools: Tools, room: Room, event: StoredPdu): Promise<EventId[] | undefined> {
  if (event.isOutlier || event.isRejected || room.partial !== undefined) return undefined
  const group = await groupBefore(tools, room, event)
  const ids = (await pastEvents(tools, room, group ?? event.stateGroup)).map(({ eventId }) => eventId)
  const own = group === undefined ? ids.indexOf(event.eventId) : -1
  if (own >= 0) ids.splice(own, 1, ...(event.replaces === undefined ? [] : [event.replaces]))
  return ids
}

/** The same without memberships, but for those of a few that a room without a name is called by; undefined where that is not known. */
export async function frameBefore(tools: Tools, room: Room, event: StoredPdu): Promise<EventId[] | undefined> {
  if (event.isOutlier || event.isRejected || room.partial !== undefined) return undefined
  const group = await groupBefore(tools, room, event)
  if (group === undefined) return undefined
  const frame = (await tools.past.withoutMembers(group, room.state)).map(({ eventId }) => eventId)
  const heroes = room.state.has(nameKey) || room.state.has(aliasKey) ? [] : heroesOf(viewOf(room), event.pdu.sender)
  const members = await Promise.all(heroes.map((userId) => tools.past.entry(group, 'm.room.member', userId)))
  return [...frame, ...members.flatMap((member) => member?.eventId ?? [])]
}

async function groupBefore({ database, states }: Tools, { roomId, rules }: Room, { pdu }: StoredPdu): Promise<string | undefined> {
  const prevs = [...new Set(prevEventIdsOf(pdu))]
  const rows = prevs.length === 0 ? [] : await database.select(selectPdus, prevs)
  const groups = new Set(rows.map((row) => row.state_group))
  if (rows.length < prevs.length || rows.some((row) => row.outlier === 1 || row.room_id !== roomId)) return undefined
  const [first] = groups
  return groups.size <= 1 ? first : (await states.resolve(roomId, rules, [...groups])).stateGroup
}
