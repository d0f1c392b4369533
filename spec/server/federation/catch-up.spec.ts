import { expect } from 'chai'
import type { EventId, RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import { readNext } from '../../../server/federation/next-transaction.ts'
import { createPduTexts } from '../../../server/federation/pdu-texts.ts'
import { collapsePdus, deletePdus, insertPdus } from '../../../server/federation/queue.store.ts'
import { write } from '../../../server/storage/database.ts'
import { forEachScene } from '../../support/peers/asked-by-peers.ts'
import { setMembership } from '../../support/peers/joined-peer.ts'

forEachScene('what a server is told that was away for long', (scene) => {
  // It takes nothing, so that its queue stands.
  before(() => scene.near.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ status: 500, body: {} })))

  /** That an event was meant for the server near by, which has missed it with much else. */
  const miss = async (roomId: RoomId, eventId: EventId) => {
    const { serverName } = scene.near
    const { database } = scene.server.server.home
    const writes = [
      write(insertPdus, 1, roomId, eventId, [serverName]),
      write(collapsePdus, serverName, serverName),
      write(deletePdus, serverName, 1),
    ]
    await database.commit({ writes })
  }
  /** What it is told of a room next. */
  const next = async (roomId: RoomId): Promise<(string | undefined)[]> => {
    const { home, graph } = scene.server.server
    const { contents } = await readNext({ home, graph, texts: createPduTexts() }, scene.near.serverName)
    const pdus = contents.pdus.map((text) => JSON.parse(text)).filter(({ room_id }) => room_id === roomId)
    return pdus.map(({ type, content }) => content.body ?? content.membership ?? type)
  }

  it('is the newest of a room that it may read: not what was said while nobody of it was there', async () => {
    const { server, near, say } = scene
    const roomId = await scene.makeRoom('joined')
    await setMembership(server, near, roomId, 'join')
    const meant = await say(roomId, 'meant for it')
    await miss(roomId, meant)
    const bob: UserId = await setMembership(server, near, roomId, 'leave')
    // It comes back by an event that does not know what is said meanwhile.
    const join = { type: 'm.room.member', stateKey: bob, sender: bob, content: { membership: 'join' } }
    const { graph } = server.server
    const { version, event } = await graph.propose(roomId, join, [near.serverName])
    await say(roomId, 'canary')
    const { pdu } = near.sign(event, roomRules(version)!)
    await graph.takeHanded(near.serverName, roomId, { event: pdu as unknown as JsonObject })
    expect((await graph.room(roomId))?.extremities).to.have.length(2)
    expect(await next(roomId)).to.deep.equal(['join'])
  })

  it('is the last that was meant for it in a room that shuts it out by now', async () => {
    const { server, near, say } = scene
    const roomId = await scene.makeRoom()
    await setMembership(server, near, roomId, 'join')
    await miss(roomId, await say(roomId, 'meant for it'))
    await scene.set(roomId, 'm.room.server_acl', { allow: ['*'], deny: [near.serverName.split(':')[0]!] })
    await say(roomId, 'canary')
    expect(await next(roomId)).to.deep.equal(['meant for it'])
  })

  it('is the last that was meant for it in a room that it has left', async () => {
    const { server, near, say } = scene
    const roomId = await scene.makeRoom('world_readable')
    await setMembership(server, near, roomId, 'join')
    await miss(roomId, await say(roomId, 'meant for it'))
    await setMembership(server, near, roomId, 'leave')
    await say(roomId, 'canary')
    expect(await next(roomId)).to.deep.equal(['meant for it'])
  })
})
