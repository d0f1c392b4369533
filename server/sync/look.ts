import { setImmediate } from 'node:timers/promises'
import type { RoomId, UserId } from '../core/ids.ts'
import type { Membership } from '../graph/graph.ts'
import type { Requester } from '../http/endpoint.ts'
import { welcomeInviters } from '../people/invites/invite-wishes.ts'
import type { Piece, Section, Tools } from '../slice.ts'
import type { Logged } from '../storage/database.ts'
import type { Listener } from '../storage/listeners.ts'
import { invitedText } from './invited-room.ts'
import { joinedText } from './joined-room.ts'
import { leftText } from './left-room.ts'
import { mergePieces, type Told, type Wanted } from './pieces.ts'
import type { SyncRequest } from './sync-request.ts'

/** What a look found; rooms as JSON text by id. */
export type Found = {
  /** How far was looked. */
  readonly upTo: number
  readonly told: Told
  readonly join: ReadonlyMap<RoomId, string>
  readonly invite: ReadonlyMap<RoomId, string>
  readonly knock: ReadonlyMap<RoomId, string>
  readonly leave: ReadonlyMap<RoomId, string>
  readonly toDeviceUpTo: number | undefined
  /** Where was looked. */
  readonly between: Wanted
}

/** Nothing that is worth ending a long poll for. */
export function isEmpty({ told, join, invite, knock, leave }: Found): boolean {
  return told.isEmpty && join.size + invite.size + knock.size + leave.size === 0
}

/** Looks at what there is for a device from its `since` up to now. */
export async function look(tools: Tools, sections: readonly Section[], listener: Listener, request: SyncRequest): Promise<Found> {
  const { requester, since } = request
  const after = since?.position ?? 0
  const { upTo, sorted } = await stand(tools, request)
  const rows = since === undefined ? undefined : tools.home.notifier.changes(listener.subscription.keys, after, upTo)
  const polls = { as: request.presence, milliseconds: request.timeout }
  const audience = { kind: 'device', userId: requester.userId, deviceId: requester.deviceId, polls } as const
  const between = { request, audience, after, upTo, rows, rooms: sorted.joined, newRooms: sorted.fresh }
  const told = await mergePieces(sections, between)
  const changed = await changedRooms(tools, rows, sorted, request, after)
  for (const roomId of told.rooms.keys()) if (sorted.joined.has(roomId)) changed.add(roomId)
  const join = new Map<RoomId, string>()
  let breathed = performance.now()
  for (const roomId of changed) {
    // Nobody else waits for the first sync of an account of a thousand rooms.
    if (performance.now() - breathed > longestBreath) {
      await setImmediate()
      breathed = performance.now()
    }
    const text = await joinedText(tools, { roomId, request, after, upTo, isNew: sorted.fresh.has(roomId), piece: told.rooms.get(roomId) })
    if (text !== undefined) join.set(roomId, text)
  }
  if (await wasSentAway(tools, requester.userId, join)) return look(tools, sections, listener, request)
  const invite = new Map<RoomId, string>()
  const knock = new Map<RoomId, string>()
  for (const roomId of await welcome(tools, requester.userId, sorted.invited)) {
    invite.set(roomId, await invitedText(tools, roomId, requester.userId, 'invite_state'))
  }
  for (const roomId of sorted.knocked) knock.set(roomId, await invitedText(tools, roomId, requester.userId, 'knock_state'))
  const leave = new Map<RoomId, string>()
  for (const [roomId, membership] of sorted.left) leave.set(roomId, await leftText(tools, { roomId, membership, request, after, upTo }))
  return { upTo, told, join, invite, knock, leave, toDeviceUpTo: told.toDeviceUpTo, between }
}

/**
 * The invitations of those whom the user neither ignores nor blocks. https://spec.matrix.org/v1.19/client-server-api/#ignoring-users and
 * https://spec.matrix.org/v1.19/client-server-api/#invite-permission
 */
async function welcome({ home, graph }: Tools, userId: UserId, invited: readonly RoomId[]): Promise<readonly RoomId[]> {
  if (invited.length === 0) return invited
  const [isWelcome, memberships] = await Promise.all([welcomeInviters(home.database, userId), graph.memberships(userId)])
  return invited.filter((roomId) => isWelcome(memberships.get(roomId)?.sender as UserId))
}

/** Whether the user is no more in one of these rooms: their state is told as it is when they are read, and that is not for those who were sent away meanwhile. */
async function wasSentAway({ graph }: Tools, userId: UserId, told: ReadonlyMap<RoomId, string>): Promise<boolean> {
  const { rooms } = await graph.joinedRooms(userId)
  for (const roomId of told.keys()) if (!rooms.has(roomId)) return true
  return false
}

const catchUp = 1000
/** Milliseconds of telling rooms at a time. */
const longestBreath = 8

/**
 * The position now, and the user's rooms as they are there. What another process changed is in memory a moment before the position moves past it; to
 * look between the two would tell of a room that was joined twice, or leave out the end of one that was left.
 */
