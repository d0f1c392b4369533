import { expect } from 'chai'
import { canonicalJson } from '../../../server/core/canonical-json.ts'
import type { EventId, RoomId } from '../../../server/core/ids.ts'
import type { Json, JsonObject } from '../../../server/core/json.ts'
import { maxNesting } from '../../../server/core/lossless-json.ts'
import { MatrixError } from '../../../server/core/matrix-error.ts'
import type { Pdu, UnsignedPdu } from '../../../server/core/pdu.ts'
import { pusher } from '../../server/push/push-scene.ts'
import { type PushGateway, startPushGateway } from '../../server/push/stand-in-gateway.ts'
import { type Neighbours, startNeighbours, syncUntil } from '../../support/federation.ts'
import { saidFields, stateFields } from '../../support/hostile/event-fields.ts'
import { type Reader, readEverything, readerOf } from '../../support/hostile/everybody.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../../support/peers/peer-room.ts'
import { type Body, engines, type TestServer, type TestUser } from '../../support/server.ts'

type Wish = Partial<UnsignedPdu> & { readonly type: string }

const deep = (levels: number): Json => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
/** What no field is. */
const values: readonly Json[] = [
  null,
  true,
  0,
  -1,
  7,
  2 ** 53 - 1,
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '__proto__',
  '@a\u0000:hs.test',
  '@nobody:hs.test',
  '$nothing',
  '!nothing',
  'mxc://x/../../y',
  'x'.repeat(2000),
  [],
  [null],
  [[]],
  [1, 'x', {}],
  {},
  { '': '' },
  { '\u0000': { '\u0000': 1 } },
  { toString: 1 },
  JSON.parse('{"__proto__":{"x":1}}'),
  { '@alice:hs.test': {} },
  deep(90),
]
/** Types beside those that somebody reads, and fields of fields. */
const more: Readonly<Record<string, readonly string[]>> = {
  'm.room.message': [
    'm.relates_to rel_type',
    'm.relates_to event_id',
    'm.relates_to m.in_reply_to',
    'm.relates_to key',
    'm.mentions user_ids',
    'm.mentions room',
  ],
  'm.call.invite': ['call_id', 'version', 'lifetime', 'offer', 'invitee'],
  'm.poll.start': ['m.poll', 'm.relates_to'],
  'm.room.unknown': ['anything'],
}
const tops: readonly JsonObject[] = [
  { redacts: 7 },
  { redacts: {} },
  { redacts: '$a\u0000' },
  { origin: {} },
  { membership: [] },
  { prev_state: 7 },
  { event_id: 7 },
  { event_id: '$x' },
  { age: 'x' },
  { replaces_state: 7 },
  { prev_content: 'x' },
  { user_id: '@alice:hs.test' },
  { soft_failed: true },
  { internal_metadata: { outlier: true } },
  {
    unsigned: {
      age: 'x',
      prev_content: 7,
      redacted_because: { forged: 1 },
      transaction_id: 'forged',
      membership: 'forged',
      'm.relations': { forged: 1 },
      replaces_state: [],
    },
  },
]

