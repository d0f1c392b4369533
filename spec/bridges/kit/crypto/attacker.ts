import { type Json, type JsonObject, objectAt, parseObject } from '../../../../bridges/kit/crypto/json.ts'
import { loadOlm } from '../../../../bridges/kit/crypto/olm.ts'
import { addSignature, signedText } from '../../../../bridges/kit/crypto/signatures.ts'
import { bot, botDevice } from './bridge.ts'
import type { KeyServer } from './key-server.ts'

/** A device that speaks Olm to the bot and says in it what it likes. */
export async function makeAttacker(server: KeyServer, userId: string, deviceId: string) {
  const olm = await loadOlm()
  const account = new olm.Account()
  account.create()
  const keys = parseObject(account.identity_keys()) as { ed25519: string; curve25519: string }
  const unsigned: JsonObject = {
    user_id: userId,
    device_id: deviceId,
    algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
    keys: { [`ed25519:${deviceId}`]: keys.ed25519, [`curve25519:${deviceId}`]: keys.curve25519 },
  }
  const deviceKeys = addSignature(unsigned, userId, `ed25519:${deviceId}`, account.sign(signedText(unsigned)))
  await server.direct.createDevice(userId, deviceId, 'Attacker')
  await server.direct.uploadKeys(userId, deviceId, { device_keys: deviceKeys })
  return {
    userId,
    keys,
    deviceKeys,
    /** A to-device event for the bot with this plaintext; `lies` replaces parts of an honest one, or leaves them out. */
    async olmEvent(type: string, content: JsonObject, lies: Record<string, Json | undefined> = {}, sender = userId): Promise<JsonObject> {
      const target = objectAt(server.device(bot, botDevice).keys, 'keys')
      const peer = String(target[`curve25519:${botDevice}`])
      const claimed = await server.direct.claimKeys(userId, deviceId, { [bot]: { [botDevice]: 'signed_curve25519' } })
      const oneTimeKey = Object.values(objectAt(objectAt(objectAt(claimed, 'one_time_keys'), bot), botDevice))[0]
      const session = new olm.Session()
      session.create_outbound(account, peer, String(objectAt({ oneTimeKey } as JsonObject, 'oneTimeKey').key))
      const honest: JsonObject = {
        type,
        content,
        sender: userId,
        recipient: bot,
        recipient_keys: { ed25519: target[`ed25519:${botDevice}`] ?? '' },
        keys: { ed25519: keys.ed25519 },
        sender_device_keys: deviceKeys,
      }
      const message = session.encrypt(JSON.stringify({ ...honest, ...lies }))
      session.free()
      const encrypted = { algorithm: 'm.olm.v1.curve25519-aes-sha2', sender_key: keys.curve25519, ciphertext: { [peer]: { ...message } } }
      return { type: 'm.room.encrypted', sender, to_user_id: bot, to_device_id: botDevice, content: encrypted }
    },
  }
}
