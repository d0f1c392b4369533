import { Later } from '../feed.ts'
import type { Kit } from '../kit.ts'
import { MatrixRequestError, type MatrixSide } from '../matrix/side.ts'
import { defaultOwner } from '../owners.ts'
import { putHub, selectHub } from '../store/portals.store.ts'

/**
 * The hub's room, with our bot in it. There is no hub process: the alias is the lock, so the bridge that claims it makes the room and invites the
 * owner and the other bots; the others find it and join. Throws `Later` while we are not invited, and while the alias is somebody else's who took it first:
 * nothing is said into a room that none of those made who belong into it. Who made a room is not shown to those who were never in it, so the bot may have
 * to join once to find out; it leaves then, and does not come back.
 */
export async function ensureHub(kit: Pick<Kit, 'hub' | 'store' | 'matrix' | 'owner'>): Promise<string> {
  const { hub, store, matrix } = kit
  if (!hub) throw new Error('no hub is configured')
  const known = selectHub(store, hub.alias)
  if (known) return known
  const owner = defaultOwner(kit)
  const invite = new Set([...hub.invite, ...(owner === undefined ? [] : [owner])])
  invite.delete(matrix.botUserId)
  const room =
    (await matrix.resolve(hub.alias)) ??
    (await matrix.createRoom({
      alias: hub.alias,
      name: hub.name,
      invite: [...invite],
      topic: 'Shared with people on other apps. Their apps see what is written here, under the name you have here.',
    }))
  const isStrangers = (maker: string) => maker !== matrix.botUserId && !invite.has(maker)
  const before = await matrix.creator(room)
  if (before !== undefined && isStrangers(before)) return refuse(matrix, room)
  try {
    await matrix.join(matrix.botUserId, room)
  } catch (error) {
    if (error instanceof MatrixRequestError && error.status === 403) throw new Later('the bot is not invited to the hub yet')
    throw error
  }
  if (isStrangers(before ?? (await matrix.creator(room)) ?? '')) return refuse(matrix, room)
  putHub(store, hub.alias, room)
  return room
}

async function refuse(matrix: Pick<MatrixSide, 'botUserId' | 'leave'>, room: string): Promise<never> {
  try {
    await matrix.leave(matrix.botUserId, room)
  } catch (error) {
    // It has left already.
    if (!(error instanceof MatrixRequestError) || error.transient) throw error
  }
  throw new Later('the alias of the hub belongs to a room of somebody else')
}