async function stand({ home, graph }: Tools, request: SyncRequest): Promise<{ readonly upTo: number; readonly sorted: Sorted }> {
  const { since, requester, filter } = request
  const allRooms = filter.room?.rooms === undefined && filter.room?.not_rooms === undefined
  for (;;) {
    // The position first: rooms that are newer than it are found out, a position that is newer than the rooms would not be.
    const upTo = Math.max(home.notifier.position(), since?.position ?? 0)
    const joined = await graph.joinedRooms(requester.userId)
    if (since !== undefined && allRooms && joined.newest <= since.position) return { upTo, sorted: { ...unmoved, joined: joined.rooms } }
    const sorted = sortRooms(await graph.memberships(requester.userId), request, upTo)
    if (sorted.newest <= upTo || request.signal.aborted) return { upTo, sorted }
    await home.notifier.reached(sorted.newest, catchUp)
  }
}

type Sorted = {
  /** The position of the last change among them. */
  readonly newest: number
  readonly joined: ReadonlySet<RoomId>
  /** Joined since the last sync, or on a first one all: to be told whole. */
  readonly fresh: ReadonlySet<RoomId>
  readonly invited: readonly RoomId[]
  readonly knocked: readonly RoomId[]
  readonly left: ReadonlyMap<RoomId, Membership>
}

const unmoved = { newest: 0, fresh: new Set<RoomId>(), invited: [], knocked: [], left: new Map<RoomId, Membership>() }

function sortRooms(memberships: ReadonlyMap<RoomId, Membership>, request: SyncRequest, upTo: number): Sorted {
  const after = request.since?.position ?? 0
  const wanted = request.filter.room
  const joined = new Set<RoomId>()
  const fresh = new Set<RoomId>()
  const invited: RoomId[] = []
  const knocked: RoomId[] = []
  const left = new Map<RoomId, Membership>()
  let newest = 0
  for (const [roomId, membership] of memberships) {
    newest = Math.max(newest, membership.position)
    if (wanted?.not_rooms?.includes(roomId) || (wanted?.rooms !== undefined && !wanted.rooms.includes(roomId))) continue
    const isChange = membership.position > after && membership.position <= upTo
    switch (membership.membership) {
      case 'join':
        joined.add(roomId)
        if (membership.joinedAt > after || request.since === undefined) fresh.add(roomId)
        break
      case 'invite':
        if (isChange) invited.push(roomId)
        break
      case 'knock':
        if (isChange) knocked.push(roomId)
        break
      default:
        if (request.since === undefined ? wanted?.include_leave === true && !membership.forgotten : isChange) left.set(roomId, membership)
    }
  }
  return { newest, joined, fresh, invited, knocked, left }
}

/** The joined rooms in which something happened: told by the log rows, or asked from the rooms when memory does not reach back. */
async function changedRooms(
  { graph }: Tools,
  rows: readonly Logged[] | undefined,
  { joined, fresh }: Sorted,
  request: SyncRequest,
  after: number,
): Promise<Set<RoomId>> {
  if (request.since === undefined || request.fullState) return new Set(joined)
  const changed = new Set(fresh)
  if (rows === undefined) for (const roomId of await graph.changedRooms(joined, after)) changed.add(roomId)
  else for (const { kind, key } of rows) if (kind === 'event' && joined.has(key as RoomId)) changed.add(key as RoomId)
  return changed
}

/** The answer as JSON text. */
export function answerText(next: string, found: Found, always: Piece, requester: Requester): string {
  const { told } = found
  const parts = [`"next_batch":"${next}"`]
  if (told.accountData.length > 0) parts.push(`"account_data":{"events":${JSON.stringify(told.accountData)}}`)
  if (told.presence.length > 0) parts.push(`"presence":{"events":${JSON.stringify(told.presence)}}`)
  if (told.toDevice.length > 0) parts.push(`"to_device":{"events":${JSON.stringify(told.toDevice)}}`)
  if (told.deviceLists !== undefined) parts.push(`"device_lists":${JSON.stringify(told.deviceLists)}`)
  if (requester.deviceId !== undefined) {
    parts.push(`"device_one_time_keys_count":${JSON.stringify(always.oneTimeKeyCounts ?? {})}`)
    const unused = JSON.stringify(always.unusedFallbackKeyTypes ?? [])
    parts.push(`"device_unused_fallback_key_types":${unused},"org.matrix.msc2732.device_unused_fallback_key_types":${unused}`)
  }
  const rooms = [
    roomsText('join', found.join),
    roomsText('invite', found.invite),
    roomsText('knock', found.knock),
    roomsText('leave', found.leave),
  ]
  const some = rooms.filter((text) => text !== '')
  if (some.length > 0) parts.push(`"rooms":{${some.join(',')}}`)
  return `{${parts.join(',')}}`
}

function roomsText(name: string, rooms: ReadonlyMap<RoomId, string>): string {
  if (rooms.size === 0) return ''
  const entries: string[] = []
  for (const [roomId, text] of rooms) entries.push(`${JSON.stringify(roomId)}:${text}`)
  return `"${name}":{${entries.join(',')}}`
}
