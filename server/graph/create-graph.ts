import type { EventId, RoomId, UserId } from '../core/ids.ts'
import { unknown } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { type Logged, write } from '../storage/database.ts'
import { createActivity } from './activity.ts'
import { createAliases } from './aliases.ts'
import { append } from './append.ts'
import { changedKind, takeChanged } from './changed-past.ts'
import { create } from './create.ts'
import { checkTemplate } from './draft.ts'
import { createErasure } from './erasure.ts'
import { createForServers } from './for-servers/create-for-servers.ts'
import { roomsOfServer } from './for-servers/rooms-of-server.ts'
import { createSharedRooms } from './for-servers/shared-rooms.ts'
import type { Graph, StateEvent } from './graph.ts'
import { createHistory, searchedPastOver } from './history.ts'
import { selectMembershipChanges, selectNewcomers, selectSharing, updateForgotten } from './memberships.store.ts'
import { createMemberships, type Memberships } from './memberships.ts'
import { createOutside } from './outside/create-outside.ts'
import { appendSigned } from './policy/append-signed.ts'
import { createAskBeforehand } from './policy/ask-beforehand.ts'
import { createAskPolicy } from './policy/policy.ts'
import { createReceive } from './receive/create-receive.ts'
import { propose } from './receive/handshake.ts'
import type { ReceiveTools } from './receive/receive-tools.ts'
import { createStates, type States } from './receive/resolve-state.ts'
import { createBundles } from './relations/bundles.ts'
import { createRelations } from './relations/relations.ts'
import { groupInMemory, stateKeyOf, viewOf } from './room.ts'
import { selectChangedRooms } from './rooms.store.ts'
import { createRooms, need, type Rooms, refresh } from './rooms.ts'
import { createPastStates, type PastStates } from './state-at.ts'
import { createStateTexts } from './state-text/create-state-texts.ts'
import { isOfThread } from './unread/thread-of.ts'
import { createUnread } from './unread/unread.ts'

/** The event graph over a database: the only writer of room events. Keeps up with what other processes write. */
export function createGraph(home: Home): Graph {
  const { database } = home
  const memberships = createMemberships(home)
  const rooms = createRooms(home, memberships)
  const past = createPastStates(home)
  const tools: ReceiveTools = {
    ...home,
    rooms,
    memberships,
    past,
    states: createStates({ ...home, past }),
    askPolicy: createAskPolicy(home),
    appendSigned: (roomId, templates, options) => appendSigned(tools, roomId, templates, options),
  }
  const unread = createUnread(tools)

  async function load(roomId: RoomId, fresh: boolean) {
    const room = await rooms.load(roomId)
    if (room === undefined) return undefined
    if (fresh && database.shared) await refresh(database.select, room, memberships)
    return viewOf(room)
  }

  home.notifier.beforeAdvance((rows) => follow(tools, unread.forgetMark, rows))
  wakeRoomsOfUsers(home, memberships, rooms)

  const { erase, erased, isErased } = createErasure(tools)
  const history = createHistory({ ...tools, erased })
  return {
    ...history,
    searchedPast: searchedPastOver(home),
    erase,
    ...createRelations(home),
    bundles: createBundles(home, history.visible),
    ...createActivity(tools),
    ...createAliases(home),
    unread: unread.unread,
    readRooms: unread.readRooms,
    readMarker: unread.readMarker,
    pushContext: unread.pushContext,
    forServers: createForServers({ ...tools, isErased }),
    sharedRooms: createSharedRooms(home),
    roomsOfServer: (server) => roomsOfServer(home, server),
    isOfThread: (event, threadId) => isOfThread(event, threadId, history.event),
    room: (roomId) => load(roomId, false),
    freshRoom: (roomId) => load(roomId, true),
    checkTemplate: async (roomId, template) => {
      const room = await rooms.load(roomId)
      if (room !== undefined) checkTemplate(home, room, template)
    },
    ...createOutside(tools, createReceive(tools)),
    propose: (roomId, template, signedBy) => propose(tools, roomId, template, signedBy),
    askBeforehand: createAskBeforehand(tools),
    append: (roomId, templates, options) => append(tools, roomId, templates, options),
    create: (version, templates, options) => create(tools, version, templates, options),
    ...membersOf(tools),
    ...statesOf(tools),
    ...createStateTexts(tools),
  }
}

/** How many changes of memberships are looked through for those who joined: one statement over them is one turn. */
const mostChangesRead = 5000

type GraphTools = Home & { readonly rooms: Rooms; readonly memberships: Memberships; readonly past: PastStates }

