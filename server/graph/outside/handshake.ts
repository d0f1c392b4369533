import { type EventId, isServerName, type RoomId, type ServerName, type UserId } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { MatrixError, unreachable, unsupportedRoomVersion } from '../../core/matrix-error.ts'
import { checkPduShape, named, type Pdu, type UnsignedPdu } from '../../core/pdu.ts'
import { type RoomRules, roomRules } from '../../core/room-versions.ts'
import { hashAndSignPdu } from '../../core/signatures.ts'
import type { Home } from '../../home.ts'
import { answerOf, sayingMore } from '../../remote/answer-of.ts'

type Tools = Pick<Home, 'serverName' | 'signingKey' | 'clock' | 'random' | 'peers'>

/** A membership event of one of our users, for a room that this server is not in. */
export type Wanted = {
  readonly roomId: RoomId
  readonly userId: UserId
  readonly membership: 'leave' | 'knock'
  readonly content: JsonObject
  /** Servers that may be in the room, the likeliest first. */
  readonly servers: readonly ServerName[]
  /** Versions that the room may have. */
  readonly versions: readonly string[]
  readonly mostServers: number
  readonly timeoutMs: number
}

/** What came of it: the event that is in the room now, and what the server answered. */
export type Shaken = {
  readonly server: ServerName
  readonly rules: RoomRules
  readonly event: { readonly eventId: EventId; readonly pdu: Pdu }
  readonly answer: JsonObject
}

const longestProposal = 256 * 1024
const longestAnswer = 2 * 1024 * 1024

/** The servers of a list that may be asked, each once. */
export function serversToAsk(servers: readonly ServerName[], serverName: ServerName): ServerName[] {
  return [...new Set(servers)].filter((server) => isServerName(server) && server !== serverName)
}

/**
 * Has a membership event taken into a room by one of the servers that are in it, one after the other until one does. Undefined when there is none to
 * ask; throws the refusal that says most, 502 M_UNKNOWN when none made sense. https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites
 */
export async function shakeHands(tools: Tools, wanted: Wanted): Promise<Shaken | undefined> {
  let refusal: MatrixError | undefined
  for (const server of serversToAsk(wanted.servers, tools.serverName).slice(0, wanted.mostServers)) {
    try {
      return await shakeHandsWith(tools, server, wanted)
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      refusal = sayingMore(refusal, error)
    }
  }
  if (refusal !== undefined) throw refusal
  return undefined
}

async function shakeHandsWith(tools: Tools, destination: ServerName, wanted: Wanted): Promise<Shaken> {
  const { roomId, userId, membership, versions, timeoutMs } = wanted
  const versionsAsked = membership === 'knock' ? `?${versions.map((version) => `ver=${version}`).join('&')}` : ''
  const made = await tools.peers.fetchJson({
    destination,
    method: 'GET',
    uri: `/_matrix/federation/v1/make_${membership}/${encodeURIComponent(roomId)}/${encodeURIComponent(userId)}${versionsAsked}`,
    timeoutMs,
    limit: longestProposal,
  })
  const proposal = answerOf(destination, made)
  const rules = roomRules(typeof proposal['room_version'] === 'string' ? proposal['room_version'] : '1')
  if (rules === undefined || !versions.includes(rules.version)) throw unsupportedRoomVersion()
  const unsigned = rebuild(tools, destination, rules, proposal['event'], wanted)
  const event = hashAndSignPdu(unsigned, rules, tools.serverName, tools.signingKey)
  const put = await tools.peers.fetchJson({
    destination,
    method: 'PUT',
    uri: `/_matrix/federation/${membership === 'leave' ? 'v2' : 'v1'}/send_${membership}/${encodeURIComponent(roomId)}/${encodeURIComponent(event.eventId)}`,
    content: event.pdu as unknown as JsonObject,
    timeoutMs,
    limit: longestAnswer,
  })
  return { server: destination, rules, event, answer: answerOf(destination, put) }
}

/**
 * Our own event: of the proposal nothing counts but where it stands, and a proposal of something else is none. In versions 1 and 2 "the leaving server
 * signs the event and replaces the event_id with its own".
 */
function rebuild(tools: Tools, server: ServerName, rules: RoomRules, proposed: unknown, wanted: Wanted): UnsignedPdu {
  const { roomId, userId, membership, content } = wanted
  const { room_id, sender, state_key, type, auth_events, prev_events, depth, content: said } = (proposed ?? {}) as Partial<Pdu>
  const isAsked = room_id === roomId && sender === userId && state_key === userId && type === 'm.room.member'
  if (!isAsked || !isJsonObject(said) || said['membership'] !== membership) throw unreachable(`${server} proposed something else`)
  const unnamed = {
    type,
    room_id: roomId,
    sender: userId,
    state_key: userId,
    content: { ...content, membership },
    auth_events: auth_events ?? [],
    prev_events: prev_events ?? [],
    depth: depth ?? 0,
    origin_server_ts: tools.clock.now(),
  }
  const event = named(unnamed, tools, rules)
  const shape = checkPduShape({ ...event, hashes: { sha256: '' }, signatures: {} }, rules)
  if (!shape.allowed) throw unreachable(`${server} proposed what is no event: ${shape.reason}`)
  return event
}

/** A membership event that no server took in: it is told to the user alone. */
export function buildAlone(
  tools: Tools,
  rules: RoomRules,
  { roomId, userId, membership, content }: Pick<Wanted, 'roomId' | 'userId' | 'membership' | 'content'>,
) {
  const event = {
    type: 'm.room.member',
    room_id: roomId,
    sender: userId,
    state_key: userId,
    content: { ...content, membership },
    auth_events: [],
    prev_events: [],
    depth: 0,
    origin_server_ts: tools.clock.now(),
  } as const
  return hashAndSignPdu(named(event, tools, rules), rules, tools.serverName, tools.signingKey)
}
