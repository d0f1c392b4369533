import { expect } from 'chai'
import type { EventId, RoomId } from '../../../server/core/ids.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import type { Peer } from '../../support/peer.ts'
import { code, forEachScene, idsOf, words } from '../../support/peers/asked-by-peers.ts'
import { setMembership } from '../../support/peers/joined-peer.ts'

forEachScene('an auth chain that another server asks for', (scene) => {
  const ask = (peer: Peer, roomId: RoomId, eventId: EventId) =>
    peer.ask(scene.server, 'GET', `/_matrix/federation/v1/event_auth/${roomId}/${encodeURIComponent(eventId)}`)

  for (const version of ['10', '12']) {
    it(`is all that the event builds on, and nothing else, in version ${version}`, async () => {
      const { server, near, alice } = scene
      const roomId = await scene.makeRoom('shared', version)
      const standing = (type: string, stateKey = '') => scene.standing(roomId, type, stateKey)
      const bob = await setMembership(server, near, roomId, 'join')
      const joined = await standing('m.room.member', bob)
      await setMembership(server, near, roomId, 'leave')
      const left = await standing('m.room.member', bob)
      await setMembership(server, near, roomId, 'join')
      const again = await standing('m.room.member', bob)
      const rules = await standing('m.room.join_rules')
      const changed = await scene.set(roomId, 'm.room.join_rules', { join_rule: 'invite' })
      // In version 12 the room's id names its creation, and no event does: it is of the chain all the same.
      const beginning = await Promise.all(
        ['m.room.create', 'm.room.power_levels', 'm.room.member'].map((type) =>
          standing(type, type === 'm.room.member' ? alice.userId : ''),
        ),
      )
      const chainOf = async (eventId: EventId) => idsOf((await ask(near, roomId, eventId)).body.auth_chain, version)
      expect(await chainOf(again)).to.have.members([...beginning, rules, joined, left])
      expect(await chainOf(changed)).to.have.members(beginning)
      expect(await chainOf(await standing('m.room.create'))).to.deep.equal([])
    })
  }

  it('is refused alike for rooms that are not here, that it is not in, and that deny it', async () => {
    const { server, near } = scene
    const roomId = await scene.makeRoom('world_readable')
    const eventId = await scene.say(roomId, 'x')
    const nowhere = await ask(near, '!nowhere', '$nothing')
    expect(code(nowhere)).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(words(await ask(near, roomId, eventId))).to.equal(words(nowhere))
    await setMembership(server, near, roomId, 'join')
    expect((await ask(near, roomId, eventId)).status).to.equal(200)
    const none = await ask(near, roomId, '$nothing')
    expect(code(none)).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(words(await ask(near, roomId, await scene.say(await scene.makeRoom(), 'x')))).to.equal(words(none))
    await scene.set(roomId, 'm.room.server_acl', { allow: [] })
    expect(words(await ask(near, roomId, eventId))).to.equal(words(nowhere))
  })

  it('is the same for the whole of a state', async () => {
    const { server, near } = scene
    const roomId = await scene.makeRoom()
    for (const membership of ['join', 'leave', 'join']) await setMembership(server, near, roomId, membership)
    const last = await scene.say(roomId, 'x')
    const { pdus, auth_chain } = (
      await near.ask(server, 'GET', `/_matrix/federation/v1/state/${roomId}?event_id=${encodeURIComponent(last)}`)
    ).body
    const chains = new Set<EventId>()
    for (const eventId of idsOf(pdus as Pdu[]))
      for (const other of idsOf((await ask(near, roomId, eventId)).body.auth_chain)) chains.add(other)
    expect(idsOf(auth_chain)).to.have.members([...chains])
  })
})
