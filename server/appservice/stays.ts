import type { RoomId, UserId } from '../core/ids.ts'
import type { Graph, TimelineEvent } from '../graph/graph.ts'

/** A service's users in a room, whatever they are or were there. */
export type Users = { readonly all: Set<UserId>; stays: Stays | undefined; changes: number }

/** From `since` on one of the users is in the room; after `quiet` nothing of them changed. `witness` is who came first of those who are in. */
type Stays = { readonly since: number; readonly quiet: number; readonly witness: UserId | undefined }

/** Nobody yet. */
export function noUsers(): Users {
  return { all: new Set(), stays: undefined, changes: 0 }
}

/** Something changed about a user's membership. As long as the witness stays, nobody else's coming and going matters. */
export function noteUser(users: Users, userId: UserId): void {
  users.all.add(userId)
  if (users.stays?.witness !== undefined && users.stays.witness !== userId) return
  users.stays = undefined
  users.changes++
}

/** Since when one of the users has been in the room, and after which position nothing of them changed; found once and kept. */
export async function staysOf(graph: Pick<Graph, 'memberships'>, users: Users, roomId: RoomId): Promise<Stays> {
  if (users.stays !== undefined) return users.stays
  const { changes } = users
  let stays: Stays = { since: Number.POSITIVE_INFINITY, quiet: 0, witness: undefined }
  for (const userId of [...users.all]) {
    const membership = (await graph.memberships(userId)).get(roomId)
    if (membership === undefined) continue
    const quiet = Math.max(stays.quiet, membership.position)
    const isFirst = membership.membership === 'join' && membership.joinedAt < stays.since
    stays = isFirst ? { since: membership.joinedAt, quiet, witness: userId } : { ...stays, quiet }
  }
  if (users.changes === changes) users.stays = stays
  return stays
}

/** Whether one of the users was in the room when an event came. */
export async function wereIn(graph: Pick<Graph, 'memberships' | 'stateOf'>, users: Users, event: TimelineEvent): Promise<boolean> {
  const { roomId, stateGroup, position = 0 } = event
  const { since, quiet } = await staysOf(graph, users, roomId)
  if (position >= since) return true
  if (position > quiet) return false
  const wanted: [string, string][] = []
  for (const userId of users.all) {
    if (((await graph.memberships(userId)).get(roomId)?.position ?? 0) > position) wanted.push(['m.room.member', userId])
  }
  return (await graph.stateOf(stateGroup, wanted)).some(({ pdu }) => pdu.content['membership'] === 'join')
}