/** Follows what other processes wrote: rooms and memberships in memory are brought up to it before readers are woken. */
async function follow(
  { database, rooms, memberships, states }: GraphTools & { readonly states: States },
  forgetMark: (key: string) => void,
  logged: readonly Logged[],
): Promise<void> {
  const users = new Set<UserId>()
  const touched = new Map<RoomId, number>()
  const changed = new Set<EventId>()
  for (const { kind, key, position } of logged) {
    if (kind === 'event') touched.set(key as RoomId, position)
    else if (kind === 'membership') users.add(key as UserId)
    else if (kind === changedKind) changed.add(key as EventId)
    else if (kind === 'read_position') forgetMark(key)
  }
  for (const [roomId, position] of touched) {
    const room = await rooms.held(roomId)
    const filled = room?.partial?.stateGroup
    if (room !== undefined && (room.position < position || filled !== undefined)) await refresh(database.select, room, memberships)
    if (filled !== undefined) states.forget(filled)
  }
  await takeChanged({ database, rooms }, [...changed])
  for (const userId of users) await memberships.reload(userId)
}

/** Who is in which room. */
function membersOf({
  database,
  rooms,
  memberships,
}: GraphTools): Pick<Graph, 'memberships' | 'joinedRooms' | 'sharing' | 'members' | 'forget' | 'membershipChanges' | 'newcomers'> {
  return {
    memberships: memberships.of,
    joinedRooms: memberships.joinedBy,
    sharing: async (userId) => new Set((await database.select(selectSharing, userId, userId)).map((row) => row.user_id as UserId)),
    members: async (roomId, userIds) => {
      const room = await rooms.load(roomId)
      const found = new Map<UserId, StateEvent>()
      if (room === undefined) return found
      const wanted = [...userIds]
      await need(database.select, room, memberships, wanted)
      for (const userId of wanted) {
        const event = room.state.get(stateKeyOf('m.room.member', userId))
        if (event !== undefined) found.set(userId, event)
      }
      return found
    },
    forget: async (roomId, userId) => {
      const membership = (await memberships.of(userId)).get(roomId)?.membership
      if (membership !== undefined && membership !== 'leave' && membership !== 'ban') throw unknown('leave the room before you forget it')
      await database.commit({ writes: [write(updateForgotten, userId, roomId)] })
      memberships.setForgotten(userId, roomId)
    },
    membershipChanges: async (after, upTo, of) => {
      const rows = await database.select(selectMembershipChanges, [...of], after, upTo)
      return rows.map((row) => ({
        roomId: row.room_id as RoomId,
        userId: row.user_id as UserId,
        membership: row.membership,
        position: row.position,
      }))
    },
    newcomers: async (after, upTo, of, most) =>
      (await database.select(selectNewcomers, [...of], after, upTo, mostChangesRead, after, most)).map((row) => row.user_id as UserId),
  }
}

/** States, present and past. */
function statesOf({
  database,
  past,
  rooms,
}: GraphTools): Pick<
  Graph,
  'stateOf' | 'stateWithoutMembers' | 'changedRooms' | 'stateChanges' | 'stateChangesWithoutMembers' | 'stateGroupAt'
> {
  return {
    stateOf: async (stateGroup, wanted) => {
      if (wanted === undefined) return past.all(stateGroup)
      const found = await Promise.all(wanted.map(([type, stateKey]) => past.entry(stateGroup, type, stateKey)))
      return found.filter((event) => event !== undefined)
    },
    stateWithoutMembers: (stateGroup, roomId) => past.withoutMembers(stateGroup, roomId && rooms.peek(roomId)?.state),
    changedRooms: async (roomIds, after) =>
      (await database.select(selectChangedRooms, [...roomIds], after)).map((row) => row.room_id as RoomId),
    stateChanges: past.changes,
    stateChangesWithoutMembers: past.changesWithoutMembers,
    stateGroupAt: async (roomId, position) => groupInMemory(rooms.peek(roomId), position) ?? past.groupAt(roomId, position),
  }
}

const kindsOfUsers = new Set(['device_list', 'presence'])
const mostWokenByPresence = 100

/** In a large room somebody comes or goes all the time: that is told with the next answer, and wakes nobody. */
function isSmall(rooms: Rooms, roomId: RoomId): boolean {
  return (rooms.peek(roomId)?.joined.size ?? 0) <= mostWokenByPresence
}

/** What a user does with devices and presence wakes the user's rooms: at once when memory knows them, as soon as they are read otherwise. */
function wakeRoomsOfUsers({ notifier, log }: Pick<Home, 'notifier' | 'log'>, memberships: Memberships, rooms: Rooms): void {
  const woken = (kind: string, userId: UserId) =>
    [...joinedRoomsInMemory(memberships, userId)].filter((roomId) => kind !== 'presence' || isSmall(rooms, roomId))
  for (const kind of kindsOfUsers) notifier.alsoWake(kind, (key) => woken(kind, key as UserId))
  notifier.onAdvance((_, rows) => {
    for (const { kind, key, position } of rows) {
      if (!kindsOfUsers.has(kind) || memberships.peek(key as UserId) !== undefined) continue
      memberships.of(key as UserId).then(
        () => notifier.wakeLate(woken(kind, key as UserId), position),
        (error: unknown) => log.warn('rooms could not be woken', { error: String(error) }),
      )
    }
  })
}

function* joinedRoomsInMemory(memberships: Memberships, userId: UserId): Iterable<RoomId> {
  for (const [roomId, { membership }] of memberships.peek(userId) ?? []) if (membership === 'join') yield roomId
}
