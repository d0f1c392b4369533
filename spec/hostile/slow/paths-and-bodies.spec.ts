import { expect } from 'chai'
import { eventIdOf } from '../../../server/core/hashes.ts'
import type { RoomId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { type RoomRules, roomRules } from '../../../server/core/room-versions.ts'
import { listEndpoints } from '../../../server/homeserver.ts'
import { inviteUri, roomOfPeer } from '../../server/membership/inviting-peer.ts'
import { type Wire, wireTo } from '../../support/hostile/client.ts'
import { sendRaw } from '../../support/hostile/raw.ts'
import { splitStreams } from '../../support/hostile/split-streams.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer } from '../../support/peers/peer-room.ts'
import type { Answered, TestUser } from '../../support/server.ts'

const rules = roomRules('12') as RoomRules
const federation = (prefix: string, ...parts: string[]) => `/_matrix/federation/${prefix}/${parts.map(encodeURIComponent).join('/')}`

/** S-23. What a request is about is said once; and a path is what it is, whatever stands around it. */
describe('paths, and bodies that say something else (S-23)', () => {
  let among: AmongPeers
  let [peer]: Peer[] = []
  let alice: TestUser
  let bob: TestUser
  let [one, two]: RoomId[] = []
  let people = 0
  before(async () => {
    among = (await startServerWithPeers(1)) as AmongPeers
    ;[peer] = among.peers
    peer!.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
    alice = await among.server.register('alice')
    bob = await among.server.register('bob')
    for (const rule of ['public', 'public', 'knock']) {
      const initial_state = [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: rule } }]
      const { room_id: roomId } = (await alice.post('/createRoom', { preset: 'public_chat', initial_state })).body
      if (one === undefined) one = roomId
      else if (two === undefined) two = roomId
      else knocking = roomId
    }
  })
  after(() => among?.close())
  let knocking: RoomId
  const ask = (method: string, uri: string, content?: unknown) => peer!.ask(among.server, method, uri, content as JsonObject)
  const say = async (roomId: string, body: string) =>
    (await alice.put(`/rooms/${roomId}/send/m.room.message/${people++}`, { msgtype: 'm.text', body })).body.event_id as string

  it('bring in no event of another room, nor under another id, than the path says', async () => {
    for (const [membership, prefixes] of Object.entries({ join: ['v1', 'v2'], leave: ['v1', 'v2'], knock: ['v1'] })) {
      const roomId = membership === 'knock' ? knocking : one!
      for (const prefix of prefixes) {
        const userId = `@mallory${people++}:${peer!.serverName}`
        if (membership === 'leave') await joinAsPeer(peer!, among.server, roomId, userId.slice(1).split(':')[0])
        const made = await ask('GET', `${federation('v1', `make_${membership}`, roomId, userId)}?ver=12`)
        const { pdu, eventId } = peer!.sign(made.body.event, rules)
        const elsewhere = peer!.sign({ ...made.body.event, room_id: two }, rules)
        const put = (room: string, id: string, content: unknown) => ask('PUT', federation(prefix, `send_${membership}`, room, id), content)
        const wrong = [
          await put(two!, eventId, pdu),
          await put(roomId, elsewhere.eventId, elsewhere.pdu),
          await put(roomId, '$another', pdu),
          await put(roomId, elsewhere.eventId, pdu),
          await put(roomId, eventId, elsewhere.pdu),
          await put(roomId, eventId, { ...pdu, room_id: undefined }),
          await put(roomId, eventId, { ...pdu, event_id: '$another', depth: Number(pdu.depth) + 1 }),
          await put(roomId, eventId, { event: pdu, room_id: roomId }),
        ]
        for (const [at, { status, body }] of wrong.entries())
          expect([at, status, String(body.errcode)]).to.deep.equal([at, 400, body.errcode])
        expect((await put(roomId, eventId, pdu)).status, membership).to.equal(200)
      }
    }
    const room = roomOfPeer(peer!)
    const { pdu, eventId } = room.invite(bob.userId)
    const another = roomOfPeer(peer!)
    for (const uri of [
      inviteUri(another.roomId, eventId),
      inviteUri(room.roomId, '$another'),
      inviteUri(room.roomId, another.invite(bob.userId).eventId),
    ]) {
      expect((await ask('PUT', uri, room.body(pdu))).status, uri).to.equal(400)
    }
    expect((await bob.get('/sync')).body.rooms?.invite).to.equal(undefined)
    const exchange = {
      type: 'm.room.member',
      room_id: two,
      sender: alice.userId,
      state_key: `@x:${peer!.serverName}`,
      content: { membership: 'invite' },
    }
    expect((await ask('PUT', federation('v1', 'exchange_third_party_invite', one!), exchange)).status).to.equal(400)
  })

  it('take a transaction for that of who signed it, whoever it says that it is from', async () => {
    const member = await joinAsPeer(peer!, among.server, one!, `mallory${people++}`)
    const edu = { edu_type: 'm.typing', content: { room_id: one, user_id: alice.userId, typing: true } }
    const forged = { ...(await member.message('canary')).pdu, sender: alice.userId }
    const { status, body } = await ask('PUT', federation('v1', 'send', 'as-another'), {
      origin: 'hs.test',
      origin_server_ts: 1,
      pdus: [forged],
      edus: [edu],
    })
    if (status === 200) expect(body.pdus).to.not.have.property(eventIdOf(forged, rules))
    const sync = await alice.get('/sync')
    expect(sync.text).to.not.include('canary')
    expect(JSON.stringify(sync.body.rooms.join[one!].ephemeral.events)).to.not.include('m.typing')
  })

  it('are about the room, the event and the user of the path alone, for clients too', async () => {
    const [mine, theirs] = [await say(one!, 'mine'), await say(two!, 'theirs')]
    const secret: string = (await alice.post('/createRoom', { preset: 'private_chat' })).body.room_id
    await bob.post(`/join/${one}`)
    const hidden = await say(secret, 'canary')
    // Bob is in one room; the event is one of another, which he is not in.
    for (const [roomId, eventId] of [
      [one, theirs],
      [one, hidden],
      [secret, mine],
    ]) {
      const at = encodeURIComponent(eventId as string)
      const room = `/rooms/${roomId}`
      const answers: Answered[] = [
        await bob.get(`${room}/event/${at}`),
        await bob.get(`${room}/context/${at}`),
        await bob.get(`/_matrix/client/v1${room}/relations/${at}`),
        await bob.put(`${room}/redact/${at}/x${people++}`, {}),
        await bob.post(`${room}/receipt/m.read/${at}`, {}),
        await bob.post(`${room}/report/${at}`, { reason: 'x' }),
      ]
      for (const { status, text } of answers) {
        expect(status, text).to.be.oneOf([400, 403, 404])
        expect(text).to.not.include('canary')
      }
    }
  })

  it('say in events what the path says, whatever a client puts beside it', async () => {
    const [theirs] = [await say(two!, 'theirs')]
    await bob.post(`/join/${one}`)
    const body = {
      room_id: two,
      event_id: theirs,
      sender: alice.userId,
      user_id: alice.userId,
      type: 'm.room.topic',
      state_key: '',
      redacts: theirs,
      origin_server_ts: 1,
      membership: 'ban',
    }
    const { event_id: sent } = (await bob.put(`/rooms/${one}/send/m.room.message/${people++}`, { ...body, msgtype: 'm.text', body: 'x' }))
      .body
    const { event_id: redaction } = (await bob.put(`/rooms/${one}/redact/${encodeURIComponent(sent)}/${people++}`, body)).body
    const shown = (await bob.get(`/rooms/${one}/event/${encodeURIComponent(redaction)}`)).body
    expect(shown).to.deep.include({ room_id: one, sender: bob.userId, type: 'm.room.redaction' })
    expect([shown.content.redacts, shown.redacts ?? sent]).to.deep.equal([sent, sent])
    const stored = (await bob.get(`/rooms/${one}/event/${encodeURIComponent(sent)}`)).body
    expect(stored).to.deep.include({ room_id: one, sender: bob.userId, type: 'm.room.message', event_id: sent })
    expect(stored).to.not.have.property('state_key')
    expect((await alice.get(`/rooms/${two}/event/${encodeURIComponent(theirs)}`)).body.content.body).to.equal('theirs')
  })

  it('are refused where they are about another user', async () => {
    const user = encodeURIComponent(alice.userId)
    const foreign: Answered[] = [
      await bob.post(`/user/${user}/filter`, {}),
      await bob.get(`/user/${user}/filter/0`),
      await bob.put(`/user/${user}/account_data/x`, {}),
      await bob.get(`/user/${user}/account_data/x`),
      await bob.put(`/user/${user}/rooms/${one}/account_data/x`, {}),
      await bob.get(`/user/${user}/rooms/${one}/tags`),
      await bob.put(`/user/${user}/rooms/${one}/tags/x`, { user_id: bob.userId }),
      await bob.post(`/user/${user}/openid/request_token`, { user_id: bob.userId }),
      await bob.put(`/profile/${user}/displayname`, { displayname: 'Mallory', user_id: bob.userId }),
      await bob.put(`/presence/${user}/status`, { presence: 'online', user_id: bob.userId }),
      await bob.put(`/rooms/${one}/typing/${user}`, { typing: true, user_id: bob.userId }),
      await bob.put(`/rooms/${one}/state/m.room.member/${user}`, { membership: 'join', displayname: 'Mallory' }),
      await bob.get(`/admin/whois/${user}`),
    ]
    for (const [at, { status, text }] of foreign.entries()) expect([at, [403, 404].includes(status)], text).to.deep.equal([at, true])
  })

  describe('as they stand in the request line', () => {
    const endpoints = listEndpoints()
    const templates = endpoints.flatMap(({ method, path, aliases }) => [path, ...aliases].map((one) => ({ method, path: one })))
    const known = templates.map(({ path }) => {
      const escaped = path.replace(/[.*+?^$()|[\]\\]/g, (sign) => (sign === '*' ? sign : `\\${sign}`))
      return new RegExp(
        `^${escaped
          .replace(/\{\w+\*\}/g, '.*')
          .replace(/\/\{\w+\}$/g, '/[^/]*')
          .replace(/\{\w+\}/g, '[^/]+')}$`,
      )
    })
    const isKnown = (path: string) =>
      known.some((pattern) => pattern.test(path) || pattern.test(path.replace('/client/r0/', '/client/v3/')))
    const fill = (path: string) => path.replace(/\{\w+\*?\}/g, 'x')

    it('are unknown with a slash, a dot segment, a parameter or a segment more, and in another case', async () => {
      const wire = wireTo(among.server.url)
      let tried = 0
      const requests: Wire[] = templates.flatMap(({ method, path }) => {
        const whole = fill(path)
        const at = whole.indexOf('/', 9)
        const tricks = [
          `/${whole}`,
          `${whole}/`,
          `${whole}/x/y/z/a/b`,
          `${whole.slice(0, at)}/${whole.slice(at)}`,
          `${whole.slice(0, at)}/.${whole.slice(at)}`,
          `${whole.slice(0, at)}/x/..${whole.slice(at)}`,
          `${whole.slice(0, at)}/%2e${whole.slice(at)}`,
          `${whole.slice(0, at)}/x/%2e%2e${whole.slice(at)}`,
          `${whole.slice(0, at)}%2f${whole.slice(at + 1)}`,
          `${whole.slice(0, at)}%2F${whole.slice(at + 1)}`,
          `${whole.slice(0, at)}\\${whole.slice(at + 1)}`,
          `${whole.slice(0, at)};x=1${whole.slice(at)}`,
          `${whole.slice(0, at)}/x${whole.slice(at)}`,
          `${whole.slice(0, at)}%00${whole.slice(at)}`,
          `${whole.slice(0, at)}%20${whole.slice(at)}`,
          `/x/..${whole}`,
          whole.replace('/_matrix/', '/_MATRIX/'),
          whole.replace('/_matrix/', '/_matrix%2f'),
          whole.replace('/v', '/V'),
        ]
        return [...new Set(tricks)]
          .filter((trick) => trick !== whole && !isKnown(trick))
          .map((trick) => ({ method, path: trick, ...(method === 'GET' ? {} : { body: '{}' }) }))
      })
      const queue = requests[Symbol.iterator]()
      const work = async () => {
        for (const request of queue) {
          const { status, text } = await wire.send({ ...request, headers: { Authorization: `Bearer ${alice.token}` } })
          expect([status, text.includes('M_UNRECOGNIZED')], `${request.method} ${request.path} ${text.slice(0, 200)}`).to.deep.equal([
            404,
            true,
          ])
          tried += 1
        }
      }
      await Promise.all(Array.from({ length: 8 }, work))
      wire.close()
      expect(tried).to.be.greaterThan(3000)
    })

    it('are what was signed: another spelling of a path is another path', async () => {
      const uri = federation('v1', 'make_join', one!, `@new:${peer!.serverName}`)
      const spelled = uri.replace('make_join', 'make%5Fjoin')
      for (const path of [
        spelled,
        uri.replace('/v1/', '//v1/'),
        uri.replace('/v1/', '/v1/./'),
        `${uri}/`,
        uri.replace('/_matrix', '/x/../_matrix'),
      ]) {
        const request = `GET ${path}?ver=12 HTTP/1.1\r\nHost: hs.test\r\nConnection: close\r\n\r\n`
        const { statuses } = await sendRaw(among.server.url, request)
        expect(statuses, path).to.deep.equal([path === spelled ? statuses[0] : 404])
        expect(statuses[0], path).to.be.oneOf([401, 404])
      }
    })

    it('are not taken from the host, nor from headers that proxies have for it', async () => {
      const { host } = new URL(among.server.url)
      const lines = [
        `GET http://${host}/_matrix/client/versions HTTP/1.1`,
        `GET https://else.where/_matrix/client/versions HTTP/1.1`,
        'GET _matrix/client/versions HTTP/1.1',
        'GET /nothing HTTP/1.1\r\nX-Original-URL: /_matrix/client/versions',
        'GET /nothing HTTP/1.1\r\nX-Rewrite-URL: /_matrix/client/versions',
        'GET /nothing HTTP/1.1\r\nX-Forwarded-Prefix: /_matrix/client/versions',
        'GET /nothing HTTP/1.1\r\nX-HTTP-Method-Override: PUT',
        'OPTIONS * HTTP/1.1',
        'CONNECT else.where:443 HTTP/1.1',
      ]
      for (const line of lines) {
        const { statuses, text } = await sendRaw(among.server.url, `${line}\r\nHost: hs.test\r\nConnection: close\r\n\r\n`)
        expect(
          statuses.every((status) => [400, 404, 405].includes(status) || line.startsWith('OPTIONS')),
          `${line} ${text}`,
        ).to.equal(true)
        expect(text).to.not.include('"versions"')
      }
    })
  })

  describe('in streams of bytes that two readers could split in two ways', () => {
    const target = () => `/_matrix/client/v3/profile/${encodeURIComponent(alice.userId)}/displayname`
    const smuggled = () => {
      const body = '{"displayname":"smuggled"}'
      return `PUT ${target()} HTTP/1.1\r\nHost: hs.test\r\nAuthorization: Bearer ${alice.token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    }

    it('are one request at most, and closed after it', async () => {
      await alice.put(`/profile/${alice.userId}/displayname`, { displayname: 'Alice' })
      for (const [words, bytes] of Object.entries(splitStreams('hs.test', smuggled()))) {
        const { statuses, isClosed, text } = await sendRaw(among.server.url, bytes)
        const what = `${words}: ${text.slice(0, 300)}`
        expect(statuses.length, what).to.be.at.most(1)
        for (const status of statuses) expect(status, what).to.be.within(400, 501)
        expect(isClosed, what).to.equal(true)
        expect((await alice.get(`/profile/${alice.userId}/displayname`)).body, what).to.deep.equal({ displayname: 'Alice' })
      }
    })

    it('are answered in their order, each for itself, where one comes right after the other', async () => {
      const line = (path: string, token?: string, more = '') =>
        `GET ${path} HTTP/1.1\r\nHost: hs.test\r\n${token === undefined ? '' : `Authorization: Bearer ${token}\r\n`}${more}\r\n`
      const whoami = '/_matrix/client/v3/account/whoami'
      const { statuses, text } = await sendRaw(
        among.server.url,
        line(whoami, alice.token) + line(whoami) + line(whoami, bob.token) + line('/nothing', bob.token, 'Connection: close\r\n'),
      )
      expect(statuses).to.deep.equal([200, 401, 200, 404])
      expect(text.indexOf(alice.userId)).to.be.lessThan(text.indexOf(bob.userId))
    })

    it('are no request when the body is one', async () => {
      const inner = smuggled()
      const request = `POST /_matrix/client/v3/search HTTP/1.1\r\nHost: hs.test\r\nAuthorization: Bearer ${bob.token}\r\nConnection: close\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`
      const { statuses } = await sendRaw(among.server.url, request)
      expect(statuses).to.deep.equal([400])
      expect((await alice.get(`/profile/${alice.userId}/displayname`)).body).to.deep.equal({ displayname: 'Alice' })
    })
  })
})
