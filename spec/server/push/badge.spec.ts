import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import { pushReader } from '../../../server/core/push-reader.ts'
import { basePushRules } from '../../../server/core/push-rules.ts'
import type { Graph } from '../../../server/graph/graph.ts'
import { badgeOf } from '../../../server/push/badge.ts'
import type { Tools } from '../../../server/slice.ts'
import { graphOver, member, message, publicRoom, user } from '../../support/graph.ts'
import { forEachEngine } from '../../support/storage.ts'

const [alice, bob] = [user('alice'), user('bob')]

forEachEngine('a badge', (open) => {
  it('counts what is unread in all rooms, and looks into none that was read to its end', async () => {
    const opened = await open()
    const graph = graphOver(opened)
    const looked: RoomId[] = []
    const watched: Graph = {
      ...graph,
      unread: (roomId, reader) => {
        looked.push(roomId)
        return graph.unread(roomId, reader)
      },
    }
    const reader = pushReader(bob, basePushRules(bob), new Set())
    const people = { pushReader: async () => reader } as unknown as Tools['people']
    const badge = () => badgeOf({ graph: watched, people }, bob)
    const say = async (roomId: RoomId) =>
      (await graph.event((await graph.append(roomId, [message(alice, 'hello')])).eventIds[0]!))!.position!
    const rooms: RoomId[] = []
    for (let made = 0; made < 3; made++) {
      const roomId = await publicRoom(graph, alice)
      await graph.append(roomId, [member(bob, bob, 'join')])
      rooms.push(roomId)
      const { writes, log, applied } = graph.readMarker(bob, roomId, await say(roomId), undefined)
      await opened.database.commit({ writes, log, applied })
    }
    expect([await badge(), looked]).to.deep.equal([0, []])
    await say(rooms[1]!)
    expect([await badge(), looked]).to.deep.equal([1, [rooms[1]]])
  })
})
