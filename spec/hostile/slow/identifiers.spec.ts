import { expect } from 'chai'
import {
  isEventId,
  isLocalpart,
  isRoomAlias,
  isRoomId,
  isServerName,
  isUserId,
  localpartOf,
  parseMxc,
  serverNameOf,
} from '../../../server/core/ids.ts'
import { wireTo } from '../../support/hostile/client.ts'
import { isAlias, isEvent, isNewLocalpart, isRoom, isServer, isUser, mediaOf, nearlyAnId } from '../../support/hostile/grammar.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { hostRoom } from '../../support/peers/hosted-room.ts'
import { randomNumbers } from '../../support/random-json.ts'
import type { TestUser } from '../../support/server.ts'

const many = 100_000

/** S-22. What is an identifier is one everywhere, and what is none is none. */
describe('identifiers (S-22)', () => {
  const kinds: readonly [string, (text: string) => unknown, (text: string) => unknown][] = [
    ['server names', isServerName, isServer],
    ['user ids', isUserId, isUser],
    ['localparts of new users', isLocalpart, isNewLocalpart],
    ['aliases', isRoomAlias, isAlias],
    ['room ids', isRoomId, isRoom],
    ['event ids', isEventId, isEvent],
    ['media', parseMxc, mediaOf],
  ]
  for (const [at, [kind, ours, theirs]] of kinds.entries()) {
    it(`that are ${kind} are those of the grammar, of ${many} texts`, () => {
      const random = randomNumbers(22 + at)
      let right = 0
      for (let n = 0; n < many; n++) {
        const text = nearlyAnId(random)
        const [mine, expected] = [ours(text), theirs(text)]
        if (expected) right += 1
        expect(JSON.stringify(mine ?? false), JSON.stringify(text)).to.equal(JSON.stringify(expected ?? false))
        if (kind === 'user ids' && mine) {
          const id = text as `@${string}`
          expect(`@${localpartOf(id)}:${serverNameOf(id)}`).to.equal(text)
          expect(isServer(serverNameOf(id)), text).to.equal(true)
        }
      }
      expect(right).to.be.greaterThan(100)
    })
  }

  describe('in requests', () => {
    let among: AmongPeers
    let peer: Peer
    let alice: TestUser
    let bob: TestUser
    before(async () => {
      among = (await startServerWithPeers(1)) as AmongPeers
      peer = among.peers[0] as Peer
      alice = await among.server.register('alice')
      bob = await among.server.register('bob')
    })
    after(() => among?.close())

    it('that are none are refused before anybody is asked for them, and those that are one are found nowhere else', async () => {
      const wire = wireTo(among.server.url)
      const random = randomNumbers(122)
      const { room_id: roomId } = (await alice.post('/createRoom', {})).body
      peer.asked.length = 0
      for (let n = 0; n < 1500; n++) {
        const text = nearlyAnId(random)
        if (!text.isWellFormed() || isUser(text) || isAlias(text)) continue
        const id = encodeURIComponent(text)
        const requests = [
          ['GET', `/_matrix/client/v3/profile/${id}`],
          ['GET', `/_matrix/client/v3/directory/room/${id}`],
          ['PUT', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${id}`, '{"membership":"invite"}'],
          ['POST', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/invite`, JSON.stringify({ user_id: text })],
          ['POST', '/_matrix/client/v3/createRoom', JSON.stringify({ invite: [text] })],
          ['POST', '/_matrix/client/v3/keys/query', JSON.stringify({ device_keys: { [text]: [] } })],
          ...(isRoom(text) ? [] : [['POST', `/_matrix/client/v3/join/${id}`, '{}']]),
        ] as const
        const [method, path, body] = requests[n % requests.length] as readonly [string, string, string?]
        const { status, text: answer } = await wire.send({ method, path, body, headers: { Authorization: `Bearer ${alice.token}` } })
        const isEmpty = path.endsWith('/')
        const isQuery = path.endsWith('/keys/query')
        expect(status, `${method} ${path} ${body} ${answer}`).to.be.oneOf(
          isEmpty ? [400, 403, 404, 405] : isQuery ? [200, 400] : [400, 403, 404],
        )
      }
      wire.close()
      expect(peer.asked).to.deep.equal([])
    })

    it('of rooms tell nobody which server to ask', async () => {
      for (const roomId of [
        `!room:${peer.serverName}`,
        '!Abcdefghijklmnopqrstuvwxyz0123456789-_abcdef',
        '!a',
        '!a:b:c',
        `!${peer.serverName}`,
        `!x@y:${peer.serverName}`,
      ]) {
        peer.asked.length = 0
        const { status, body } = await bob.post(`/join/${encodeURIComponent(roomId)}`)
        expect([roomId, status, body.errcode]).to.deep.equal([roomId, 404, 'M_NOT_FOUND'])
        expect(peer.asked, roomId).to.deep.equal([])
      }
    })

    it('stand encoded once in what other servers are asked', async () => {
      const odd = ['a/b', 'a?b=c&d', 'a#b', 'a%2Fb', '%41', 'a b', 'a+b', 'é🦊', '..', '.', 'a\\b', 'a;b', '"<\'>', 'ALICE', '']
      for (const part of odd) {
        peer.asked.length = 0
        const userId = `@${part}:${peer.serverName}`
        await bob.get(`/profile/${encodeURIComponent(userId)}`)
        expect(peer.asked.at(-1)?.query.get('user_id'), part).to.equal(userId)
        const alias = `#${part}:${peer.serverName}`
        await bob.get(`/directory/room/${encodeURIComponent(alias)}`)
        expect(peer.asked.at(-1)?.query.get('room_alias'), part).to.equal(alias)
        const roomId = `!${part}:${peer.serverName}`
        await bob.post(`/join/${encodeURIComponent(roomId)}?via=${peer.serverName}`)
        const { path = '' } = peer.asked.at(-1) ?? {}
        expect(path.split('/').map(decodeURIComponent).slice(-2), part).to.deep.equal([roomId, bob.userId])
      }
    })

    it('are told apart by their case, and historical ones live in rooms of other servers', async () => {
      const room = hostRoom(peer, '10')
      const names = ['Bob', 'BOB', 'b ob', 'b/o#b?', 'böb', '🦊', '', 'x'.repeat(200)]
      const users = names.map((name) => `@${name}:${peer.serverName}` as const)
      for (const userId of users) room.add({ type: 'm.room.member', sender: userId, state_key: userId, content: { membership: 'join' } })
      await bob.post(`/join/${encodeURIComponent(room.roomId)}?via=${peer.serverName}`)
      const { joined } = (await bob.get(`/rooms/${encodeURIComponent(room.roomId)}/joined_members`)).body
      expect(Object.keys(joined)).to.have.members([...users, room.host, bob.userId])
      for (const username of ['Carol', 'CAROL', 'c:d', 'c d', 'cé', '', 'x'.repeat(300), '_', 'c@d', '@carol:hs.test']) {
        const auth = { type: 'm.login.dummy' }
        const { status, body } = await among.server.anonymous.post('/register', { username, password: 'a long password', auth })
        if (status !== 200) expect([400, 401, 403], JSON.stringify(body)).to.include(status)
        else expect(isNewLocalpart(localpartOf(body.user_id)), body.user_id).to.equal(true)
      }
      expect((await bob.get(`/profile/${encodeURIComponent('@Alice:hs.test')}`)).status).to.equal(404)
      expect((await bob.get(`/profile/${encodeURIComponent('@alice:HS.TEST')}`)).status).to.not.equal(200)
    })
  })
})
