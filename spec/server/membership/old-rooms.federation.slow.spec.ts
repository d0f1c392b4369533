import { expect } from 'chai'
import { referenceOf } from '../../../server/core/hashes.ts'
import type { RoomId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { checkPduShape, type Pdu, prevEventIdsOf } from '../../../server/core/pdu.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../../support/peers/peer-room.ts'
import type { TestUser } from '../../support/server.ts'

describe('rooms of versions 1 and 2, as other servers see them', () => {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  let roomId: RoomId
  let carol: PeerMember
  const rules = roomRules('1')!
  before(async () => {
    among = (await startServerWithPeers(1)) as AmongPeers
    peer = among.peers[0] as Peer
    alice = await among.server.register('alice')
    roomId = await make('1')
    peer.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
    carol = await joinAsPeer(peer, among.server, roomId, 'carol')
  })
  after(() => among.close())

  const make = async (version: string): Promise<RoomId> =>
    (await alice.post('/createRoom', { preset: 'public_chat', room_version: version })).body.room_id
  const at = (what: string, room = roomId) => `/_matrix/federation/v1/${what}/${encodeURIComponent(room)}`
  const ask = (uri: string, method = 'GET', content?: JsonObject) => peer.ask(among.server, method, uri, content)

  it('are joined by servers that name no version, or the one of the room', async () => {
    const path = `/${encodeURIComponent(`@dave:${peer.serverName}`)}`
    const bare = await ask(at('make_join') + path)
    expect([bare.status, bare.body.room_version]).to.deep.equal([200, '1'])
    const second = await make('2')
    expect((await ask(at('make_join', second) + path)).body).to.include({ errcode: 'M_INCOMPATIBLE_ROOM_VERSION', room_version: '2' })
    expect((await ask(`${at('make_join', second) + path}?ver=1&ver=2`)).status).to.equal(200)
    const { pdu, eventId } = peer.sign(bare.body.event, rules)
    const taken = await ask(`${at('send_join')}/${encodeURIComponent(eventId)}`, 'PUT', pdu as unknown as JsonObject)
    expect(taken.status, taken.text).to.equal(200)
    const [status, { state, event }] = taken.body as unknown as [number, { state: Pdu[]; event: Pdu }]
    expect([status, event.event_id]).to.deep.equal([200, eventId])
    for (const one of state) expect(checkPduShape(one, rules), one.type).to.deep.equal({ allowed: true })
  })

  it('take no join under another name than the path says, nor under one that another event has', async () => {
    const userId = `@erin:${peer.serverName}`
    const { body } = await ask(`${at('make_join')}/${encodeURIComponent(userId)}`)
    const join = async (event_id: string, path = event_id) => {
      const { pdu } = peer.sign({ ...body.event, event_id }, rules)
      const { status, body: said } = await ask(
        at('send_join')
          .replace('v1', 'v2')
          .concat(`/${encodeURIComponent(path)}`),
        'PUT',
        pdu as never,
      )
      return [status, said.errcode]
    }
    expect(await join(`$one:${peer.serverName}`, `$two:${peer.serverName}`)).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(await join(carol.joinId)).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(await join('$mine:elsewhere.test')).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(await join('$nodomain')).to.deep.equal([400, 'M_BAD_JSON'])
    expect((await among.server.server.graph.room(roomId))?.membership(userId as `@${string}`)).to.equal(undefined)
    expect(await join(`$three:${peer.serverName}`)).to.deep.equal([200, undefined])
  })

  it('give their events with their names, and what they cite with its hash, wherever they are read', async () => {
    for (const text of ['one', 'two']) await alice.put(`/rooms/${roomId}/send/m.room.message/${text}`, { body: text })
    const newest = (await alice.put(`/rooms/${roomId}/send/m.room.message/three`, { body: 'three' })).body.event_id
    const id = encodeURIComponent(newest)
    const [event] = (await ask(`/_matrix/federation/v1/event/${id}`)).body.pdus
    expect(event.event_id).to.equal(newest)
    const before = (await ask(`${at('backfill')}?v=${id}&limit=3`)).body.pdus as Pdu[]
    expect(before.map(({ event_id }) => event_id)).to.include(newest)
    const previous = before.find(({ event_id }) => event_id === prevEventIdsOf(event)[0])!
    expect(event.prev_events).to.deep.equal([referenceOf(previous.event_id!, previous, rules)])
    const between = await ask(at('get_missing_events'), 'POST', { earliest_events: [], latest_events: [newest], limit: 10 })
    const state = (await ask(`${at('state')}?event_id=${id}`)).body
    const auth = (await ask(`${at('event_auth')}/${id}`)).body
    const all = [event, ...before, ...between.body.events, ...state.pdus, ...state.auth_chain, ...auth.auth_chain]
    for (const one of all) expect(checkPduShape(one, rules), one.type).to.deep.equal({ allowed: true })
    const ids = (await ask(`${at('state_ids')}?event_id=${id}`)).body
    expect(ids.pdu_ids).to.have.members(state.pdus.map(({ event_id }: Pdu) => event_id))
  })

  it('take what other servers say in them, and redact it for them', async () => {
    const seen = async (eventId: string) => (await alice.get(`/rooms/${roomId}/event/${encodeURIComponent(eventId)}`)).body
    const send = async (event: Parameters<PeerMember['event']>[0]) => {
      const view = (await among.server.server.graph.room(roomId))!
      const last = (await among.server.server.graph.event(view.extremities[0]!))!
      const citeState = (type: string, key = '') => {
        const found = view.state(type, key)!
        return referenceOf(found.eventId, found.pdu, rules)
      }
      await among.server.server.graph.members(roomId, [carol.userId])
      const auth_events = [citeState('m.room.create'), citeState('m.room.power_levels'), citeState('m.room.member', carol.userId)]
      const prev_events = [referenceOf(last.eventId, last.pdu, rules)]
      const { pdu, eventId } = await carol.event({ ...event, auth_events, prev_events, depth: last.depth + 1 })
      const content = { origin: peer.serverName, origin_server_ts: 1, pdus: [pdu as unknown as JsonObject] }
      const { body } = await ask(`/_matrix/federation/v1/send/${Math.random()}`, 'PUT', content)
      return { eventId, error: body.pdus[eventId]?.error }
    }
    const said = await send({ type: 'm.room.message', content: { body: 'typo' } })
    expect((await seen(said.eventId)).content).to.deep.equal({ body: 'typo' })
    const ours = (await alice.put(`/rooms/${roomId}/send/m.room.message/ours`, { body: 'ours' })).body.event_id
    expect((await send({ type: 'm.room.redaction', redacts: ours, content: {} })).error).to.include('may not redact')
    expect((await send({ type: 'm.room.redaction', redacts: said.eventId, content: {} })).error).to.equal(undefined)
    expect((await seen(said.eventId)).content).to.deep.equal({})
    expect((await seen(ours)).content).to.deep.equal({ body: 'ours' })
  })
})
