import { readOptionalObject } from '../core/fields.ts'
import { isRoomId, isServerName, parseMxc, type ServerName } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { badJson, invalidParam } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { Home } from '../home.ts'
import type { Reply } from '../http/endpoint.ts'
import { malformedAnswer, relayedError } from '../remote/relayed-error.ts'
import { createQuestions } from '../remote/turns.ts'
import { readDirectory } from './public-rooms.ts'

const timeoutMs = 20_000
const longestAnswer = 4 * 1024 * 1024
const mostRooms = 1000
const longestToken = 1024
const longestText = 64 * 1024
const path = '/_matrix/federation/v1/publicRooms'

/** A page of another server's directory: by a query, or by a body as a client sends it. */
export type AskOther = (server: string, query: Readonly<Record<string, string | null>>, body: JsonObject | undefined) => Promise<Reply>

/** Asks other servers for their rooms, and gives on what is well-formed of their answers. https://spec.matrix.org/v1.19/server-server-api/#published-room-directory */
export function createAskOther({ peers }: Pick<Home, 'peers'>): AskOther {
  const inTurn = createQuestions()
  return async (server, query, body) => {
    if (!isServerName(server)) throw invalidParam('`server` is not the name of a server')
    const content = body === undefined ? undefined : questionOf(body)
    const answer = await inTurn(server, () => ask(peers, server, query, content))
    if (!answer.ok || answer.status !== 200) throw relayedError(answer, 'that server has no directory')
    return { body: pageOf(answer.body) }
  }
}

function ask(
  peers: Home['peers'],
  destination: ServerName,
  query: Readonly<Record<string, string | null>>,
  content: JsonObject | undefined,
): ReturnType<Home['peers']['fetchJson']> {
  const of = { destination, timeoutMs, limit: longestAnswer }
  if (content !== undefined) return peers.fetchJson({ ...of, method: 'POST', uri: path, content })
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== null)
  const text = new URLSearchParams(given).toString()
  return peers.fetchJson({ ...of, method: 'GET', uri: text === '' ? path : `${path}?${text}` })
}

/** What a client asks, without what is none of the other server's business. */
function questionOf(body: JsonObject): JsonObject {
  const { limit, since } = body
  if (limit !== undefined && !Number.isSafeInteger(limit)) throw badJson('`limit` must be a whole number')
  if (since !== undefined && since !== null && typeof since !== 'string') throw badJson('`since` must be a string')
  const filter = readOptionalObject(body, 'filter')
  const directory = readDirectory(body)
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(typeof since === 'string' ? { since } : {}),
    ...(filter === undefined ? {} : { filter }),
    ...(directory.of === 'all' ? { include_all_networks: true } : {}),
    ...(directory.of === 'network' ? { third_party_instance_id: directory.instanceId } : {}),
  }
}

function pageOf({ chunk, next_batch: next, prev_batch: previous, total_room_count_estimate: total }: JsonObject): JsonObject {
  if (!Array.isArray(chunk)) throw malformedAnswer()
  return {
    chunk: chunk.slice(0, mostRooms).flatMap((room) => (isJsonObject(room) && isRoomId(room['room_id']) ? [publicRoomOf(room)] : [])),
    ...(isPlainText(next, longestToken) ? { next_batch: next } : {}),
    ...(isPlainText(previous, longestToken) ? { prev_batch: previous } : {}),
    ...(isCount(total) ? { total_room_count_estimate: total } : {}),
  }
}

const texts = ['name', 'topic', 'canonical_alias', 'join_rule', 'room_type']

/** What is well-formed of what another server says of a room that has an id. */
export function publicRoomOf(room: JsonObject): JsonObject {
  const { room_id, num_joined_members: members, world_readable: readable, guest_can_join: guests, avatar_url: picture } = room
  const told = texts.flatMap((key): [string, Json][] => (isPlainText(room[key], longestText) ? [[key, room[key]]] : []))
  return {
    room_id: room_id!,
    num_joined_members: isCount(members) ? members : 0,
    world_readable: readable === true,
    guest_can_join: guests === true,
    ...Object.fromEntries(told),
    ...(parseMxc(picture) === undefined ? {} : { avatar_url: picture! }),
  }
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
