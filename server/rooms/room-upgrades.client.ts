import { powerScope, requiredLevel, userPower } from '../core/event-auth/power-levels.ts'
import { readList, readText, roomIdOf } from '../core/fields.ts'
import { isUserId, type RoomId, type UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { badJson, forbidden, invalidParam, MatrixError, unsupportedRoomVersion } from '../core/matrix-error.ts'
import { type RoomRules, roomRules, supportedRoomVersions } from '../core/room-versions.ts'
import type { RoomView, Template } from '../graph/graph.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { carryPushRules } from '../people/carry-push-rules.ts'
import type { Tools } from '../slice.ts'
import { movePublication } from './published-rooms.ts'
import { canonicalAlias, replacementEvents, restrictedLevels } from './replacement-events.ts'

const mostBans = 1000

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidupgrade */
export function roomUpgrades(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/rooms/{roomId}/upgrade',
      operationId: 'upgradeRoom',
      auth: 'access_token',
      body: 'json',
      handle: (call) => upgrade(tools, call),
    }),
  ]
}

async function upgrade(tools: Tools, { requester: { userId }, params, body }: Call<'access_token'>): Promise<Reply> {
  const { graph, people, home } = tools
  const roomId = roomIdOf(params['roomId'])
  const rules = readVersion(body)
  const additionalCreators = rules.privilegedCreators ? readCreators(body) : []
  const old = await graph.freshRoom(roomId)
  if (old === undefined || old.membership(userId) !== 'join') throw forbidden('you are not a member of this room')
  // 1. Checks that the user has permission to send m.room.tombstone events in the room.
  if (!maySet(old, userId, 'm.room.tombstone')) throw forbidden('you cannot upgrade this room')
  const { displayname, avatar_url } = await people.profile(userId)
  const membership = { ...(displayname === undefined ? {} : { displayname }), ...(avatar_url === undefined ? {} : { avatar_url }) }
  const gone = [...(await graph.members(roomId, [...old.gone()].slice(0, mostBans))).values()]
  const banned = gone.filter(({ pdu }) => pdu.content['membership'] === 'ban')
  // 2. and 3. A replacement room, with the state that can be transferred.
  const templates = replacementEvents(old, { creator: userId, membership, rules, additionalCreators, banned })
  const made = await graph.create(rules.version, templates)
  if (made.guard !== undefined) throw badJson('the room could not be made: try again')
  await endOldRoom(tools, old, userId, made.roomId)
  await carryPushRules(home.database, userId, roomId, made.roomId)
  return { body: { replacement_room: made.roomId } }
}

/** 4. to 6.: aliases and the place in the directory move with the tombstone, in one part; then the old room is closed, if that is possible. */
async function endOldRoom({ graph, home }: Tools, old: RoomView, sender: UserId, replacement: RoomId): Promise<void> {
  const { roomId } = old
  const aliases = graph.moveAliases(roomId, await graph.aliasesOf(roomId), replacement)
  const publication = movePublication(roomId, replacement)
  const state = (type: string, content: JsonObject): Template => ({ type, stateKey: '', sender, content })
  const tombstone = state('m.room.tombstone', { body: 'This room has been replaced', replacement_room: replacement })
  const named = canonicalAlias(old).length > 0 && maySet(old, sender, 'm.room.canonical_alias')
  const templates = named ? [tombstone, state('m.room.canonical_alias', {})] : [tombstone]
  await graph.append(roomId, templates, { writes: [...aliases.writes, ...publication], log: aliases.log })
  const levels = restrictedLevels(old)
  if (levels === undefined || !maySet(old, sender, 'm.room.power_levels')) return
  try {
    await graph.append(roomId, [state('m.room.power_levels', levels)])
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    home.log.debug('the old room of an upgrade stays open', { roomId, reason: error.message })
  }
}

function maySet(room: RoomView, userId: UserId, type: string): boolean {
  const scope = powerScope((of, stateKey) => room.state(of, stateKey)?.pdu, room.rules)
  return userPower(scope, userId) >= requiredLevel(scope, type, true)
}

function readVersion(body: JsonObject): RoomRules {
  const version = readText(body, 'new_version')
  const rules = supportedRoomVersions.includes(version) ? roomRules(version) : undefined
  if (rules === undefined) throw unsupportedRoomVersion(`use one of the room versions ${supportedRoomVersions.join(', ')}`)
  return rules
}

function readCreators(body: JsonObject): UserId[] {
  const creators = readList(body, 'additional_creators')
  return [...new Set(creators)].map((creator) => {
    if (!isUserId(creator)) throw invalidParam('`additional_creators` must hold user ids')
    return creator
  })
}
