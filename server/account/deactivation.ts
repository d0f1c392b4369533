import type { RoomId, UserId } from '../core/ids.ts'
import { MatrixError } from '../core/matrix-error.ts'
import type { Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import { deleteLoginTokensOfUser, deleteOpenIdTokensOfUser } from './single-use-tokens.store.ts'

const atOnce = 8

/**
 * Ends an account for good: nobody logs in as this user any more, the rooms are left, and what slices keep is forgotten. With `erase`, whoever was
 * not in a room with them sees their events redacted. What a crash cuts short is finished at the next start.
 */
export async function deactivate(tools: Tools, userId: UserId, erase: boolean): Promise<void> {
  const { people, graph } = tools
  if (erase) await graph.erase(userId)
  await people.deactivate(userId)
  await clearAway(tools, userId)
}

/** Finishes what was begun before this server was started. */
export async function resumeDeactivations(tools: Tools, isStopping: () => boolean): Promise<void> {
  for (const userId of await tools.people.deactivating()) {
    if (isStopping()) return
    await clearAway(tools, userId)
  }
}

async function clearAway(tools: Tools, userId: UserId): Promise<void> {
  const { home, people, graph } = tools
  await home.database.commit({ writes: [write(deleteLoginTokensOfUser, userId), write(deleteOpenIdTokensOfUser, userId)] })
  const memberships = await graph.memberships(userId)
  const rooms = [...memberships].filter(([, { membership }]) => membership !== 'leave' && membership !== 'ban').map(([roomId]) => roomId)
  for (let at = 0; at < rooms.length; at += atOnce) {
    await Promise.all(rooms.slice(at, at + atOnce).map((roomId) => leave(tools, roomId, userId)))
  }
  await people.finishDeactivation(userId)
}

/** Leaves a room, declines its invitation or takes a knock back. */
async function leave({ home, graph }: Tools, roomId: RoomId, userId: UserId): Promise<void> {
  try {
    if (await graph.outside.stands(userId, roomId)) return await graph.outside.leave(roomId, userId, {})
    await graph.append(roomId, [{ type: 'm.room.member', stateKey: userId, sender: userId, content: { membership: 'leave' } }])
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    home.log.warn('a room could not be left by an account that was ended', { room: roomId, user: userId, error: error.message })
  }
}
