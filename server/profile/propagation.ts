import type { RoomId, UserId } from '../core/ids.ts'
import { MatrixError } from '../core/matrix-error.ts'
import type { Tools } from '../slice.ts'

/** Tells the rooms that a user is in of their new name or picture. Resolves when all of them were told. */
export type Propagate = (userId: UserId) => Promise<void>

const atOnce = 16

/**
 * Writes a user's present profile into their membership events, one change after the other, so that the last one stands.
 * https://spec.matrix.org/v1.19/client-server-api/#events-on-change-of-profile-information
 */
export function createPropagation(tools: Tools): Propagate {
  const lanes = new Map<UserId, Promise<void>>()
  return (userId) => {
    const turn = (lanes.get(userId) ?? Promise.resolve()).then(() => propagate(tools, userId))
    const settled = turn
      .catch(() => {})
      .then(() => {
        if (lanes.get(userId) === settled) lanes.delete(userId)
      })
    lanes.set(userId, settled)
    return turn
  }
}

async function propagate(tools: Tools, userId: UserId): Promise<void> {
  const { people, graph } = tools
  const { displayname, avatar_url } = await people.profile(userId)
  const memberships = await graph.memberships(userId)
  const rooms = [...memberships].filter(([, { membership }]) => membership === 'join').map(([roomId]) => roomId)
  for (let at = 0; at < rooms.length; at += atOnce) {
    await Promise.all(rooms.slice(at, at + atOnce).map((roomId) => tell(tools, roomId, userId, { displayname, avatar_url })))
  }
}

async function tell(
  tools: Tools,
  roomId: RoomId,
  userId: UserId,
  profile: { displayname: string | undefined; avatar_url: string | undefined },
  triesLeft = 3,
): Promise<void> {
  const { home, graph } = tools
  const current = (await graph.members(roomId, [userId])).get(userId)
  const own = current?.pdu.content
  if (current === undefined || own?.['membership'] !== 'join') return
  if (own['displayname'] === profile.displayname && own['avatar_url'] === profile.avatar_url) return
  // Nobody vouches for a change of profile, and the event needs no authorising member any more.
  const content = { ...own, ...profile, join_authorised_via_users_server: undefined }
  const written = Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined))
  try {
    // Whoever was kicked meanwhile, or has left, does not come back by a new name.
    const replaces = current.eventId
    await graph.append(roomId, [{ type: 'm.room.member', stateKey: userId, sender: userId, content: written, replaces }])
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    const hasChanged = (await graph.members(roomId, [userId])).get(userId)?.eventId !== current.eventId
    if (hasChanged && triesLeft > 0) return tell(tools, roomId, userId, profile, triesLeft - 1)
    home.log.debug('a room was not told of a new profile', { room: roomId, user: userId, error: error.message })
  }
}
