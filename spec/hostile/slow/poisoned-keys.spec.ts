import { expect } from 'chai'
import type { RoomId, UserId } from '../../../server/core/ids.ts'
import type { Json, JsonObject } from '../../../server/core/json.ts'
import { crossSigningKeysOf, deviceKeysOf, namedKey, oneTimeKeysOf, signAs } from '../../support/device-keys.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../../support/peers/peer-room.ts'
import type { Body, TestUser } from '../../support/server.ts'

/** S-12. Keys that are none come from nobody; nobody speaks for whom they do not keep; and what is said to others goes on. */
describe('keys and EDUs that are made to mislead (S-12)', () => {
  let among: AmongPeers
  let [peer, other]: Peer[] = []
  let alice: TestUser
  let carol: TestUser
  let bob: UserId
  let roomId: RoomId
  let member: PeerMember
  let transactions = 0
  before(async () => {
    among = (await startServerWithPeers(2, { config: { presence: { enabled: true } } as never })) as AmongPeers
    ;[peer, other] = among.peers as [Peer, Peer]
    alice = await among.server.register('alice')
    carol = await among.server.register('carol')
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    await carol.post(`/join/${roomId}`)
    bob = `@bob:${peer!.serverName}`
    const keys = deviceKeysOf({ userId: bob, deviceId: 'PHONE' }).json
    const list = { user_id: bob, stream_id: 1, devices: [{ device_id: 'PHONE', keys }] }
    peer!.on('GET', '/_matrix/federation/v1/user/devices/{userId}', () => ({ body: list }))
    for (const one of among.peers) one.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
    member = await joinAsPeer(peer!, among.server, roomId, 'bob')
    await joinAsPeer(other!, among.server, roomId, 'eve')
  })
  after(() => among?.close())

  const upload = (user: TestUser, body: unknown) => user.post('/keys/upload', body)
  const query = async (userId: UserId, by = alice): Promise<Body> => (await by.post('/keys/query', { device_keys: { [userId]: [] } })).body
  const send = async (by: Peer, edus: readonly JsonObject[]) => {
    const content = { origin: by.serverName, origin_server_ts: 1, pdus: [], edus }
    const { status, text } = await by.ask(among.server, 'PUT', `/_matrix/federation/v1/send/${transactions++}`, content)
    expect(status, text).to.equal(200)
  }

  it('are refused where clients put them up; other servers are told none of it, and go on being told', async () => {
    const { json, key } = deviceKeysOf(alice)
    const resigned = (of: JsonObject) => signAs({ ...json, signatures: undefined as never, ...of }, alice.userId, alice.deviceId, key)
    const wrong: Json[] = [
      null,
      7,
      'x',
      [],
      [json],
      { ...json, user_id: carol.userId },
      { ...json, user_id: bob },
      { ...json, user_id: null },
      { ...json, device_id: 'ANOTHER' },
      { ...json, device_id: carol.deviceId },
      resigned({ user_id: carol.userId }),
      resigned({ device_id: carol.deviceId }),
      resigned({ algorithms: {} }),
      resigned({ algorithms: [null] }),
      resigned({ keys: [] }),
      resigned({ keys: null }),
      resigned({ keys: { [`ed25519:${alice.deviceId}`]: 7 } }),
      { ...json, algorithms: [] },
      { ...json, signatures: {} },
      { ...json, signatures: [] },
      { ...json, signatures: { [carol.userId]: json.signatures[alice.userId]! } },
      { ...json, keys: deviceKeysOf(alice, 'others').json.keys },
      { ...json, more: 'x' },
      { ...json, signatures: { [alice.userId]: { [`ed25519:${alice.deviceId}`]: 'a'.repeat(86) } } },
      deviceKeysOf(carol).json,
      {},
    ]
    for (const device_keys of wrong) {
      const { status, body } = await upload(alice, { device_keys })
      expect([status, String(body.errcode).startsWith('M_')], JSON.stringify(device_keys)).to.deep.equal([400, true])
    }
    const odd: Json[] = [null, [], 7, { x: 7 }, { 'signed_curve25519:A': null }, { 'signed_curve25519:A': [] }, { ':': {} }]
    for (const one_time_keys of odd) {
      for (const name of ['one_time_keys', 'fallback_keys']) {
        const { status } = await upload(alice, { [name]: one_time_keys })
        expect(status, `${name} ${JSON.stringify(one_time_keys)}`).to.be.oneOf([400, 200])
        if (status === 200) expect(one_time_keys).to.equal(null)
      }
    }
    const told = () => other!.asked.flatMap(({ content }) => (content?.edus ?? []) as Body[])
    expect(JSON.stringify(told())).to.not.include('algorithms')
    expect((await upload(alice, { device_keys: json, one_time_keys: oneTimeKeysOf(alice, ['A']) })).status).to.equal(200)
    await other!.until(
      ({ text }) => text.includes('m.device_list_update') && text.includes(json.keys[`ed25519:${alice.deviceId}`] as string),
    )
    // A device keeps the identity that it began with.
    for (const seed of ['others', 'third']) {
      const { status, body } = await upload(alice, { device_keys: deviceKeysOf(alice, seed).json })
      expect([status, body.errcode]).to.deep.equal([400, 'M_INVALID_PARAM'])
    }
    for (const by of [peer!, other!]) {
      const list = await by.ask(among.server, 'GET', `/_matrix/federation/v1/user/devices/${encodeURIComponent(alice.userId)}`)
      expect(list.body.devices.map((one: Body) => one.keys.keys)).to.deep.equal([json.keys])
    }
  })

  it('are signed by nobody who did not sign them: what a client says of signatures is looked at against what is kept', async () => {
    const { json } = deviceKeysOf(alice)
    const [ofAlice, ofCarol] = [crossSigningKeysOf(alice.userId), crossSigningKeysOf(carol.userId)]
    await alice.post('/keys/device_signing/upload', ofAlice.body)
    await carol.post('/keys/device_signing/upload', ofCarol.body)
    await upload(carol, { device_keys: deviceKeysOf(carol).json })
    const sign = async (by: TestUser, userId: UserId, name: string, object: Json) => {
      const { status, body } = await by.post('/keys/signatures/upload', { [userId]: { [name]: object } })
      return status === 200 ? body.failures?.[userId]?.[name]?.errcode : status
    }
    const { selfSigning, userSigning, master } = ofAlice
    const forged = 'a'.repeat(86)
    const others = deviceKeysOf(alice, 'others').json
    const cases: [TestUser, UserId, string, Json][] = [
      [alice, alice.userId, alice.deviceId, signAs(others, alice.userId, selfSigning.text, selfSigning)],
      [alice, alice.userId, alice.deviceId, { ...json, signatures: { [alice.userId]: { [`ed25519:${selfSigning.text}`]: forged } } }],
      [alice, alice.userId, alice.deviceId, signAs(json, alice.userId, userSigning.text, userSigning)],
      [alice, alice.userId, alice.deviceId, signAs({ ...json, device_id: carol.deviceId }, alice.userId, selfSigning.text, selfSigning)],
      [alice, carol.userId, carol.deviceId, signAs(deviceKeysOf(carol).json, alice.userId, selfSigning.text, selfSigning)],
      [alice, carol.userId, ofCarol.master.text, signAs(ofCarol.body.master_key, alice.userId, selfSigning.text, selfSigning)],
      [
        alice,
        carol.userId,
        ofCarol.master.text,
        signAs({ ...ofCarol.body.master_key, usage: [] }, alice.userId, userSigning.text, userSigning),
      ],
      [alice, carol.userId, master.text, signAs(ofAlice.body.master_key, alice.userId, userSigning.text, userSigning)],
      [alice, bob, 'PHONE', signAs(deviceKeysOf({ userId: bob, deviceId: 'PHONE' }).json, alice.userId, userSigning.text, userSigning)],
      [carol, alice.userId, alice.deviceId, signAs(json, alice.userId, selfSigning.text, selfSigning)],
      [carol, alice.userId, master.text, signAs(ofAlice.body.master_key, alice.userId, alice.deviceId, deviceKeysOf(alice).key)],
    ]
    for (const [at, [by, userId, name, object]] of cases.entries())
      expect(await sign(by, userId, name, object), `${at}`).to.not.equal(undefined)
    const shown = await query(alice.userId, carol)
    expect(shown.device_keys[alice.userId][alice.deviceId].signatures).to.deep.equal(json.signatures)
    expect(shown.master_keys[alice.userId].signatures ?? {}).to.not.have.property(carol.userId)
    expect((await query(carol.userId)).master_keys[carol.userId].signatures ?? {}).to.not.have.property(alice.userId)
    expect(await sign(alice, alice.userId, alice.deviceId, signAs(json, alice.userId, selfSigning.text, selfSigning))).to.equal(undefined)
  })

  it('are told of nobody but by their own server, and neither kept nor handed on otherwise', async () => {
    const before = await query(bob)
    expect(Object.keys(before.device_keys[bob])).to.deep.equal(['PHONE'])
    const sinces = await Promise.all([alice, carol].map(async (user) => (await user.get('/sync')).body.next_batch))
    const edusFor = (userId: UserId): JsonObject[] => {
      const keys = deviceKeysOf({ userId, deviceId: 'EVIL' }).json
      const messages = { [alice.userId]: { '*': { forged: 1 } }, [carol.userId]: { [carol.deviceId]: { forged: 1 } } }
      const signing = { user_id: userId, ...crossSigningKeysOf(userId, 'forged').body }
      return [
        { edu_type: 'm.direct_to_device', content: { sender: userId, type: 'forged', message_id: `${userId}1`, messages } },
        {
          edu_type: 'm.device_list_update',
          content: { user_id: userId, device_id: 'EVIL', stream_id: 50, prev_id: [1], keys, device_display_name: 'forged' },
        },
        { edu_type: 'm.device_list_update', content: { user_id: userId, device_id: 'PHONE', stream_id: 51, prev_id: [1], deleted: true } },
        { edu_type: 'm.signing_key_update', content: signing },
        { edu_type: 'org.matrix.signing_key_update', content: signing },
        { edu_type: 'm.receipt', content: { [roomId]: { 'm.read': { [userId]: { event_ids: [member.joinId], data: { ts: 1 } } } } } },
        { edu_type: 'm.typing', content: { room_id: roomId, user_id: userId, typing: true } },
        { edu_type: 'm.presence', content: { push: [{ user_id: userId, presence: 'online', status_msg: 'forged', last_active_ago: 1 }] } },
      ]
    }
    const spoken: UserId[] = [
      bob,
      alice.userId,
      carol.userId,
      '@nobody:hs.test',
      `@bob:${peer!.serverName.toUpperCase()}`,
      `@eve:${other!.serverName}.evil` as UserId,
    ]
    for (const userId of spoken) await send(other!, edusFor(userId))
    for (const [at, user] of [alice, carol].entries()) {
      const { body, text } = await user.get('/sync', { query: { since: sinces[at] as string } })
      expect(text).to.not.include('forged')
      expect(body.to_device?.events ?? []).to.deep.equal([])
      expect(body.device_lists?.changed ?? []).to.deep.equal([])
      expect(body.rooms?.join?.[roomId]?.ephemeral?.events ?? []).to.deep.equal([])
      expect((body.presence?.events ?? []).map(({ sender }: Body) => sender)).to.not.include(bob)
    }
    const after = await query(bob)
    expect([after.device_keys, after.master_keys]).to.deep.equal([before.device_keys, before.master_keys])
    expect(Object.keys((await query(alice.userId)).device_keys[alice.userId])).to.deep.equal([alice.deviceId])
    // Under their own server's signature the same are heard.
    await send(peer!, edusFor(bob))
    expect(JSON.stringify((await alice.get('/sync', { query: { since: sinces[0] as string } })).body)).to.include('forged')
  })

  it('are none where a server answers with those of others than it was asked for, or keeps', async () => {
    const dave: UserId = `@dave:${other!.serverName}`
    const evil = (userId: UserId) => ({ [userId]: { EVIL: deviceKeysOf({ userId, deviceId: 'EVIL' }).json } })
    const signing = (userId: UserId) => crossSigningKeysOf(userId, 'evil').body
    other!.on('POST', '/_matrix/federation/v1/user/keys/query', () => ({
      body: {
        device_keys: {
          ...evil(alice.userId),
          ...evil(bob),
          ...evil(`@stranger:${other!.serverName}`),
          [dave]: { EVIL: deviceKeysOf(alice).json },
        },
        master_keys: {
          [alice.userId]: signing(alice.userId).master_key,
          [bob]: signing(bob).master_key,
          [dave]: signing(alice.userId).master_key,
        },
        self_signing_keys: { [alice.userId]: signing(alice.userId).self_signing_key },
        user_signing_keys: { [dave]: signing(dave).user_signing_key },
      },
    }))
    const key = { [`signed_curve25519:EVIL`]: { key: namedKey('evil').text } }
    other!.on('POST', '/_matrix/federation/v1/user/keys/claim', () => ({
      body: { one_time_keys: { [alice.userId]: { [alice.deviceId]: key }, [bob]: { PHONE: key }, [dave]: { OTHER: key } } },
    }))
    for (let turn = 0; turn < 2; turn++) {
      const answer = await query(dave)
      expect(answer.device_keys[dave] ?? {}).to.deep.equal({})
      for (const name of ['device_keys', 'master_keys', 'self_signing_keys', 'user_signing_keys']) {
        for (const userId of [alice.userId, bob]) expect(answer[name] ?? {}, name).to.not.have.property(userId)
      }
      expect(JSON.stringify(answer)).to.not.include('EVIL')
      const { body } = await alice.post('/keys/claim', { one_time_keys: { [dave]: { PHONE: 'signed_curve25519' } } })
      expect(JSON.stringify(body)).to.not.include('EVIL')
    }
    expect(Object.keys((await query(alice.userId)).device_keys[alice.userId])).to.deep.equal([alice.deviceId])
    expect(JSON.stringify(await query(bob))).to.not.include('evil')
  })

  it('leave the way out open: messages to devices, changes of devices and events go on', async () => {
    const content = { messages: { [bob]: { PHONE: { canary: 1 } } } }
    expect((await alice.put('/sendToDevice/m.room.encrypted/canary', content)).status).to.equal(200)
    await peer!.until(({ text }) => text.includes('m.direct_to_device') && text.includes('canary'))
    await alice.put(`/devices/${alice.deviceId}`, { display_name: 'after' })
    await alice.put(`/rooms/${roomId}/send/m.room.message/after`, { msgtype: 'm.text', body: 'the last word' })
    for (const one of among.peers) await one.until(({ text }) => text.includes('the last word'))
    expect(among.server.log()).to.not.match(/a request failed|an EDU could not/)
  })
})