/** S-20. Events of a server that signs them, whatever is in them, leave everything readable for everybody. */
for (const engine of engines) {
  describe(`Poisoned events of another server (S-20) on ${engine}`, () => {
    let among: AmongPeers
    let [peer, witness]: Peer[] = []
    let gateway: PushGateway
    const users = new Map<string, TestUser>()
    let transactions = 0
    // Each event is a few syncs to the disk there.
    const every = engine === 'sqlite' ? 4 : 60
    const versions = engine === 'sqlite' ? ['6', '10', '11', '12'] : ['12']
    before(async function () {
      const started = await startServerWithPeers(2, { engine, config: { push: { allow_private_addresses: true } } as never })
      if (started === undefined) return this.skip()
      among = started
      ;[peer, witness] = among.peers as [Peer, Peer]
      for (const name of ['alice', 'bob', 'carol', 'dave', 'admin'])
        users.set(name, await among.server.register(name, { admin: name === 'admin' }))
      gateway = await startPushGateway()
      await user('bob').post('/pushers/set', pusher(gateway))
      for (const one of [peer, witness]) one!.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
    })
    after(async () => {
      await gateway?.close()
      await among?.close()
    })
    const user = (name: string) => users.get(name) as TestUser

    type Scene = { roomId: RoomId; member: PeerMember; readers: Reader[]; last: EventId }
    /** A room that alice made and bob is in, carol is invited to and dave has left; somebody of a peer may do everything in it. */
    async function open(version: string): Promise<Scene> {
      const alice = user('alice')
      const mallory = `@mallory:${peer!.serverName}`
      const { body } = await alice.post('/createRoom', {
        room_version: version,
        preset: 'public_chat',
        invite: [user('carol').userId],
        power_level_content_override: {
          users: { ...(version === '12' ? {} : { [alice.userId]: 100 }), [mallory]: 100 },
          events: { 'm.room.tombstone': 50, 'm.room.server_acl': 50 },
        },
      })
      const roomId: RoomId = body.room_id
      for (const name of ['bob', 'dave']) await user(name).post(`/join/${encodeURIComponent(roomId)}`)
      await user('dave').post(`/rooms/${encodeURIComponent(roomId)}/leave`)
      await joinAsPeer(witness!, among.server, roomId, 'witness')
      const member = await joinAsPeer(peer!, among.server, roomId, 'mallory')
      const memberships = { alice: 'join', bob: 'join', carol: 'invite', dave: 'leave' } as const
      const readers = await Promise.all(Object.entries(memberships).map(([name, how]) => readerOf(user(name), how)))
      return { roomId, member, readers, last: member.joinId }
    }
    const send = async (pdus: readonly Pdu[]): Promise<Body> => {
      const content = { origin: peer!.serverName, origin_server_ts: 1, pdus: pdus as unknown as JsonObject[] }
      const { status, body, text } = await peer!.ask(among.server, 'PUT', `/_matrix/federation/v1/send/${transactions++}`, content)
      expect(status, text).to.equal(200)
      return body.pdus
    }
    /** Each event on top of the one before, whatever became of that; how many were taken. */
    async function sendAll(scene: Scene, wishes: readonly Wish[]): Promise<number> {
      let taken = 0
      const events: { pdu: Pdu; eventId: EventId }[] = []
      for (const wish of wishes) {
        const event = await scene.member.event(wish, [scene.last]).catch((error: unknown) => {
          if (error instanceof MatrixError) return undefined
          throw error
        })
        if (event === undefined) continue
        scene.last = event.eventId
        events.push(event)
      }
      for (let from = 0; from < events.length; from += 10) {
        const told = await send(events.slice(from, from + 10).map(({ pdu }) => pdu))
        taken += Object.values(told as Record<string, Body>).filter(({ error }) => error === undefined).length
      }
      return taken
    }
    let said = 0
    /** Everybody reads; what is said afterwards reaches the other server and bob's telephone. */
    async function check({ roomId, readers }: Scene, words: string): Promise<void> {
      expect(await readEverything(among.server, roomId, readers), words).to.deep.equal([])
      const body = `canary ${said++} for @bob:hs.test`
      const room = `/rooms/${encodeURIComponent(roomId)}`
      const sent = await user('alice').put(`${room}/send/m.room.message/${said}`, { msgtype: 'm.text', body })
      if (sent.status === 403) return
      expect(sent.status, `${words} ${sent.text}`).to.equal(200)
      await witness!.until(({ text }) => text.includes(body))
      await gateway.took(gateway.taken.length === 0 ? 1 : 0)
      while (!gateway.taken.some((one) => one.event_id === sent.body.event_id)) await gateway.took(gateway.taken.length + 1)
      const admin = user('admin')
      for (const path of [
        '/_synapse/admin/v1/federation/destinations',
        `/_synapse/admin/v1/federation/destinations/${encodeURIComponent(witness!.serverName)}/rooms`,
      ]) {
        expect((await admin.get(path)).status, path).to.equal(200)
      }
      const backfill = await peer!.ask(
        among.server,
        'GET',
        `/_matrix/federation/v1/backfill/${encodeURIComponent(roomId)}?limit=100&v=${encodeURIComponent(sent.body.event_id)}`,
      )
      expect(backfill.status, words).to.be.oneOf(words.startsWith('m.room.server_acl') ? [200, 403] : [200])
    }
    const content = (name: string, value: Json): JsonObject => {
      const [outer = '', inner] = name.split(' ')
      if (inner === undefined) return { [name]: value }
      const base = outer === 'm.relates_to' ? { rel_type: 'm.thread', event_id: '$x' } : {}
      return { msgtype: 'm.text', body: 'x', [outer]: { ...base, [inner]: value } }
    }

    for (const version of versions.filter((one) => one === '6' || one === '12')) {
      it(`leave a room of version ${version} whole, whatever a field of its state or of what is said holds`, async () => {
        let [taken, turn] = [0, 0]
        let unread: Scene | undefined
        for (const [type, names] of [...Object.entries(stateFields), ...Object.entries(saidFields), ...Object.entries(more)]) {
          const scene = await open(version)
          const isState = type in stateFields
          const state = isState ? { state_key: type === 'm.room.member' ? scene.member.userId : '' } : {}
          const base = type === 'm.room.member' ? { membership: 'join' } : type === 'm.room.server_acl' ? { allow: ['*'] } : {}
          const wishes: Wish[] = []
          for (const name of names) {
            for (const value of values) {
              turn += 1
              if (turn % (version === '12' ? every : 3 * every) === 0)
                wishes.push({ type, ...state, content: { ...base, ...content(name, value) } })
            }
          }
          taken += await sendAll(scene, wishes)
          // Whoever syncs anew reads the rooms before, too.
          if (version === '12' && engine === 'sqlite') await check(scene, `${type} in version ${version}`)
          else unread = scene
        }
        if (unread !== undefined) await check(unread, `version ${version}`)
        expect(taken).to.be.greaterThan(engine === 'sqlite' ? 80 : 15)
      })

      it(`leave a room of version ${version} whole, whatever stands beside the fields of an event`, async () => {
        const scene = await open(version)
        const since = (await user('bob').get('/sync')).body.next_batch
        for (const top of tops) {
          for (const type of ['m.room.message', 'm.room.redaction', 'm.room.topic']) {
            await sendAll(scene, [
              { type, ...(type === 'm.room.topic' ? { state_key: '' } : {}), content: { body: 'x', topic: 'x' }, ...top } as Wish,
            ])
          }
        }
        await check(scene, version)
        const { text } = await user('bob').get('/sync', { query: { since } })
        expect(text).to.not.include('forged')
      })
    }

    for (const version of versions) {
      it(`are as large as they may be in version ${version}, and no larger`, async () => {
        const scene = await open(version)
        for (const [size, isTaken] of [
          [65_535, true],
          [65_536, true],
          [65_537, false],
        ] as const) {
          const event = await ofSize(scene.member, size)
          const told = await send([event.pdu])
          const { status } = await user('alice').get(
            `/rooms/${encodeURIComponent(scene.roomId)}/event/${encodeURIComponent(event.eventId)}`,
          )
          expect([told[event.eventId] !== undefined, status], `${size}`).to.deep.equal([isTaken, isTaken ? 200 : 404])
        }
        const isInBytes = ['11', '12'].includes(version)
        for (const [text, isTaken] of [
          ['x'.repeat(255), true],
          ['x'.repeat(256), false],
          ['é'.repeat(127), true],
          ['é'.repeat(128), !isInBytes],
          ['é'.repeat(255), !isInBytes],
          ['🦊'.repeat(255), !isInBytes],
          ['🦊'.repeat(256), false],
        ] as const) {
          for (const named of [{ type: text }, { type: 'm.some.state', state_key: text }]) {
            const event = await scene.member.event({ ...named, content: { body: 'x' } })
            expect((await send([event.pdu]))[event.eventId] !== undefined, `${text.slice(0, 3)} ${text.length}`).to.equal(isTaken)
          }
        }
        await check(scene, version)
      })
    }

    it('stop nothing that came with them', async () => {
      const scene = await open('12')
      const first = await scene.member.message('canary one')
      const second = await scene.member.message('canary two', [first.eventId])
      const large = await ofSize(scene.member, 65_537)
      const long = await scene.member.event({ type: 'x'.repeat(256) })
      const told = await send([large.pdu, first.pdu, long.pdu, { ...first.pdu, content: deep(900) as never }, second.pdu])
      expect(Object.keys(told)).to.have.members([first.eventId, second.eventId])
      await check(scene, 'one transaction')
    })

    it('are nested as deeply as other servers take them', async () => {
      for (const version of ['6', '12']) {
        const scene = await open(version)
        const wishes = ['m.room.message', 'm.room.topic', 'm.room.name', 'm.room.member'].map((type): Wish => {
          const base = type === 'm.room.member' ? { membership: 'join' } : { msgtype: 'm.text', body: 'x' }
          const state = type === 'm.room.member' ? { state_key: scene.member.userId } : { state_key: '' }
          const nested = { body: deep(900), topic: deep(900), name: deep(900), displayname: deep(900), 'm.relates_to': deep(900) }
          return { type, ...(type === 'm.room.message' ? {} : state), content: { ...base, deep: deep(900), ...nested, ...base } }
        })
        expect(await sendAll(scene, wishes)).to.equal(wishes.length)
        const message = { canary: version, deep: deep(900) }
        const content = {
          sender: scene.member.userId,
          type: 'm.deep',
          message_id: version,
          messages: { [user('alice').userId]: { '*': message } },
        }
        const edus = ['m.direct_to_device', 'm.device_list_update', 'm.signing_key_update', 'm.receipt', 'm.typing', 'm.presence'].map(
          (edu_type) => ({
            edu_type,
            content:
              edu_type === 'm.direct_to_device'
                ? content
                : { user_id: scene.member.userId, [scene.roomId]: deep(900), push: deep(900), keys: deep(900), master_key: deep(900) },
          }),
        )
        const uri = `/_matrix/federation/v1/send/${transactions++}`
        const sent = await peer!.ask(among.server, 'PUT', uri, {
          origin: peer!.serverName,
          origin_server_ts: 1,
          pdus: [],
          edus: edus as never,
        })
        expect(sent.status, sent.text).to.equal(200)
        const told = (await user('alice').get('/sync')).body.to_device.events.map((event: Body) => event.content.canary)
        expect(told).to.include(version)
        await check(scene, version)
      }
    })

    it('are not told to a new server, nor do they stop it from joining', async () => {
      const scene = await open('12')
      await sendAll(scene, [
        { type: 'm.room.name', state_key: '', content: { name: {} } },
        { type: 'm.room.avatar', state_key: '', content: { url: [] } },
        { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'public', allow: 7 } },
        { type: 'm.room.canonical_alias', state_key: '', content: { alias: 7, alt_aliases: {} } },
      ])
      const third = await among.addPeer()
      third.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
      await joinAsPeer(third, among.server, scene.roomId, 'third')
      await check(scene, 'a third server')
    })
  })
}

