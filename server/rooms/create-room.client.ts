import { readList, readOptionalBoolean, readOptionalObject, readOptionalText } from '../core/fields.ts'
import { isRoomAlias, isUserId, type RoomAlias, type RoomId, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { badJson, forbidden, invalidParam, MatrixError, notFound, roomInUse, unsupportedRoomVersion } from '../core/matrix-error.ts'
import { roomRules, supportedRoomVersions } from '../core/room-versions.ts'
import type { Template } from '../graph/graph.ts'
import { type AppService, type Call, type Endpoint, endpoint, type Reply, type Requester } from '../http/endpoint.ts'
import { checkInvite } from '../people/invites/invite-wishes.ts'
import type { Tools } from '../slice.ts'
import { checkAliasFree } from './alias-namespaces.ts'
import { firstEvents, type NewRoom, type Preset } from './first-events.ts'
import { publication } from './published-rooms.ts'

const invitedAtOnce = 4

const presets = ['private_chat', 'trusted_private_chat', 'public_chat']

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom */
export function createRoom(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/createRoom',
      operationId: 'createRoom',
      auth: 'access_token',
      body: 'json?',
      rate: 'create_room',
      handle: (call) => create(tools, call),
    }),
  ]
}

async function create(tools: Tools, { requester, body }: Call<'access_token'>): Promise<Reply> {
  const { graph, people, home } = tools
  const room = await readNewRoom(tools, requester, body)
  if (room.alias !== undefined) checkAliasFree(people, room.alias, requester.service)
  const { alias } = room
  const made = await graph.create(room.version, firstEvents(room), {
    of: (roomId) => {
      const named = alias === undefined ? { guards: [], writes: [], log: [] } : graph.claimAlias(alias, roomId, requester.userId)
      return room.isPublished ? { ...named, writes: [...named.writes, publication(roomId, true)] } : named
    },
  })
  if (made.guard === 'alias') throw roomInUse()
  if (made.guard !== undefined) throw badJson('the room could not be made: try again')
  home.log.debug('a room was made', { roomId: made.roomId })
  await inviteOthers(tools, made.roomId, room)
  return { body: { room_id: made.roomId } }
}

/** Invites the users of other servers. The room stands by then: of those who cannot be invited the log tells. */
async function inviteOthers({ graph, home }: Tools, roomId: RoomId, { creator, invited }: NewRoom): Promise<void> {
  const others = [...invited].filter(([userId]) => serverNameOf(userId) !== home.serverName)
  for (let at = 0; at < others.length; at += invitedAtOnce) {
    await Promise.all(
      others.slice(at, at + invitedAtOnce).map(async ([stateKey, content]) => {
        try {
          await graph.inviteRemote(roomId, { type: 'm.room.member', stateKey, sender: creator, content })
        } catch (error) {
          if (!(error instanceof MatrixError)) throw error
          home.log.warn('a user of another server could not be invited to a new room', { roomId, userId: stateKey, error: error.message })
        }
      }),
    )
  }
}

async function readNewRoom({ people, home }: Tools, { userId: creator, service }: Requester, body: JsonObject): Promise<NewRoom> {
  const version = readOptionalText(body, 'room_version') ?? home.config.default_room_version
  const rules = supportedRoomVersions.includes(version) ? roomRules(version) : undefined
  if (rules === undefined)
    throw unsupportedRoomVersion(`room version ${JSON.stringify(version)} is not offered; use one of ${supportedRoomVersions.join(', ')}`)
  const visibility = readOptionalText(body, 'visibility') ?? 'private'
  if (visibility !== 'public' && visibility !== 'private') throw badJson('`visibility` must be public or private')
  const preset = readOptionalText(body, 'preset') ?? (visibility === 'public' ? 'public_chat' : 'private_chat')
  if (!presets.includes(preset)) throw badJson(`\`preset\` must be one of ${presets.join(', ')}`)
  const invited = readInvited(body)
  if (readList(body, 'invite_3pid').length > 0) throw forbidden('this server has no identity server: invite by user id')
  const isDirect = readOptionalBoolean(body, 'is_direct') ?? false
  const aliasName = readOptionalText(body, 'room_alias_name')
  return {
    version,
    rules,
    creator,
    profile: await people.profile(creator),
    preset: preset as Preset,
    isPublished: visibility === 'public',
    alias: aliasName === undefined || aliasName === '' ? undefined : aliasOf(aliasName, home.serverName),
    name: readOptionalText(body, 'name'),
    topic: readOptionalText(body, 'topic'),
    invited: await readProfiles({ people, home }, { creator, invited, isDirect, service }),
    initialState: readInitialState(creator, body),
    creationContent: readOptionalObject(body, 'creation_content') ?? {},
    powerLevels: readOptionalObject(body, 'power_level_content_override') ?? {},
  }
}

function readInvited(body: JsonObject): UserId[] {
  const invited = readList(body, 'invite')
  if (invited.length > 100) throw invalidParam('at most 100 users can be invited to a new room; invite the others afterwards')
  return [...new Set(invited)].map((userId) => {
    if (!isUserId(userId)) throw invalidParam('`invite` must hold user ids')
    return userId
  })
}

async function readProfiles(
  { people, home }: Pick<Tools, 'people' | 'home'>,
  {
    creator,
    invited,
    isDirect,
    service,
  }: { creator: UserId; invited: readonly UserId[]; isDirect: boolean; service?: AppService | undefined },
) {
  const contents = new Map<UserId, JsonObject>()
  for (const userId of invited) {
    const isOurs = serverNameOf(userId) === home.serverName
    if (isOurs && !(await people.userExists(userId, service))) throw notFound(`there is no user ${userId} on this server`)
    if (isOurs) await checkInvite(home.database, creator, userId)
    const { displayname, avatar_url } = isOurs ? await people.profile(userId) : {}
    contents.set(userId, {
      membership: 'invite',
      ...(displayname === undefined ? {} : { displayname }),
      ...(avatar_url === undefined ? {} : { avatar_url }),
      ...(isDirect ? { is_direct: true } : {}),
    })
  }
  return contents
}

function readInitialState(creator: UserId, body: JsonObject): Template[] {
  return readList(body, 'initial_state').map((event) => {
    if (!isJsonObject(event) || typeof event['type'] !== 'string') throw badJson('`initial_state` holds objects with a type')
    const { type, state_key: stateKey = '', content } = event
    if (typeof stateKey !== 'string' || !isJsonObject(content))
      throw badJson('`initial_state` holds objects with `type`, `state_key` and `content`')
    if (type === 'm.room.create' || type === 'm.room.member') throw badJson(`\`initial_state\` cannot hold ${type}`)
    return { type, stateKey, sender: creator, content }
  })
}

function aliasOf(name: string, serverName: string): RoomAlias {
  const alias = `#${name}:${serverName}`
  if (name.includes(':') || !isRoomAlias(alias)) throw invalidParam('`room_alias_name` is the alias without # and without server name')
  return alias
}
