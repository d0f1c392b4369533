import {
  CollectStrategy,
  DecryptionSettings,
  DeviceId,
  DeviceLists,
  EncryptionSettings,
  OlmMachine,
  RequestType,
  RoomId,
  TrustRequirement,
  UserId,
} from '@matrix-org/matrix-sdk-crypto-wasm'
import { type JsonObject, objectAt, parseObject } from '../../../../bridges/kit/crypto/json.ts'
import type { ToDeviceMessages } from '../../../../bridges/kit/crypto/requests.ts'
import type { KeyServer } from './key-server.ts'

type Outgoing = { id?: string; type?: RequestType; body: string; event_type?: string; txn_id?: string }

/** Passes a request of the machine to the server. */
async function ask(server: KeyServer, userId: string, deviceId: string, request: Outgoing): Promise<unknown> {
  const body = parseObject(request.body) ?? {}
  if (request.type === RequestType.KeysUpload) return server.direct.uploadKeys(userId, deviceId, body)
  if (request.type === RequestType.KeysQuery) return server.direct.queryKeys(userId, Object.keys(objectAt(body, 'device_keys')))
  if (request.type === RequestType.KeysClaim) {
    return server.direct.claimKeys(userId, deviceId, objectAt(body, 'one_time_keys') as Record<string, Record<string, string>>)
  }
  if (request.type === RequestType.SignatureUpload) return server.direct.uploadSignatures(userId, body)
  const messages = objectAt(body, 'messages') as ToDeviceMessages
  return server.direct.sendToDevice(userId, deviceId, request.event_type ?? '', request.txn_id ?? '', messages)
}

export type Human = Awaited<ReturnType<typeof makeHuman>>

/** Makes a machine, and what carries its requests to the server and the answers back. */
async function connect(server: KeyServer, userId: string, deviceId: string) {
  const machine = await OlmMachine.initialize(new UserId(userId), new DeviceId(deviceId))
  await server.direct.createDevice(userId, deviceId, 'Element')
  const answer = async (request: Outgoing) => {
    const response = (await ask(server, userId, deviceId, request)) ?? {}
    if (request.id !== undefined && request.type !== undefined) {
      await machine.markRequestAsSent(request.id, request.type, JSON.stringify(response))
    }
  }
  const pump = async () => {
    for (const request of await machine.outgoingRequests()) await answer(request as Outgoing)
  }
  return { machine, answer, pump }
}

/** A person with the Rust crypto that Element uses, with one device, cross-signed. */
export async function makeHuman(server: KeyServer, userId: string, deviceId: string) {
  const { machine, answer, pump } = await connect(server, userId, deviceId)
  await pump()
  const bootstrap = await machine.bootstrapCrossSigning(false)
  await server.direct.uploadCrossSigning(userId, parseObject(bootstrap.uploadSigningKeysRequest.body) ?? {})
  await answer(bootstrap.uploadSignaturesRequest as Outgoing)
  await pump()

  const human = {
    userId,
    deviceId,
    machine,
    pump,
    /** Takes what lies in the to-device inbox, and what changed in device lists. */
    async sync(changed: readonly string[] = []) {
      const events = server.takeInbox(userId, deviceId)
      const { oneTimeKeys, fallback, fallbackUsed } = server.device(userId, deviceId)
      const counts = new Map([['signed_curve25519', oneTimeKeys.size]])
      const unused = new Set(fallback === undefined || fallbackUsed ? [] : ['signed_curve25519'])
      const lists = new DeviceLists(changed.map((user) => new UserId(user)))
      const processed = await machine.receiveSyncChanges(JSON.stringify(events), lists, counts, unused)
      await pump()
      return processed.map((event) => ({ kind: event.type, raw: parseObject(event.rawEvent) ?? {} }))
    },
    async track(users: readonly string[]) {
      await machine.updateTrackedUsers(users.map((user) => new UserId(user)))
      await pump()
    },
    async decrypt(roomId: string, event: JsonObject, trust = TrustRequirement.Untrusted) {
      const decrypted = await machine.decryptRoomEvent(JSON.stringify(event), new RoomId(roomId), new DecryptionSettings(trust))
      return {
        event: parseObject(decrypted.event) ?? {},
        shield: decrypted.shieldState(false),
        strict: decrypted.shieldState(true),
        device: decrypted.senderDevice?.toString(),
      }
    },
    /** Encrypts as a client does: devices, missing sessions, room key, event. */
    async encrypt(roomId: string, users: readonly string[], type: string, content: JsonObject): Promise<JsonObject> {
      const ids = () => users.map((user) => new UserId(user))
      await this.track(users)
      const claim = await machine.getMissingSessions(ids())
      if (claim) await answer(claim as Outgoing)
      const settings = new EncryptionSettings()
      settings.sharingStrategy = CollectStrategy.identityBasedStrategy()
      for (const request of await machine.shareRoomKey(new RoomId(roomId), ids(), settings)) await answer(request as Outgoing)
      return parseObject(await machine.encryptRoomEvent(new RoomId(roomId), type, JSON.stringify(content))) ?? {}
    },
  }
  await human.sync()
  return human
}
