import { type OwnDevice, sealAccount, selectOwnDevice, uploadDevice } from './accounts.ts'
import { type CryptoContext, inTransaction } from './context.ts'
import { type JsonObject, objectAt, parseObject } from './json.ts'
import { using } from './olm.ts'
import { addSignature, seedKey, signedText, unpaddedBase64 } from './signatures.ts'

const algorithms = ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2']
const complete = 4

/**
 * Gives a user of ours a device of its own that is cross-signed by an identity of its own: everything is made and stored first, then
 * uploaded step by step. A step that fails, or a crash, is taken up where it stopped, with the same keys. Rejects with what the
 * request rejected with.
 * https://spec.matrix.org/v1.19/client-server-api/#cross-signing
 */
export async function setUpIdentity(context: CryptoContext, userId: string): Promise<OwnDevice> {
  const known = selectOwnDevice(context, userId)
  if (known?.stage === complete) return known
  return context.lanes.run(`identity ${userId}`, async () => {
    const device = selectOwnDevice(context, userId) ?? makeDevice(context, userId)
    const steps = uploadSteps(context, device)
    for (let stage = device.stage; stage < complete; stage++) {
      await steps[stage]?.()
      context.own.updateStage(userId, stage + 1)
    }
    return { ...device, stage: complete }
  })
}

function uploadSteps(context: CryptoContext, device: OwnDevice): (() => Promise<unknown>)[] {
  const { requests, own } = context
  const { userId, deviceId, deviceKeys } = device
  const crossSigning = parseObject(own.select(userId)?.cross_signing ?? '') ?? {}
  const deviceSignature = objectAt(objectAt(deviceKeys, 'signatures'), userId)[`ed25519:${deviceId}`]
  const uploaded = { ...deviceKeys, signatures: { [userId]: { [`ed25519:${deviceId}`]: deviceSignature ?? '' } } }
  return [
    () => requests.createDevice(userId, deviceId, 'Bridge'),
    () => uploadDevice(context, userId, uploaded),
    () => requests.uploadCrossSigning(userId, crossSigning),
    async () => {
      const response = await requests.uploadSignatures(userId, { [userId]: { [deviceId]: deviceKeys } })
      if (Object.keys(objectAt(response, 'failures')).length > 0) throw new Error('the server refused the signature of a device')
    },
  ]
}

function makeDevice(context: CryptoContext, userId: string): OwnDevice {
  const bot = userId === context.bot.userId
  const deviceId = bot ? context.bot.deviceId : Buffer.from(context.random(8)).toString('hex').toUpperCase()
  const seeds = { master: context.random(32), selfSigning: context.random(32) }
  const master = seedKey(seeds.master)
  const selfSigning = seedKey(seeds.selfSigning)
  inTransaction(context, () =>
    using(new context.olm.Account(), (account) => {
      account.create()
      const keys = parseObject(account.identity_keys()) as { ed25519: string; curve25519: string }
      const unsigned: JsonObject = {
        user_id: userId,
        device_id: deviceId,
        algorithms,
        keys: { [`curve25519:${deviceId}`]: keys.curve25519, [`ed25519:${deviceId}`]: keys.ed25519 },
      }
      const signed = addSignature(unsigned, userId, `ed25519:${deviceId}`, account.sign(signedText(unsigned)))
      const text = JSON.stringify({ master: unpaddedBase64(seeds.master), self_signing: unpaddedBase64(seeds.selfSigning) })
      context.own.insert({
        user_id: userId,
        device_id: deviceId,
        identity_key: keys.curve25519,
        signing_key: keys.ed25519,
        device_keys: JSON.stringify(
          addSignature(signed, userId, `ed25519:${selfSigning.publicKey}`, selfSigning.sign(signedText(unsigned))),
        ),
        cross_signing: JSON.stringify(crossSigningKeys(userId, master, selfSigning.publicKey)),
        account: sealAccount(context, userId, account),
        seeds: context.seal.close(`seeds ${userId}`, text),
      })
      if (bot) context.own.want(userId, true, true)
    }),
  )
  return selectOwnDevice(context, userId) as OwnDevice
}

function crossSigningKeys(userId: string, master: ReturnType<typeof seedKey>, selfSigning: string): JsonObject {
  const key = (usage: string, publicKey: string): JsonObject => ({
    user_id: userId,
    usage: [usage],
    keys: { [`ed25519:${publicKey}`]: publicKey },
  })
  const subkey = key('self_signing', selfSigning)
  return {
    master_key: key('master', master.publicKey),
    self_signing_key: addSignature(subkey, userId, `ed25519:${master.publicKey}`, master.sign(signedText(subkey))),
  }
}
