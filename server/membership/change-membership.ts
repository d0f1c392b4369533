import type { RoomId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Graph, MembershipName } from '../graph/graph.ts'
import type { Home } from '../home.ts'
import type { People } from '../people/people.ts'

type Change = {
  readonly roomId: RoomId
  readonly sender: UserId
  readonly target: UserId
  readonly membership: MembershipName
  readonly reason?: string | undefined
  readonly content?: JsonObject
  readonly timestamp?: number | undefined
}

/** Appends a membership event; 403 M_FORBIDDEN in the rule's words. Nothing but the membership, the reason and `content` stands in it. */
export async function changeMembership(graph: Graph, change: Change): Promise<void> {
  const { roomId, sender, target, membership, reason, content = {}, timestamp } = change
  await graph.append(roomId, [
    {
      type: 'm.room.member',
      stateKey: target,
      sender,
      content: { ...content, membership, ...(reason === undefined ? {} : { reason }) },
      ...(timestamp === undefined ? {} : { timestamp }),
    },
  ])
}

/** What a user's profile adds to their membership events. */
export async function profileContent(people: Pick<People, 'profile'>, userId: UserId): Promise<JsonObject> {
  const { displayname, avatar_url } = await people.profile(userId)
  return { ...(displayname === undefined ? {} : { displayname }), ...(avatar_url === undefined ? {} : { avatar_url }) }
}

/** Whether a user belongs to this server. */
export function isLocal(home: Pick<Home, 'serverName'>, userId: UserId): boolean {
  return userId.slice(userId.indexOf(':') + 1) === home.serverName
}