describe('what a client may send, nested as deeply as it may be', () => {
  it('reaches another server, and stops nobody there from joining', async () => {
    const neighbours = (await startNeighbours(2)) as Neighbours
    const [here, there] = neighbours.servers as [TestServer, TestServer]
    try {
      const [alice, bob, carol] = [await here.register('alice'), await there.register('bob'), await there.register('carol')]
      const roomId: string = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
      const via = `via=${here.server.home.serverName}`
      await bob.post(`/join/${roomId}?${via}`)
      const content = { msgtype: 'm.text', body: 'canary', deep: deep(maxNesting - 1) }
      expect((await alice.put(`/rooms/${roomId}/send/m.room.message/1`, content)).status).to.equal(200)
      expect((await alice.put(`/rooms/${roomId}/state/org.example.deep/`, content)).status).to.equal(200)
      await alice.put(`/rooms/${roomId}/send/m.room.message/2`, { msgtype: 'm.text', body: 'after' })
      await syncUntil(bob, ({ rooms }) => (JSON.stringify(rooms ?? {}).includes('after') ? rooms : undefined))
      expect((await bob.get(`/rooms/${roomId}/state/org.example.deep/`)).body.body).to.equal('canary')
      await bob.post(`/rooms/${roomId}/leave`)
      expect((await carol.post(`/join/${roomId}?${via}`)).status).to.equal(200)
      expect((await carol.get(`/rooms/${roomId}/state/org.example.deep/`)).body.body).to.equal('canary')
    } finally {
      await neighbours.close()
    }
  })
})

/** A message whose canonical form is so many bytes long. */
async function ofSize(member: PeerMember, size: number): Promise<{ pdu: Pdu; eventId: EventId }> {
  const length = ({ pdu }: { pdu: Pdu }) => Buffer.byteLength(canonicalJson(pdu as unknown as JsonObject))
  const origin_server_ts = Date.now()
  const make = (fill: number) => member.event({ type: 'm.room.message', content: { body: 'x'.repeat(fill) }, origin_server_ts })
  const empty = length(await make(0))
  return make(size - empty)
}
