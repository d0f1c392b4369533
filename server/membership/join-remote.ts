import { isServerName, isUserId, type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { MatrixError, notFound, unreachable, unsupportedRoomVersion } from '../core/matrix-error.ts'
import { checkPduShape, named, type Pdu, type UnsignedPdu } from '../core/pdu.ts'
import { type RoomRules, roomRules, supportedRoomVersions } from '../core/room-versions.ts'
import { hashAndSignPdu } from '../core/signatures.ts'
import type { Entering } from '../graph/graph.ts'
import { answerOf, sayingMore } from '../remote/answer-of.ts'
import type { Tools } from '../slice.ts'

type Wanted = {
  readonly roomId: RoomId
  readonly userId: UserId
  /** Servers that may be in the room, the likeliest first. */
  readonly servers: readonly ServerName[]
  /** Servers that are asked where none of those answers. */
  readonly otherwise?: readonly ServerName[]
  /** What the membership event is to say. */
  readonly content: JsonObject
}

const mostServers = 8
const mostBytes = 200 * 1024 * 1024
const patience = 120_000
const mostNamed = 5000

/**
 * Joins a room over one of the servers that are in it, one after the other until one lets us in. 404 M_NOT_FOUND when there is none to ask; the refusal
 * that says most; 502 M_UNKNOWN when none made sense. https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
 */
export async function joinRemote(tools: Tools, wanted: Wanted): Promise<void> {
  let refusal = await joinOneOf(tools, wanted, wanted.servers)
  if (refusal === 'none' || (refusal !== undefined && refusal.status === 502)) {
    const other = await joinOneOf(
      tools,
      wanted,
      (wanted.otherwise ?? []).filter((server) => !wanted.servers.includes(server)),
    )
    if (other !== 'none') refusal = other && sayingMore(refusal === 'none' ? undefined : refusal, other)
  }
  if (refusal === 'none') throw notFound('this server knows no such room, and none was named that could: give one in `via`')
  if (refusal !== undefined) throw refusal
}

/** Undefined when one let us in, otherwise the refusal that says most; `none` where there was none to ask. */
async function joinOneOf(tools: Tools, wanted: Wanted, given: readonly ServerName[]): Promise<MatrixError | 'none' | undefined> {
  const servers = [...new Set(given)].filter((server) => isServerName(server) && server !== tools.home.serverName)
  let refusal: MatrixError | undefined
  for (const server of servers.slice(0, mostServers)) {
    try {
      await tools.graph.enter(wanted.roomId, async () => {
        const room = await tools.graph.room(wanted.roomId)
        const isHalf = room?.isPartial === true && room.servers.has(tools.home.serverName)
        return joinOver(tools, server, wanted, room === undefined || isHalf)
      })
      return undefined
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      refusal = sayingMore(refusal, error)
    }
  }
  return refusal ?? 'none'
}

/** The handshake of a join: what is proposed is made our own, signed, and handed in; what comes back is for the graph to judge. */
async function joinOver({ home }: Tools, origin: ServerName, { roomId, userId, content }: Wanted, omitMembers: boolean): Promise<Entering> {
  const versions = supportedRoomVersions.map((version) => `ver=${version}`).join('&')
  const path = `${encodeURIComponent(roomId)}/${encodeURIComponent(userId)}`
  const made = await home.peers.fetchJson({
    destination: origin,
    method: 'GET',
    uri: `/_matrix/federation/v1/make_join/${path}?${versions}`,
  })
  const proposal = answerOf(origin, made)
  const rules = roomRules(typeof proposal['room_version'] === 'string' ? proposal['room_version'] : '1')
  if (rules === undefined || !supportedRoomVersions.includes(rules.version)) throw unsupportedRoomVersion()
  const { pdu, eventId } = hashAndSignPdu(
    eventOf(home, origin, proposal['event'], rules, { roomId, userId, content }),
    rules,
    home.serverName,
    home.signingKey,
  )
  const uri = `/_matrix/federation/v2/send_join/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}?omit_members=${omitMembers}`
  const given = answerOf(
    origin,
    await home.peers.fetchJson({
      destination: origin,
      method: 'PUT',
      uri,
      content: pdu as unknown as JsonObject,
      limit: mostBytes,
      timeoutMs: patience,
      exact: true,
    }),
  )
  const event = { ...pdu, signatures: { ...signaturesOf(given['event'], pdu), ...pdu.signatures } } as unknown as JsonObject
  return {
    origin,
    roomId,
    version: rules.version,
    event,
    state: objectsAt(given, 'state'),
    authChain: objectsAt(given, 'auth_chain'),
    membersOmitted: omitMembers && given['members_omitted'] === true,
    servers: serversOf(given['servers_in_room'], origin).filter((server) => server !== home.serverName),
  }
}

/** Our own event: of the proposal nothing counts but where it stands and who vouches for it. */
function eventOf(
  home: Tools['home'],
  origin: ServerName,
  proposed: unknown,
  rules: RoomRules,
  { roomId, userId, content }: Omit<Wanted, 'servers'>,
): UnsignedPdu {
  if (!isJsonObject(proposed as JsonObject)) throw unreachable(`${origin} proposed no event`)
  const { auth_events, prev_events, depth, content: said } = proposed as unknown as Pdu
  const authoriser = isJsonObject(said) ? said['join_authorised_via_users_server'] : undefined
  const vouched = rules.restrictedJoin && isUserId(authoriser) ? { join_authorised_via_users_server: authoriser } : {}
  const unnamed = {
    type: 'm.room.member',
    room_id: roomId,
    sender: userId,
    state_key: userId,
    content: { ...content, membership: 'join', ...vouched },
    auth_events,
    prev_events,
    depth,
    origin_server_ts: home.clock.now(),
  }
  const event = named(unnamed, home, rules)
  // Nothing is signed that is no event.
  const shape = checkPduShape({ ...event, hashes: { sha256: '' }, signatures: {} }, rules)
  if (!shape.allowed) throw unreachable(`${origin} proposed no event: ${shape.reason}`)
  return event
}

/** The signatures of whoever else vouches for the join. */
function signaturesOf(given: unknown, { content }: Pdu): JsonObject {
  const authoriser = content['join_authorised_via_users_server']
  const signatures = isJsonObject(given as JsonObject) ? (given as JsonObject)['signatures'] : undefined
  const server = isUserId(authoriser) ? serverNameOf(authoriser) : undefined
  const theirs = server !== undefined && isJsonObject(signatures) ? signatures[server] : undefined
  return server !== undefined && theirs !== undefined ? { [server]: theirs } : {}
}

function serversOf(list: unknown, origin: ServerName): ServerName[] {
  const named = Array.isArray(list) ? list.filter((one): one is ServerName => isServerName(one)).slice(0, mostNamed) : []
  return [...new Set([origin, ...named])]
}

function objectsAt(body: JsonObject, key: string): JsonObject[] {
  const list = body[key]
  return Array.isArray(list) ? list.filter(isJsonObject) : []
}
