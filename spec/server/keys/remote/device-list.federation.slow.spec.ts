import { expect } from 'chai'
import type { RoomId, UserId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import { crossSigningKeysOf, deviceKeysOf, namedKey, signAs } from '../../../support/device-keys.ts'
import { type AmongPeers, type Asked, type Peer, startServerWithPeers } from '../../../support/peer.ts'
import { edusOf } from '../../../support/peers/edus.ts'
import { setMembership } from '../../../support/peers/joined-peer.ts'
import { type Body, type Engine, engines, type TestUser } from '../../../support/server.ts'

for (const engine of engines) describe(`what other servers tell of devices on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  let bob: UserId
  let roomId: RoomId
  let since: string
  let people = 0
  let late = 0
  const clock = { now: () => Date.now() + late, sleep }
  before(async function () {
    const started = await startServerWithPeers(0, { engine, overrides: { clock } })
    if (!started) return this.skip()
    among = started
  })
  after(() => among?.close())
  beforeEach(async () => {
    peer = await among.addPeer()
    alice = await among.server.register(`alice${++people}`)
    bob = `@bob:${peer.serverName}`
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    await setMembership(among.server, peer, roomId, 'join')
    hasList(5, ['PHONE'])
    expect(await devices()).to.deep.equal(['PHONE'])
    since = (await alice.get('/sync')).body.next_batch
  })

  const device = (deviceId: string, userId = bob) => deviceKeysOf({ userId, deviceId }).json
  const hasList = (streamId: number, ids: string[], more: object = {}) =>
    peer.on('GET', '/_matrix/federation/v1/user/devices/{userId}', () => ({
      body: { user_id: bob, stream_id: streamId, devices: ids.map((id) => ({ device_id: id, keys: device(id) })), ...more },
    }))
  const isList = ({ path }: Asked) => path.includes('/user/devices/')
  const fetches = () => peer.asked.filter(isList).length
  let sent = 0
  const send = async (...edus: [type: string, content: JsonObject][]) => {
    const content = { edus: edus.map(([edu_type, content]) => ({ edu_type, content })), pdus: [], origin_server_ts: 1 }
    const uri = `/_matrix/federation/v1/send/t${++sent}`
    expect((await peer.ask(among.server, 'PUT', uri, { origin: peer.serverName, ...content })).status).to.equal(200)
  }
  const update = (streamId: number, previous: number[], deviceId = 'TABLET', more: object = { keys: device(deviceId) }) =>
    ['m.device_list_update', { user_id: bob, device_id: deviceId, stream_id: streamId, prev_id: previous, ...more }] as [string, JsonObject]
  const query = async (): Promise<Body> => (await alice.post('/keys/query', { device_keys: { [bob]: [] } })).body
  const devices = async () => Object.keys((await query()).device_keys[bob] ?? {}).sort()
  /** Waits until somebody's devices are to be looked at again. */
  const changed = async (): Promise<string[]> => {
    for (;;) {
      const { body } = await alice.get('/sync', { query: { since, timeout: '20000' } })
      since = body.next_batch
      if (body.device_lists) return body.device_lists.changed
    }
  }
  /** What comes of an EDU, when it is certain that it was taken. */
  const receive = (type: string, content: JsonObject, origin = peer.serverName) => edusOf(among.server).receive(origin, type, content)

  it('is taken when it follows what is known, and told to those who share a room', async () => {
    await send(update(6, [5]))
    expect(await changed()).to.deep.equal([bob])
    expect(await devices()).to.deep.equal(['PHONE', 'TABLET'])
    await send(update(7, [6], 'PHONE', { deleted: true }))
    expect(await changed()).to.deep.equal([bob])
    expect(await devices()).to.deep.equal(['TABLET'])
    await send(update(8, [7], 'TABLET', { keys: device('TABLET'), device_display_name: 'Tablet' }))
    expect(await changed()).to.deep.equal([bob])
    expect((await query()).device_keys[bob].TABLET.unsigned).to.deep.equal({ device_display_name: 'Tablet' })
    expect(fetches()).to.equal(1)
  })

  it('makes this server ask for the whole list when something before it was missed', async () => {
    hasList(9, ['TABLET', 'WATCH'])
    await send(update(9, [8]))
    await peer.until((asked) => isList(asked) && fetches() > 1)
    expect(await changed()).to.deep.equal([bob])
    expect(await devices()).to.deep.equal(['TABLET', 'WATCH'])
    await send(update(10, [9], 'PHONE'))
    await changed()
    expect(await devices()).to.deep.equal(['PHONE', 'TABLET', 'WATCH'])
    expect(fetches()).to.equal(2)
  })

  it('may count in another sequence than the whole list', async () => {
    hasList(1000, ['TABLET'])
    await send(update(9, []))
    await changed()
    await send(update(11, [9], 'WATCH'))
    await changed()
    expect(await devices()).to.deep.equal(['TABLET', 'WATCH'])
    expect(fetches()).to.equal(2)
  })

  it('counts once', async () => {
    await receive(...update(6, [5]))
    const position = edusOf(among.server).position()
    hasList(6, [])
    for (const content of [{ keys: device('TABLET') }, { deleted: true }]) await receive(...update(6, [5], 'TABLET', content))
    expect(edusOf(among.server).position()).to.equal(position)
    expect(await devices()).to.deep.equal(['PHONE', 'TABLET'])
  })

  it('is news also of those whose list is not kept, if a room is shared', async () => {
    const carol = await setMembership(among.server, peer, roomId, 'join', 'carol')
    await changed()
    await receive('m.device_list_update', { user_id: carol, device_id: 'C', stream_id: 3, prev_id: [2] })
    expect(await changed()).to.deep.equal([carol])
    await receive('m.signing_key_update', { user_id: carol })
    expect(await changed()).to.deep.equal([carol])
    const position = edusOf(among.server).position()
    await receive('m.device_list_update', { user_id: carol, device_id: 'C', stream_id: 5, prev_id: [5] })
    expect(edusOf(among.server).position(), 'said by a server that comes to share a room, as members are met').to.equal(position)
    await receive('m.device_list_update', { user_id: `@stranger:${peer.serverName}`, device_id: 'C', stream_id: 3 })
    expect(edusOf(among.server).position()).to.equal(position)
  })

  it('is nothing when it is malformed, or of a user of another server', async () => {
    const other = await among.addPeer()
    const position = edusOf(among.server).position()
    const [type, good] = update(6, [5])
    const odd: JsonObject[] = [
      { ...good, user_id: 'bob' },
      { ...good, user_id: alice.userId },
      { ...good, device_id: 7 },
      { ...good, device_id: '' },
      { ...good, stream_id: '6' },
      { ...good, stream_id: -1 },
      { ...good, prev_id: 5 },
      { ...good, prev_id: ['5'] },
      { ...good, prev_id: Array(1000).fill(5) },
      {},
    ]
    for (const content of odd) await receive(type, content)
    await receive(type, good, other.serverName)
    const keys = { user_id: bob, ...crossSigningKeysOf(bob).body }
    for (const name of ['m.signing_key_update', 'org.matrix.signing_key_update']) {
      await receive(name, keys, other.serverName)
      await receive(name, { ...keys, user_id: alice.userId })
    }
    expect(edusOf(among.server).position()).to.equal(position)
    expect(await devices()).to.deep.equal(['PHONE'])
  })

  it('leaves out keys that the device did not sign, or that are another’s', async () => {
    const eve: UserId = `@eve:${peer.serverName}`
    const wrong = [device('TABLET', eve), { ...device('TABLET'), algorithms: [] }, device('WATCH'), 'keys', [], null]
    for (const [at, keys] of wrong.entries()) await receive(...update(6 + at, [5 + at], 'TABLET', { keys: keys as JsonObject }))
    expect(await devices()).to.deep.equal(['PHONE'])
    await receive(...update(12, [11]))
    expect(await devices()).to.deep.equal(['PHONE', 'TABLET'])
    expect(fetches()).to.equal(1)
  })

  it('brings cross-signing keys, each under the signature that it needs', async () => {
    const { body: keys, master } = crossSigningKeysOf(bob)
    const { master_key, self_signing_key, user_signing_key } = keys
    const told = async () => {
      const { master_keys, self_signing_keys, user_signing_keys } = await query()
      expect(user_signing_keys).to.deep.equal({})
      return [master_keys[bob]?.keys, self_signing_keys[bob]?.keys]
    }
    const stranger = namedKey('stranger')
    const forged = signAs({ ...self_signing_key, signatures: {} }, bob, master.text, stranger)
    await receive('m.signing_key_update', { user_id: bob, master_key: user_signing_key, self_signing_key })
    expect(await told(), 'without a master key').to.deep.equal([undefined, undefined])
    await receive('m.signing_key_update', { user_id: bob, master_key, self_signing_key: forged, user_signing_key })
    expect(await told()).to.deep.equal([master_key.keys, undefined])
    await send(['m.signing_key_update', { user_id: bob, self_signing_key }])
    expect(await changed()).to.deep.equal([bob])
    expect(await told()).to.deep.equal([master_key.keys, self_signing_key.keys])
  })

  it('is not lost when it comes while the whole list is asked for', async () => {
    let answers = 0
    let told = false
    peer.on('GET', '/_matrix/federation/v1/user/devices/{userId}', async () => {
      answers++
      if (!told) {
        told = true
        await receive(...update(10, [9]))
      }
      return {
        body: {
          user_id: bob,
          stream_id: answers === 1 ? 9 : 10,
          devices: answers === 1 ? [] : [{ device_id: 'TABLET', keys: device('TABLET') }],
        },
      }
    })
    await send(update(9, [8], 'PHONE', { deleted: true }))
    await changed()
    expect(await devices()).to.deep.equal(['TABLET'])
    expect(answers).to.equal(2)
  })

  it('is asked for later where the server does not answer, over a restart too', async () => {
    peer.on('GET', '/_matrix/federation/v1/user/devices/{userId}', () => ({ status: 500 }))
    await send(update(9, [8]))
    await peer.until((asked) => isList(asked) && fetches() > 1)
    expect((await query()).failures).to.have.property(peer.serverName)
    hasList(9, ['TABLET'])
    late += 60_000
    await among.restart()
    alice = { ...alice, ...among.server.as(alice.token) }
    await peer.until((asked) => isList(asked) && fetches() > 2)
    expect(await changed()).to.deep.equal([bob])
    expect(await devices()).to.deep.equal(['TABLET'])
  })

  it('is asked for few times, however many gaps there are', async () => {
    hasList(2000, ['TABLET'])
    for (let n = 0; n < 3; n++) await send(...Array.from({ length: 100 }, (_, at) => update(1000 + n * 100 + at, [at], 'X')))
    await changed()
    late += 5000
    expect(await devices()).to.deep.equal(['TABLET'])
    expect(fetches()).to.be.below(100)
  })

  it('is of no use any more once no room is shared', async () => {
    await setMembership(among.server, peer, roomId, 'leave')
    const { body } = await alice.get('/sync', { query: { since } })
    expect(body.device_lists).to.deep.equal({ changed: [], left: [bob] })
    await receive(...update(6, [5]))
    peer.on('POST', '/_matrix/federation/v1/user/keys/query', () => ({ body: { device_keys: { [bob]: {} } } }))
    expect(await devices()).to.deep.equal([])
    await setMembership(among.server, peer, roomId, 'join')
    hasList(50, ['WATCH'])
    expect(await devices()).to.deep.equal(['WATCH'])
  })
}

function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const timer = setTimeout(resolve, milliseconds)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
