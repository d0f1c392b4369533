import type { RoomId, UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { MatrixError } from '../core/matrix-error.ts'
import { roomRules } from '../core/room-versions.ts'
import type { Template } from '../graph/graph.ts'
import { editAccountData } from '../people/account-data.ts'
import type { Tools } from '../slice.ts'
import { guard, write } from '../storage/database.ts'
import { insertNoticeRoom, selectNoticeRoom } from './notice-rooms.store.ts'

/**
 * The room in which the server speaks to a user, made when there is none, with the user invited (again, after they have left) and told by a tag what it
 * is. https://spec.matrix.org/v1.19/client-server-api/#server-notices
 */
export async function noticeRoomOf(tools: Tools, userId: UserId): Promise<{ roomId: RoomId; sender: UserId }> {
  const { home, graph } = tools
  const sender = await ensureSender(tools)
  const known = await home.database.selectOne(selectNoticeRoom, userId)
  const roomId = known?.room_id ?? (await make(tools, sender, userId))
  const membership = (await graph.freshRoom(roomId))?.membership(userId)
  if (membership !== 'join' && membership !== 'invite') {
    await graph.append(roomId, [{ type: 'm.room.member', stateKey: userId, sender, content: { membership: 'invite' } }])
  }
  await editAccountData(home.database, userId, roomId, 'm.tag', tagged)
  return { roomId, sender }
}

/** The account that notices come from; nobody can log in to it. */
async function ensureSender({ home, people }: Tools): Promise<UserId> {
  const { localpart, display_name: displayName } = home.config.server_notices
  const userId: UserId = `@${localpart}:${home.serverName}`
  if (await people.account(userId)) return userId
  try {
    await people.createAccount({ userId, password: undefined, admin: false, serviceId: undefined })
  } catch (error) {
    if (!(error instanceof MatrixError) || error.errcode !== 'M_USER_IN_USE') throw error
  }
  await people.setProfileField(userId, 'displayname', displayName)
  return userId
}

async function make({ home, graph }: Tools, sender: UserId, userId: UserId): Promise<RoomId> {
  const version = home.config.default_room_version
  const { roomId, guard: failed } = await graph.create(version, firstEvents(home.config, version, sender, userId), {
    of: (made) => ({ guards: [guard('room', 'no row', selectNoticeRoom, userId)], writes: [write(insertNoticeRoom, userId, made)] }),
  })
  if (failed === undefined) return roomId
  const other = await home.database.selectOne(selectNoticeRoom, userId)
  return other?.room_id ?? roomId
}

/** A room in which nobody but the server speaks. */
function firstEvents(config: Tools['home']['config'], version: string, sender: UserId, userId: UserId): Template[] {
  const rules = roomRules(version)!
  const { display_name: displayname, room_name: name } = config.server_notices
  const state = (type: string, content: JsonObject, stateKey = ''): Template => ({ type, stateKey, sender, content })
  return [
    state('m.room.create', { room_version: version, ...(rules.creatorInContent ? { creator: sender } : {}) }),
    state('m.room.member', { membership: 'join', displayname }, sender),
    state('m.room.power_levels', { users_default: -10, invite: 50, ...(rules.privilegedCreators ? {} : { users: { [sender]: 100 } }) }),
    state('m.room.join_rules', { join_rule: 'invite' }),
    state('m.room.history_visibility', { history_visibility: 'shared' }),
    state('m.room.guest_access', { guest_access: 'forbidden' }),
    state('m.room.name', { name }),
    state('m.room.member', { membership: 'invite' }, userId),
  ]
}

function tagged(content: JsonObject | undefined): JsonObject | undefined {
  const tags = isJsonObject(content?.['tags']) ? content['tags'] : {}
  return Object.hasOwn(tags, 'm.server_notice') ? undefined : { ...content, tags: { ...tags, 'm.server_notice': {} } }
}
