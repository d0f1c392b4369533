import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { RoomId, UserId } from '../../../server/core/ids.ts'
import { signJson } from '../../../server/core/signatures.ts'
import { type AmongPeers, keysOf, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { type HostedRoom, hostRoom } from '../../support/peers/hosted-room.ts'
import type { TestUser } from '../../support/server.ts'

describe('a room in which a server that is gone has a part', () => {
  const notaries: string[] = []
  let among: AmongPeers
  let host: Peer
  let gone: Peer
  let alice: TestUser
  let founder: UserId
  let ahead = 0
  before(async () => {
    const clock = {
      now: () => Date.now() + ahead,
      sleep: (ms: number, signal?: AbortSignal) => sleep(ms, undefined, signal ? { signal } : {}).catch(() => {}),
    }
    const federation = { trusted_key_servers: notaries } as never
    among = (await startServerWithPeers(2, { config: { federation }, overrides: { clock } })) as AmongPeers
    ;[host, gone] = among.peers as [Peer, Peer]
    alice = await among.server.register('alice')
    founder = `@founder:${gone.serverName}`
    await gone.down()
  })
  after(() => among.close())
  beforeEach(() => {
    notaries.length = 0
    ahead += 20 * 60_000
  })

  /** The host's room, which the founder has joined from the server that is gone. */
  function roomWithFounder(): HostedRoom {
    const room = hostRoom(host, '11')
    room.add({ type: 'm.room.member', state_key: founder, sender: founder, content: { membership: 'join' } }, gone)
    room.add({ type: 'm.room.power_levels', state_key: '', content: { users: { [room.host]: 100, [founder]: 100 } } })
    return room
  }
  const open = (room: HostedRoom) =>
    room.add({ type: 'm.room.join_rules', state_key: '', sender: founder, content: { join_rule: 'public' } }, gone)
  const join = (roomId: RoomId) => alice.post(`/join/${roomId}`, {}, { query: { via: host.serverName } })

  it('is not entered where all rests on what that has signed, and it is said whose keys are missing and what helps', async () => {
    const room = roomWithFounder()
    open(room)
    const { status, body } = await join(room.roomId)
    expect([status, body.errcode]).to.deep.equal([502, 'M_UNKNOWN'])
    expect(body.error).to.include(`what ${gone.serverName} signed cannot be checked`).and.include('federation.trusted_key_servers')
  })

  it('is entered without what that has signed where it stands without, and the operator is told', async () => {
    const room = roomWithFounder()
    const joined = await join(room.roomId)
    expect(joined.status, joined.text).to.equal(200)
    const { body } = await alice.get(`/rooms/${room.roomId}/joined_members`)
    expect(Object.keys(body.joined)).to.have.members([alice.userId, room.host])
    expect(among.server.log()).to.match(new RegExp(`entered without.*${gone.serverName}.*federation.trusted_key_servers`))
  })

  it('is not entered on the word of its other servers about the keys', async () => {
    const room = roomWithFounder()
    open(room)
    host.on('POST', '/_matrix/key/v2/query', () => ({
      body: { server_keys: [signJson(keysOf(gone.serverName, gone.signingKey), host.serverName, host.signingKey)] },
    }))
    expect((await join(room.roomId)).status).to.equal(502)
    expect(host.asked.some(({ path }) => path === '/_matrix/key/v2/query')).to.equal(false)
  })

  it('is entered with all there is once a server that remembers the keys is named', async () => {
    const room = roomWithFounder()
    open(room)
    notaries.push(host.serverName)
    const joined = await join(room.roomId)
    expect(joined.status, joined.text).to.equal(200)
    const { body } = await alice.get(`/rooms/${room.roomId}/joined_members`)
    expect(Object.keys(body.joined)).to.have.members([alice.userId, room.host, founder])
  })
})
