import type { EventId, RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import type { Template } from '../../../server/graph/graph.ts'
import type { Peer } from '../peer.ts'
import type { TestServer } from '../server.ts'

/** What a user of a peer does in a room of a server: the peer signs it, and the server takes it as it takes any event of another one. */
export async function actAs(peer: Peer, { server }: TestServer, roomId: RoomId, template: Template): Promise<EventId> {
  const { version, event } = await server.graph.propose(roomId, template, [peer.serverName])
  const { pdu } = peer.sign(event, roomRules(version)!)
  return (await server.graph.takeHanded(peer.serverName, roomId, { event: pdu as unknown as JsonObject })).eventId
}

/** What a user of a peer makes of their own membership. */
export async function setMembership(server: TestServer, peer: Peer, roomId: RoomId, membership: string, name = 'bob'): Promise<UserId> {
  const userId: UserId = `@${name}:${peer.serverName}`
  await actAs(peer, server, roomId, { type: 'm.room.member', stateKey: userId, sender: userId, content: { membership } })
  return userId
}
