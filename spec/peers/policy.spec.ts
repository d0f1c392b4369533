import { expect } from 'chai'
import { encodeBase64 } from '../../server/core/base64.ts'
import { signedText } from '../../server/core/hashes.ts'
import type { RoomId } from '../../server/core/ids.ts'
import type { Pdu } from '../../server/core/pdu.ts'
import { roomRules } from '../../server/core/room-versions.ts'
import { generateSigningKey, signText } from '../../server/core/signatures.ts'
import { type Peer, startPeer } from '../support/peer.ts'
import { joinAsPeer } from '../support/peers/peer-room.ts'
import type { TestServer } from '../support/server.ts'
import { type Cast, inEachDirection, type Version } from './cast.ts'
import { findPair, type Homeserver, type Other } from './homeservers.ts'
import type { InRoom } from './rooms.ts'

const key = generateSigningKey(Buffer.alloc(32, 4), 'policy_server')

for (const version of ['1', '12'] as const)
  inEachDirection(`a policy server in version ${version}`, version, (cast, other) => declare(cast, version, other))

function declare(cast: () => Cast, version: Version, other: Other): void {
  const rules = roomRules(version)!
  let guard: Peer
  let tombolo: Homeserver
  before(async function () {
    const pair = await findPair(this, other)
    tombolo = pair.tombolo
    guard = await startPeer(pair.files)
    guard.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
    guard.on('POST', '/_matrix/policy/v1/sign', ({ content }) =>
      content.content.body === 'spam'
        ? { status: 400, body: { errcode: 'M_FORBIDDEN', error: 'this is spam' } }
        : { body: { [guard.serverName]: { 'ed25519:policy_server': signText(signedText(content, rules), key) } } },
    )
  })
  after(() => guard?.close())

  /** A room that both servers are in, and the policy server. */
  async function guarded(): Promise<InRoom> {
    const { alice, bob, meets } = cast()
    const room = await meets([bob], { preset: 'public_chat' })
    // Of a server nothing is needed here but where it is.
    const server = { url: tombolo.url, server: { home: { serverName: tombolo.serverName } } } as TestServer
    // A server that has just joined lets others in once it knows all members.
    const joined = () => joinAsPeer(guard, server, room.id as RoomId, 'watch').catch(() => undefined)
    const { userId } = await bob.finds('a way in for the policy server', joined)
    for (const person of [alice, bob]) {
      await person.finds('the policy server', async () => (await room.memberOf(person, userId)) === 'join')
    }
    await room.sets(alice, 'm.room.policy', { via: guard.serverName, public_keys: { ed25519: encodeBase64(key.publicKey) } })
    await room.finds(bob, 'the policy', 'm.room.policy', ({ via }) => via === guard.serverName)
    return room
  }
  const asked = (): [string | undefined, Pdu][] =>
    guard.asked.filter(({ path }) => path === '/_matrix/policy/v1/sign').map(({ origin, content }) => [origin, content])

  it('is asked by each server about what is said there, and believed by the other', async () => {
    const { alice, bob, host, guest } = cast()
    const room = await guarded()
    guard.asked.length = 0
    await room.says(alice, 'of Alice')
    await room.hearsText(bob, 'of Alice')
    await room.says(bob, 'of Bob')
    await room.hearsText(alice, 'of Bob')
    await room.sets(alice, 'm.room.topic', { topic: 'guarded' })
    await room.finds(bob, 'the topic', 'm.room.topic', ({ topic }) => topic === 'guarded')
    expect(asked().map(([origin, { type }]) => [origin, type])).to.deep.equal([
      [host.serverName, 'm.room.message'],
      [guest.serverName, 'm.room.message'],
      [host.serverName, 'm.room.topic'],
    ])
    expect(await room.stands(alice)).to.deep.equal(await room.stands(bob))
  })

  it('keeps out what it refuses, whichever server it is said on, and whoever comes is looked at', async () => {
    const { alice, bob, ben } = cast()
    const room = await guarded()
    for (const person of [alice, bob]) {
      const path = `/rooms/${encodeURIComponent(room.id)}/send/m.room.message/spam`
      const { status, body } = await person.asks('PUT', path, { msgtype: 'm.text', body: 'spam' })
      expect([status, body]).to.deep.equal([400, { errcode: 'M_FORBIDDEN', error: 'this is spam' }])
    }
    await room.enters(ben, alice)
    await room.sees(alice, ben, 'join')
    await room.says(ben, 'hello')
    for (const person of [alice, bob]) {
      await room.hearsText(person, 'hello')
      expect(await room.history(person)).not.to.include('spam')
    }
    expect(asked().some(([, { type, state_key }]) => type === 'm.room.member' && state_key === ben.userId)).to.equal(true)
  })
}
