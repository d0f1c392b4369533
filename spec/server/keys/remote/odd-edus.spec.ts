import { expect } from 'chai'
import type { UserId } from '../../../../server/core/ids.ts'
import type { Json, JsonObject } from '../../../../server/core/json.ts'
import { deviceKeysOf } from '../../../support/device-keys.ts'
import { startServerWithPeers } from '../../../support/peer.ts'
import { edusOf } from '../../../support/peers/edus.ts'
import { setMembership } from '../../../support/peers/joined-peer.ts'
import { randomJson, randomNumbers } from '../../../support/random-json.ts'

describe('EDUs of a peer that says anything', () => {
  it('never fail, and leave devices and messages as they are', async () => {
    const among = (await startServerWithPeers(1))!
    try {
      const [peer] = among.peers
      const alice = await among.server.register('alice')
      const { body: room } = await alice.post('/createRoom', { preset: 'public_chat' })
      const bob: UserId = await setMembership(among.server, peer!, room.room_id, 'join')
      const keys = deviceKeysOf({ userId: bob, deviceId: 'PHONE' }).json
      peer!.on('GET', '/_matrix/federation/v1/user/devices/{userId}', () => ({
        body: { user_id: bob, stream_id: 1, devices: [{ device_id: 'PHONE', keys }] },
      }))
      const query = async () => (await alice.post('/keys/query', { device_keys: { [bob]: [] } })).body
      const before = await query()
      const good: Record<string, JsonObject> = {
        'm.device_list_update': { user_id: bob, device_id: 'TABLET', stream_id: 2, prev_id: [1], keys },
        'm.signing_key_update': { user_id: bob, master_key: {}, self_signing_key: {} },
        'm.direct_to_device': { sender: bob, type: 't', message_id: 'm', messages: { [alice.userId]: { [alice.deviceId]: {} } } },
      }
      const random = randomNumbers(7)
      const edus = edusOf(among.server)
      for (let n = 0; n < 1000; n++) {
        const [type, content] = Object.entries(good)[n % 3]!
        const names = Object.keys(content)
        const name = names[Math.floor(random() * names.length)]!
        await edus.receive(peer!.serverName, type, { ...content, [name]: odd(random, content[name]) })
      }
      expect(Object.keys((await query()).device_keys[bob])).to.deep.equal(['PHONE'])
      expect((await query()).master_keys).to.deep.equal(before.master_keys)
      const { body } = await alice.get('/sync')
      for (const { sender } of body.to_device?.events ?? []) expect(sender).to.equal(bob)
    } finally {
      await among.close()
    }
  })
})

/** Something else, or the same with something else in it. */
function odd(random: () => number, value: Json | undefined): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || random() < 0.5) return randomJson(random, 3)
  const [name = 'x'] = Object.keys(value)
  return { ...value, [name]: randomJson(random, 3) } as JsonObject
}
