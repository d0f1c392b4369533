import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { encodeBase64 } from '../../server/core/base64.ts'
import { generateSigningKey, signJson } from '../../server/core/signatures.ts'
import { type Cast, inEachDirection } from './cast.ts'
import type { Homeserver } from './homeservers.ts'
import type { Person } from './person.ts'
import type { InRoom } from './rooms.ts'

const key = generateSigningKey(randomBytes(32))
const public_key = encodeBase64(key.publicKey)
const address = 'someone@example.org'

for (const version of ['6', '11', '12'] as const)
  inEachDirection(`invitations by third-party identifiers in version ${version}`, version, (cast) => declare(cast))

function declare(cast: () => Cast): void {
  let identity: Server
  let isGood: boolean
  let asked: number
  before(async () => {
    identity = createServer((_, response) => {
      asked += 1
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ valid: isGood }))
    })
    await once(identity.listen(0, '127.0.0.1'), 'listening')
  })
  after(() => {
    identity?.closeAllConnections()
    identity?.close()
  })
  beforeEach(() => {
    isGood = true
    asked = 0
  })

  /** What a client puts into a room once the identity server has stored its invitation. */
  const offers = (room: InRoom, person: Person, token: string) => {
    const key_validity_url = `http://127.0.0.1:${(identity.address() as AddressInfo).port}/isvalid`
    const content = { display_name: 's...@e...', public_key, key_validity_url, public_keys: [{ public_key, key_validity_url }] }
    return room.sets(person, 'm.room.third_party_invite', content, token)
  }
  /** The identity server tells the server of who has bound the identifier. Gives the status. */
  const binds = async (home: Homeserver, { userId: mxid }: Person, { id: room_id }: InRoom, { userId: sender }: Person, token: string) => {
    const signed = signJson({ mxid, token }, 'identity.test', key)
    const invites = [{ medium: 'email', address, mxid, room_id, sender, signed }]
    const { status } = await fetch(`${home.url}/_matrix/federation/v1/3pid/onbind`, {
      // The specification says PUT; identity servers do this, and Synapse takes nothing else.
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ medium: 'email', address, mxid, invites }),
    })
    return status
  }
  const agree = async (room: InRoom, one: Person, other: Person) => {
    const stands = await room.stands(one)
    await other.finds('the same state', async () => JSON.stringify(await room.stands(other)) === JSON.stringify(stands))
  }

  it('reach who binds one on a server that is not in the room', async () => {
    const { alice, bob, guest, makes } = cast()
    const room = await makes()
    await offers(room, alice, 'first')
    expect(await binds(guest, bob, room, alice, 'first')).to.equal(200)
    await room.is(bob, 'invite')
    const member = (await room.reads(alice, 'm.room.member', bob.userId)) as {
      third_party_invite: { display_name: string; signed: object }
    }
    expect(member.third_party_invite.display_name).to.equal('s...@e...')
    expect(member.third_party_invite.signed).to.deep.include({ mxid: bob.userId, token: 'first' })
    expect(asked).to.be.at.least(1)
    await room.enters(bob, alice)
    await room.sees(alice, bob, 'join')
    await agree(room, alice, bob)
  })

  it('reach who binds one on a server that is in the room already', async () => {
    const { alice, bob, ben, guest, meets } = cast()
    const room = await meets([bob])
    await offers(room, alice, 'second')
    await bob.finds(
      'the offer',
      async () => (await bob.asks('GET', `/rooms/${room.id}/state/m.room.third_party_invite/second`)).status === 200,
    )
    expect(await binds(guest, ben, room, alice, 'second')).to.equal(200)
    await room.is(ben, 'invite')
    await room.sees(alice, ben, 'invite')
    await room.enters(ben, alice)
    await room.sees(alice, ben, 'join')
    await agree(room, alice, ben)
  })

  it('of somebody from elsewhere reach who binds one where the room was made', async () => {
    const { alice, anna, bob, host, meets } = cast()
    const room = await meets([bob])
    await room.empowers(alice, bob, 50)
    await bob.finds(
      'the power',
      async () => (await bob.does('GET', `/rooms/${room.id}/state/m.room.power_levels`)).users[bob.userId] === 50,
    )
    await offers(room, bob, 'third')
    await alice.finds(
      'the offer',
      async () => (await alice.asks('GET', `/rooms/${room.id}/state/m.room.third_party_invite/third`)).status === 200,
    )
    expect(await binds(host, anna, room, bob, 'third')).to.equal(200)
    await room.is(anna, 'invite')
    await room.sees(bob, anna, 'invite')
    await room.enters(anna, alice)
    await room.sees(bob, anna, 'join')
    await agree(room, bob, anna)
  })

  it('reach nobody once they were taken back, or their key is good no more', async () => {
    const { alice, bob, ben, guest, meets } = cast()
    const room = await meets([bob])
    await offers(room, alice, 'fourth')
    await room.sets(alice, 'm.room.third_party_invite', {}, 'fourth')
    await offers(room, alice, 'fifth')
    await bob.finds(
      'the offer',
      async () => (await bob.asks('GET', `/rooms/${room.id}/state/m.room.third_party_invite/fifth`)).status === 200,
    )
    await binds(guest, ben, room, alice, 'fourth')
    isGood = false
    await binds(guest, ben, room, alice, 'fifth')
    await room.says(alice, 'after that')
    await room.hearsText(bob, 'after that')
    for (const person of [alice, bob]) expect(await room.memberOf(person, ben.userId)).to.equal('none')
  })
}
