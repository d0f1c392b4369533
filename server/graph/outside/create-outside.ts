import type { Graph } from '../graph.ts'
import type { Receive } from '../receive/create-receive.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { createEntrances } from './entrances.ts'
import { inviteRemote } from './invite-remote.ts'
import { createKeptAside } from './kept-aside.ts'
import { createKinds } from './kinds.ts'
import { knockRemote } from './knock-remote.ts'
import { leaveRemote } from './leave-remote.ts'
import { endOutside, findOutside, findStanding, isResident, noteOutside } from './outside.ts'
import { receivingOutside } from './receive-outside.ts'

/** Adds to what a graph does with other servers what concerns rooms that this server is not in. */
export function createOutside(
  tools: ReceiveTools,
  { inTurn, receiveNow, ...inside }: Receive,
): Pick<Graph, 'outside' | 'inviteRemote' | 'receive' | 'fillBack' | 'bringClosest' | 'takeHanded' | 'enter' | 'wholeRooms'> {
  const entrances = createEntrances(tools)
  const keptAside = createKeptAside(tools)
  const receiveHere = receivingOutside(tools, receiveNow)
  return {
    ...inside,
    outside: {
      find: (userId, roomId) => findOutside(tools, userId, roomId),
      stands: async (userId, roomId) => (await findStanding(tools, userId, roomId)) !== undefined,
      kinds: createKinds(tools),
      note: async (note) => ((await isResident(tools, note.roomId)) ? keptAside.keep(note) : noteOutside(tools, note)),
      leave: (roomId, userId, content) => leaveRemote(tools, roomId, userId, content),
      knock: (roomId, userId, content, servers) => knockRemote(tools, roomId, userId, { content, servers }),
      resume: keptAside.resume,
      stop: keptAside.stop,
    },
    inviteRemote: (roomId, template) => inviteRemote(tools, inside.takeHanded, roomId, template),
    receive: async (origin, roomId, pdus) => {
      // Not in the room's lane, in which somebody of this process may be about to enter it.
      if (!(await isResident(tools, roomId))) await entrances.over(roomId)
      return inTurn(roomId, () => receiveHere(origin, roomId, pdus))
    },
    enter: async (roomId, join) => {
      const eventId = await entrances.during(roomId, () => inside.enter(roomId, join))
      await endOutside(tools, roomId)
      return eventId
    },
  }
}
