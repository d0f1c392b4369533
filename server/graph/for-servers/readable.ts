import { type HistoryVisibility, mayServerRead, parseVisibility } from '../../core/history-visibility.ts'
import { type ServerName, serverNameOf, type UserId } from '../../core/ids.ts'
import type { Home } from '../../home.ts'
import type { Erasure } from '../erasure.ts'
import type { Room } from '../room.ts'
import { stateKeyOf } from '../room.ts'
import { keep, type PastStates } from '../state-at.ts'
import { parsePdu } from '../stored-event.ts'
import { selectMembersLike, selectPdus } from './for-servers.store.ts'
import { atOnce, type StoredPdu } from './stored-pdu.ts'

type Tools = Pick<Home, 'database' | 'serverName'> & { readonly past: Pick<PastStates, 'chain' | 'entry'> } & Pick<Erasure, 'isErased'>
type Member = readonly [userId: string, eventId: string]

/** Whether a server may read an event of a room. */
export type MayRead = (event: StoredPdu, room: Room, server: ServerName) => Promise<boolean>

const mostKnown = 20_000
const mostMembers = 50_000
const fewMembers = 10
const none: ReadonlySet<string> = new Set()
/** What the rules of a room are made of: whoever joins is given all of it. */
const authTypes: ReadonlySet<string> = new Set([
  'm.room.create',
  'm.room.member',
  'm.room.power_levels',
  'm.room.join_rules',
  'm.room.third_party_invite',
])

/**
 * The one answer to whether a server may read an event. What stands in the current state every server in the room has been given; of an outlier nobody
 * knows the state at it, so only what authorises others is open; what was rejected is open to nobody.
 */
export function createMayRead(tools: Tools): MayRead {
  const visibilityAt = createVisibilities(tools)
  const membershipsAt = createMembershipsAt(tools)

  async function visibilitiesOf({ pdu, stateGroup, replacedContent }: StoredPdu): Promise<HistoryVisibility[]> {
    const after = await visibilityAt(stateGroup)
    const sets = pdu.type === 'm.room.history_visibility' && pdu.state_key === ''
    return sets ? [parseVisibility(replacedContent?.['history_visibility']), after] : [after]
  }

  async function membershipsOf({ pdu, stateGroup, replacedContent }: StoredPdu, server: ServerName): Promise<ReadonlySet<string>> {
    const at = await membershipsAt(stateGroup, server)
    if (pdu.type !== 'm.room.member' || serverNameOf(pdu.state_key as UserId) !== server) return at
    return new Set([...at, String(pdu.content['membership']), String(replacedContent?.['membership'])])
  }

  return async (event, room, server) => {
    const isInRoom = room.servers.has(server)
    if (event.isRejected) return false
    if (isInRoom && isCurrent(room, event)) return true
    if (event.isOutlier) return isInRoom && authTypes.has(event.pdu.type)
    // Who of a server is in the room may not be known yet: what is said here meanwhile is for all that are said to be in it.
    if (room.partial !== undefined && isInRoom && serverNameOf(event.pdu.sender) === tools.serverName) return true
    const visibilities = await visibilitiesOf(event)
    // "Any users (or servers) which join the room after the erasure request are served redacted copies."
    const isErased = await tools.isErased(event.pdu.sender)
    if (!isErased && mayServerRead({ visibilities, memberships: none, isInRoom })) return true
    const memberships = await membershipsOf(event, server)
    return isErased ? memberships.has('join') : mayServerRead({ visibilities, memberships, isInRoom })
  }
}

/** Whether an event stands in a room's current state. */
export function isCurrent(room: Room, { eventId, pdu }: Pick<StoredPdu, 'eventId' | 'pdu'>): boolean {
  const { type, state_key: stateKey } = pdu
  if (stateKey === undefined) return false
  if (type === 'm.room.member') return room.members.get(stateKey as UserId)?.eventId === eventId
  return room.state.get(stateKeyOf(type, stateKey))?.eventId === eventId
}

/** Whether an event is of a type that authorises others. */
export function isAuthEvent({ pdu }: Pick<StoredPdu, 'pdu'>): boolean {
  return pdu.state_key !== undefined && authTypes.has(pdu.type)
}

/** The visibility at a state group never changes, not even by a redaction. */
function createVisibilities({ past }: Tools): (stateGroup: string) => Promise<HistoryVisibility> {
  const known = new Map<string, HistoryVisibility>()
  return async (stateGroup) => {
    const visibility = known.get(stateGroup)
    if (visibility !== undefined) return visibility
    const event = await past.entry(stateGroup, 'm.room.history_visibility', '')
    return keep(known, stateGroup, parseVisibility(event?.pdu.content['history_visibility']), mostKnown)
  }
}

/** What users of a server are at a state group; once somebody is found to be joined, the others are not looked for. */
function createMembershipsAt({ database, past }: Tools): (stateGroup: string, server: ServerName) => Promise<ReadonlySet<string>> {
  const known = new Map<string, ReadonlySet<string>>()
  const membersIn = createMembersIn({ database })

  async function read(stateGroup: string, server: ServerName): Promise<ReadonlySet<string>> {
    const newest = new Map<string, string>()
    for (const group of await past.chain(stateGroup)) {
      for (const [userId, eventId] of await membersIn(group, server)) if (!newest.has(userId)) newest.set(userId, eventId)
    }
    const eventIds = [...newest.values()]
    const found = new Set<string>()
    // Nearly always one of the first is joined.
    for (let from = 0, many = fewMembers; from < eventIds.length && !found.has('join'); from += many, many = atOnce) {
      for (const { json } of await database.select(selectPdus, eventIds.slice(from, from + many))) {
        found.add(String(parsePdu(json).content['membership']))
      }
    }
    return found
  }

  return async (stateGroup, server) => {
    const key = `${stateGroup}\0${server}`
    return known.get(key) ?? keep(known, key, await read(stateGroup, server), mostKnown)
  }
}

/** The members of a server that a state group itself names. Groups share those below them, so these lists are kept, so many members in all. */
function createMembersIn({ database }: Pick<Home, 'database'>): (stateGroup: string, server: ServerName) => Promise<readonly Member[]> {
  const known = new Map<string, readonly Member[]>()
  let size = 0
  return async (stateGroup, server) => {
    const key = `${stateGroup}\0${server}`
    const list = known.get(key)
    if (list !== undefined) return list
    const rows = await database.select(selectMembersLike, stateGroup, `%:${server}`)
    const members = rows
      .filter((row) => serverNameOf(row.state_key as UserId) === server)
      .map((row): Member => [row.state_key, row.event_id])
    if (known.has(key)) return members
    known.set(key, members)
    size += members.length + 1
    for (const [oldest, { length }] of known) {
      if (size <= mostMembers) break
      known.delete(oldest)
      size -= length + 1
    }
    return members
  }
}
