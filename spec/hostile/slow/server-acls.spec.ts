import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { type Gates, letsIn, openGates, path } from '../../support/hostile/acl-gates.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer } from '../../support/peers/peer-room.ts'
import type { Body, TestUser } from '../../support/server.ts'

const all = ['*']
/** ACLs in every spelling that somebody might hope to get around, or that a room might get wrong. */
const acls: readonly JsonObject[] = [
  { allow: all },
  { allow: all, deny: ['localhost'] },
  { allow: all, deny: ['LOCALHOST'] },
  { allow: all, deny: ['LocalHost'] },
  { allow: all, deny: ['local*'] },
  { allow: all, deny: ['*host'] },
  { allow: all, deny: ['localhos?'] },
  { allow: all, deny: ['?ocalhost'] },
  { allow: all, deny: ['*.localhost'] },
  { allow: all, deny: ['localhost:*'] },
  { allow: all, deny: ['localhost:8448'] },
  { allow: all, deny: ['localhost.'] },
  { allow: all, deny: ['evil.example', 'localhost'] },
  { allow: all, deny: ['127.0.0.1'] },
  { allow: all, deny: ['127.*'] },
  { allow: all, deny: ['[::1]'] },
  { allow: all, deny: ['xn--lcalhost-d1a'] },
  { allow: all, deny: ['*'] },
  { allow: all, deny: 'localhost' },
  { allow: all, deny: [['localhost']] },
  { allow: all, deny: [null, 7, { '*': true }] },
  { allow: all, deny: ['l\\ocalhost', '^localhost$', 'local.ost', '(localhost)'] },
  { allow: all, allow_ip_literals: false },
  { allow: all, allow_ip_literals: 'false' },
  { allow: all, allow_ip_literals: null },
  { allow: ['localhost'] },
  { allow: ['LOCALHOST'], allow_ip_literals: true },
  { allow: ['127.0.0.1'], allow_ip_literals: false },
  { allow: ['*.*'] },
  { allow: ['other.example'] },
  { allow: [''] },
  { allow: '*' },
  { allow: { 0: '*' } },
  { allow: null },
  { allow: [] },
  { deny: [] },
  {},
]

