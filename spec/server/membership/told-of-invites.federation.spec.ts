import { expect } from 'chai'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import type { Body, TestUser } from '../../support/server.ts'
import { asToken, type FakeService, fakeService, ghost, registration } from '../appservice/fake-bridge.ts'
import { pusher } from '../push/push-scene.ts'
import { type PushGateway, startPushGateway } from '../push/stand-in-gateway.ts'
import { roomOfPeer } from './inviting-peer.ts'

describe('who is told that a user was invited by another server', () => {
  let among: AmongPeers
  let peer: Peer
  let service: FakeService
  let gateway: PushGateway
  let bob: TestUser
  before(async () => {
    service = await fakeService()
    gateway = await startPushGateway()
    const push = { allow_private_addresses: true } as never
    among = (await startServerWithPeers(1, { config: { appservice_files: [registration(service.url)], push } })) as AmongPeers
    peer = among.peers[0] as Peer
    bob = await among.server.register('bob')
  })
  after(async () => {
    await among.close()
    await service.close()
    await gateway.close()
  })

  it("are the user's devices, with the name of the room and of the inviter", async () => {
    const room = roomOfPeer(peer)
    expect((await bob.post('/pushers/set', pusher(gateway))).status).to.equal(200)
    const carol = room.sign({ type: 'm.room.member', state_key: room.inviter, content: { membership: 'join', displayname: 'Carol' } }).pdu
    const invite = room.invite(bob.userId)
    const invite_room_state = [room.create, room.name, carol] as never
    expect((await room.send(among.server, invite, { invite_room_state })).status).to.equal(200)
    const [told] = await gateway.took(1)
    expect(told).to.deep.include({
      event_id: invite.eventId,
      room_id: room.roomId,
      room_name: 'Elsewhere',
      sender: room.inviter,
      sender_display_name: 'Carol',
      user_is_target: true,
      counts: { unread: 1 },
      content: { membership: 'invite' },
    })
  })

  it('are not the devices of a user who wants to hear nothing of the inviter', async () => {
    const room = roomOfPeer(peer)
    await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: { [room.inviter]: {} } })
    expect((await room.send(among.server, room.invite(bob.userId))).status).to.equal(200)
    expect((await bob.get('/sync')).body.rooms?.invite?.[room.roomId]).to.equal(undefined)
    const next = roomOfPeer(await among.addPeer())
    const heard = next.invite(bob.userId)
    await next.send(among.server, heard)
    const taken = await gateway.took(2)
    expect(taken[1]).to.include({ event_id: heard.eventId })
  })

  it('is the application service that the user is one of, also of the end', async () => {
    const { userId } = await ghost(among.server, 'bridge_1')
    const room = roomOfPeer(peer)
    const invite = room.invite(userId)
    expect((await room.send(among.server, invite)).status).to.equal(200)
    const events = () => service.taken.flatMap(({ body }): Body[] => body['events']).filter(({ state_key }) => state_key === userId)
    await service.until(() => events().length > 0)
    expect(events()[0]).to.deep.include({
      type: 'm.room.member',
      event_id: invite.eventId,
      room_id: room.roomId,
      sender: room.inviter,
      content: { membership: 'invite' },
    })
    const declined = await among.server.as(asToken, { user_id: userId }).post(`/rooms/${room.roomId}/leave`)
    expect(declined.status).to.equal(200)
    await service.until(() => events().length > 1)
    expect(events()[1]).to.deep.include({ content: { membership: 'leave' }, sender: userId })
  })

  it('is the application service also when its user was not there before', async () => {
    service.asked = async (id) => {
      await ghost(among.server, id.slice(1, id.indexOf(':')))
      return true
    }
    const room = roomOfPeer(peer)
    expect((await room.send(among.server, room.invite('@bridge_2:hs.test'))).status).to.equal(200)
    await service.until(() => service.taken.some(({ text }) => text.includes('@bridge_2:hs.test')))
  })
})
