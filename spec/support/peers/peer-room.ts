import { eventIdOf, referenceOf } from '../../../server/core/hashes.ts'
import type { EventId, RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu, Reference, UnsignedPdu } from '../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../server/core/room-versions.ts'
import type { Peer } from '../peer.ts'
import type { TestServer } from '../server.ts'

/** A user of a peer in a room of a server. */
export type PeerMember = {
  readonly userId: UserId
  readonly roomId: RoomId
  readonly rules: RoomRules
  readonly joinId: EventId
  /** A signed event of this user on top of the room as the server of this process has it, or on top of `after` and of the state at the join. */
  readonly event: (
    of: Partial<UnsignedPdu> & { readonly type: string },
    after?: readonly EventId[],
  ) => Promise<{ pdu: Pdu; eventId: EventId }>
  readonly message: (body: string, after?: readonly EventId[]) => Promise<{ pdu: Pdu; eventId: EventId }>
}

/** Joins a public room of a server as a user of a peer, by the handshake that servers have for it. */
export async function joinAsPeer(peer: Peer, server: TestServer, roomId: RoomId, name = 'remote'): Promise<PeerMember> {
  const userId: UserId = `@${name}:${peer.serverName}`
  const path = `${encodeURIComponent(roomId)}/${encodeURIComponent(userId)}`
  const versions = Array.from({ length: 12 }, (_, at) => `ver=${at + 1}`).join('&')
  const proposed = await peer.ask(server, 'GET', `/_matrix/federation/v1/make_join/${path}?${versions}`)
  if (proposed.status !== 200) throw new Error(`make_join: ${proposed.status} ${proposed.text}`)
  const rules = roomRules(proposed.body.room_version) as RoomRules
  const { pdu, eventId } = peer.sign(proposed.body.event, rules)
  const sendTo = `/_matrix/federation/v2/send_join/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`
  const sent = await peer.ask(server, 'PUT', sendTo, pdu as unknown as JsonObject)
  if (sent.status !== 200) throw new Error(`send_join: ${sent.status} ${sent.text}`)

  const atJoin = new Map<string, EventId>()
  for (const state of sent.body.state) atJoin.set(`${state.type} ${state.state_key}`, eventIdOf(state, rules))

  const event: PeerMember['event'] = async (of, after) => {
    const room = after === undefined ? await server.server.graph.room(roomId) : undefined
    const authEvents = rules.roomIdIsCreateHash ? ['m.room.power_levels'] : ['m.room.create', 'm.room.power_levels']
    const unsigned: UnsignedPdu = {
      room_id: roomId,
      sender: userId,
      content: {},
      auth_events: [...authEvents.flatMap((type) => room?.state(type, '')?.eventId ?? atJoin.get(`${type} `) ?? []), eventId],
      prev_events: after ?? room?.extremities ?? [],
      depth: 100,
      origin_server_ts: Date.now(),
      ...of,
    }
    const signed = peer.sign(rules.eventIds === 'wire' ? await withHashes(server, unsigned, rules) : unsigned, rules)
    made.set(signed.eventId, signed.pdu)
    return signed
  }
  const message: PeerMember['message'] = (body, after) => event({ type: 'm.room.message', content: { msgtype: 'm.text', body } }, after)
  return { userId, roomId, rules, joinId: eventId, event, message }
}

/** Events that peers made, for what is said of them elsewhere. */
const made = new Map<EventId, Pdu>()

/** An event that cites others with their hashes, as it must in versions 1 and 2, where it was made to name them. */
async function withHashes(server: TestServer, event: UnsignedPdu, rules: RoomRules): Promise<UnsignedPdu> {
  const cite = async (reference: Reference): Promise<Reference> => {
    if (typeof reference !== 'string') return reference
    const pdu = made.get(reference) ?? (await server.server.graph.event(reference))?.pdu
    return pdu === undefined ? [reference, { sha256: '' }] : referenceOf(reference, pdu, rules)
  }
  const [auth_events, prev_events] = await Promise.all([event.auth_events, event.prev_events].map((list) => Promise.all(list.map(cite))))
  return { ...event, auth_events: auth_events ?? [], prev_events: prev_events ?? [] }
}
