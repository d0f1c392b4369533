import { eventIdOf } from '../../../server/core/hashes.ts'
import type { RoomId, ServerName, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { UnsignedPdu } from '../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../server/core/room-versions.ts'
import type { Peer, PeerAnswered } from '../peer.ts'
import { joinAsPeer, type PeerMember } from '../peers/peer-room.ts'
import type { TestServer, TestUser } from '../server.ts'

export const version = '12'
const rules = roomRules(version) as RoomRules
let people = 0

/** Whatever another server may ask of a room, by what it is called: made ready while it was let in. */
export type Gates = { readonly member: PeerMember; readonly ask: Readonly<Record<string, () => Promise<PeerAnswered>>> }

export const path = (prefix: string, ...parts: string[]) => `/_matrix/federation/${prefix}/${parts.map(encodeURIComponent).join('/')}`

/** Makes three rooms, one that is open, one to knock on and an old one, with somebody of the peer in them. */
export async function openGates(server: TestServer, alice: TestUser, peer: Peer): Promise<Gates & { rooms: readonly RoomId[] }> {
  const make = async (join_rule: string, room_version = version): Promise<RoomId> => {
    const initial_state = [{ type: 'm.room.join_rules', state_key: '', content: { join_rule } }]
    return (await alice.post('/createRoom', { preset: 'public_chat', room_version, initial_state })).body.room_id
  }
  const [room, knocking, old] = [await make('public'), await make('knock'), await make('public', '2')]
  const member = await joinAsPeer(peer, server, room, `member${people++}`)
  const get = (uri: string) => peer.ask(server, 'GET', uri)
  const put = (uri: string, content: JsonObject) => peer.ask(server, 'PUT', uri, content)
  const someone = (): UserId => `@someone${people++}:${peer.serverName}`
  const query = `?ver=${version}`
  const prepared = async (what: string, roomId: RoomId, userId: UserId) => {
    const { body, status, text } = await get(path('v1', `make_${what}`, roomId, userId) + query)
    if (status !== 200) throw new Error(text)
    const { pdu, eventId } = peer.sign(body.event as UnsignedPdu, rules)
    return { pdu: pdu as unknown as JsonObject, eventId }
  }
  const leaving = async () => (await joinAsPeer(peer, server, room, `leaver${people++}`)).userId
  const joins = [await prepared('join', room, someone()), await prepared('join', room, someone())] as const
  const leaves = [await prepared('leave', room, await leaving()), await prepared('leave', room, await leaving())] as const
  const knock = await prepared('knock', knocking, someone())
  const invited = await server.register(`invited${people++}`)
  const invite = await member.event({ type: 'm.room.member', state_key: invited.userId, content: { membership: 'invite' } })
  const member2 = await joinAsPeer(peer, server, old, `member${people++}`)
  const oldInvite = await member2.event({ type: 'm.room.member', state_key: invited.userId, content: { membership: 'invite' } })
  const invitation = { room_version: version, event: invite.pdu as unknown as JsonObject, invite_room_state: [] }
  const leaver = await leaving()
  const at = `event_id=${encodeURIComponent(member.joinId)}`
  const missing = { earliest_events: [], latest_events: [member.joinId], limit: 5 }
  const ask: Gates['ask'] = {
    make_join: () => get(path('v1', 'make_join', room, someone()) + query),
    'send_join v1': () => put(path('v1', 'send_join', room, joins[0].eventId), joins[0].pdu),
    'send_join v2': () => put(path('v2', 'send_join', room, joins[1].eventId), joins[1].pdu),
    make_leave: () => get(path('v1', 'make_leave', room, leaver)),
    'send_leave v1': () => put(path('v1', 'send_leave', room, leaves[0].eventId), leaves[0].pdu),
    'send_leave v2': () => put(path('v2', 'send_leave', room, leaves[1].eventId), leaves[1].pdu),
    make_knock: () => get(path('v1', 'make_knock', knocking, someone()) + query),
    send_knock: () => put(path('v1', 'send_knock', knocking, knock.eventId), knock.pdu),
    'invite v2': () => put(path('v2', 'invite', room, invite.eventId), invitation),
    'invite v1': () => put(path('v1', 'invite', old, oldInvite.eventId), oldInvite.pdu as unknown as JsonObject),
    state: () => get(`${path('v1', 'state', room)}?${at}`),
    state_ids: () => get(`${path('v1', 'state_ids', room)}?${at}`),
    backfill: () => get(`${path('v1', 'backfill', room)}?limit=5&v=${encodeURIComponent(member.joinId)}`),
    event_auth: () => get(path('v1', 'event_auth', room, member.joinId)),
    get_missing_events: () => peer.ask(server, 'POST', path('v1', 'get_missing_events', room), missing),
    timestamp_to_event: () => get(`${path('v1', 'timestamp_to_event', room)}?ts=0&dir=f`),
  }
  return { member, ask, rooms: [room, knocking, old] }
}

/** The id of an event, as its room names it. */
export const idOf = (pdu: JsonObject) => eventIdOf(pdu as never, rules)

/**
 * Whether an ACL lets a server in, read anew from the specification with no more than what strings can do.
 * https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl
 */
export function letsIn(acl: JsonObject | undefined, server: ServerName): boolean {
  if (acl === undefined) return true
  const bracket = server.lastIndexOf(']')
  const colon = server.indexOf(':', Math.max(bracket, 0))
  const host = (colon < 0 ? server : server.slice(0, colon)).toLowerCase()
  const name = host.endsWith('.') ? host.slice(0, -1) : host
  const isAddress = name.startsWith('[') || (name.split('.').length === 4 && name.split('.').every((part) => /^\d+$/.test(part)))
  if (acl['allow_ip_literals'] === false && isAddress) return false
  const matches = (list: unknown) =>
    Array.isArray(list) && list.some((glob) => typeof glob === 'string' && globMatches(glob.toLowerCase(), name))
  return !matches(acl['deny']) && matches(acl['allow'])
}

function globMatches(glob: string, text: string): boolean {
  if (glob === '') return text === ''
  const [first, rest] = [glob[0], glob.slice(1)]
  if (first === '*') return globMatches(rest, text) || (text !== '' && globMatches(glob, text.slice(1)))
  return text !== '' && (first === '?' || first === text[0]) && globMatches(rest, text.slice(1))
}