/** S-21. Whom a room keeps out is kept out of everything, however their name is written. */
describe('rooms that keep servers out (S-21)', () => {
  let among: AmongPeers
  let alice: TestUser
  let spelled: Peer[]
  let transactions = 0
  before(async () => {
    among = (await startServerWithPeers(1)) as AmongPeers
    alice = await among.server.register('alice')
    for (const host of ['LOCALHOST', 'LocalHost', '127.0.0.1']) await among.addPeer((port) => `${host}:${port}`)
    spelled = [...among.peers]
  })
  after(() => among?.close())

  const set = async (roomId: RoomId, acl: JsonObject) => {
    const { status, text } = await alice.put(`/rooms/${roomId}/state/m.room.server_acl/`, acl)
    expect(status, text).to.equal(200)
  }
  const send = (peer: Peer, content: JsonObject) =>
    peer.ask(among.server, 'PUT', path('v1', 'send', `${transactions++}`), { origin: peer.serverName, origin_server_ts: 1, ...content })
  const isShut = ({ status, body }: { status: number; body: Body }) => status === 403 && body.errcode === 'M_FORBIDDEN'

  it('are judged alike by every spelling of a name and of a rule', async () => {
    const gates = new Map<Peer, Awaited<ReturnType<typeof openGates>>>()
    for (const peer of spelled) gates.set(peer, await openGates(among.server, alice, peer))
    let [open, shut] = [0, 0]
    for (const acl of acls) {
      for (const [peer, { ask, rooms }] of gates) {
        await set(rooms[0] as RoomId, acl)
        const expected = letsIn(acl, peer.serverName)
        for (const gate of ['make_join', 'backfill']) {
          const answer = await (ask[gate] as () => Promise<Body>)()
          expect(isShut(answer as never), `${peer.serverName} ${gate} ${JSON.stringify(acl)}`).to.equal(!expected)
        }
        if (expected) open += 1
        else shut += 1
      }
    }
    expect(
      [open, shut].every((count) => count > 30),
      `${open} ${shut}`,
    ).to.equal(true)
  })

  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1']) {
    it(`shut every gate to ${host}, and open every one where nothing is set`, async () => {
      const peer = spelled.find(({ serverName }) => serverName.startsWith(`${host}:`)) as Peer
      const shut: JsonObject[] = [{ allow: ['*'], deny: ['LocalHost', '127.0.0.?'] }, { allow: 7 }]
      for (const acl of [undefined, ...shut]) {
        const { ask, rooms } = await openGates(among.server, alice, peer)
        if (acl !== undefined) for (const roomId of rooms) await set(roomId, acl)
        for (const [gate, question] of Object.entries(ask)) {
          const { status, body } = await question()
          expect([status, body.errcode], `${gate} ${JSON.stringify(acl)}`).to.deep.equal(
            acl === undefined ? [200, undefined] : [403, 'M_FORBIDDEN'],
          )
        }
      }
    })
  }

  it('take neither events nor typing nor receipts of whom they keep out, and take those for other rooms', async () => {
    const [peer] = spelled as [Peer]
    const make = () => openGates(among.server, alice, peer)
    const [shut, open] = [await make(), await make()] as [Gates & { rooms: RoomId[] }, Gates & { rooms: RoomId[] }]
    const [shutRoom, openRoom] = [shut.rooms[0] as RoomId, open.rooms[0] as RoomId]
    await set(shutRoom, { allow: ['*'], deny: ['LOCALHOST'] })
    const { next_batch: since } = (await alice.get('/sync')).body
    const said = await Promise.all([shut, open].map(({ member }) => member.message('canary')))
    const typing = [shut, open].map(({ member }) => ({
      edu_type: 'm.typing',
      content: { room_id: member.roomId, user_id: member.userId, typing: true },
    }))
    const read = ({ member }: Gates) => ({
      [member.roomId]: { 'm.read': { [member.userId]: { event_ids: [member.joinId], data: { ts: 1 } } } },
    })
    const receipts = { edu_type: 'm.receipt', content: { ...read(shut), ...read(open) } }
    const { body } = await send(peer, { pdus: said.map(({ pdu }) => pdu as unknown as JsonObject), edus: [...typing, receipts] })
    expect(body.pdus[said[0]!.eventId].error).to.be.a('string')
    expect(body.pdus[said[1]!.eventId]).to.deep.equal({})
    const join = (await alice.get('/sync', { query: { since } })).body.rooms.join
    expect(join[shutRoom]).to.equal(undefined)
    expect(join[openRoom].timeline.events.map(({ content }: Body) => content.body)).to.deep.equal(['canary'])
    expect(join[openRoom].ephemeral.events.map(({ type }: Body) => type)).to.have.members(['m.typing', 'm.receipt'])
    const event = await peer.ask(among.server, 'GET', path('v1', 'event', shut.member.joinId))
    expect([event.status, event.text.includes('membership')]).to.deep.equal([404, false])
  })

  it('are not read by whom they keep out through rooms that let them in', async () => {
    const [peer] = spelled as [Peer]
    const [shut, open] = [await openGates(among.server, alice, peer), await openGates(among.server, alice, peer)]
    const canary = (await alice.put(`/rooms/${shut.rooms[0]}/send/m.room.message/x`, { body: 'canary' })).body.event_id
    await set(shut.rooms[0] as RoomId, { allow: ['*'], deny: ['localhost'] })
    const room = open.rooms[0] as RoomId
    const id = encodeURIComponent(canary)
    const answers = [
      await peer.ask(among.server, 'GET', `${path('v1', 'backfill', room)}?limit=50&v=${id}&v=${encodeURIComponent(open.member.joinId)}`),
      await peer.ask(among.server, 'GET', `${path('v1', 'state', room)}?event_id=${id}`),
      await peer.ask(among.server, 'GET', `${path('v1', 'event_auth', room)}/${id}`),
      await peer.ask(among.server, 'GET', path('v1', 'event', canary)),
      await peer.ask(among.server, 'POST', path('v1', 'get_missing_events', room), {
        earliest_events: [],
        latest_events: [canary],
        limit: 20,
      }),
      await peer.ask(among.server, 'GET', `${path('v1', 'hierarchy', shut.rooms[0] as RoomId)}`),
    ]
    for (const { text } of answers) expect(text).to.not.include('canary')
    expect(answers.at(-1)?.status).to.be.oneOf([403, 404])
  })

  it('are not entered by another server of the one that is kept out, and let in again whom they no longer keep out', async () => {
    const [peer] = spelled as [Peer]
    const { rooms } = await openGates(among.server, alice, peer)
    const room = rooms[0] as RoomId
    await set(room, { allow: ['*'], deny: ['localhost'] })
    for (const one of spelled.filter(({ serverName }) => !serverName.startsWith('127'))) {
      const refused = await joinAsPeer(one, among.server, room, 'again').catch((error: Error) => error.message)
      expect(refused, one.serverName).to.match(/make_join: 403/)
    }
    await set(room, { allow: ['*'] })
    expect((await joinAsPeer(peer, among.server, room, 'again')).userId).to.include('@again')
  })
})
