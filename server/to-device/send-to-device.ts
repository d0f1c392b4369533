import { createHash } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import { type DeviceId, isUserId, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { badJson, missingParam, tooLarge } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import type { AppService } from '../http/endpoint.ts'
import type { Device, People } from '../people/people.ts'
import { guard, type LogRow, type Write, write } from '../storage/database.ts'
import { deleteOldTransactions, insertMessage, insertTransaction, selectTransaction } from './to-device.store.ts'

type Tools = {
  readonly home: Pick<Home, 'database' | 'clock' | 'serverName'>
  readonly people: Pick<People, 'devicesOf' | 'exclusiveServiceOf'>
}

/** Messages as a client sends them: by user and device, `*` for all devices. */
export type Messages = ReadonlyMap<UserId, ReadonlyMap<DeviceId, JsonObject>>
export type Sending = {
  readonly sender: UserId
  readonly session: string
  readonly path: string
  readonly type: string
  readonly messages: Messages
}

const mostMessages = 20_000
const transactionsKept = 7 * 24 * 60 * 60_000
const cleanEvery = 60 * 60_000

/** Reads the body of a request. Throws `M_MISSING_PARAM` or `M_BAD_JSON`. */
export function readMessages(body: JsonObject): Messages {
  const { messages } = body
  if (messages === undefined) throw missingParam('messages is missing')
  if (!isJsonObject(messages)) throw badJson('messages is not an object')
  const byUser = new Map<UserId, Map<DeviceId, JsonObject>>()
  let count = 0
  for (const [userId, devices] of Object.entries(messages)) {
    if (!isUserId(userId)) throw badJson('messages has something else than user ids')
    if (!isJsonObject(devices)) throw badJson(`the messages for ${userId} are not an object`)
    for (const content of Object.values(devices)) if (!isJsonObject(content)) throw badJson(`a message for ${userId} is not an object`)
    count += Object.keys(devices).length
    byUser.set(userId, new Map(Object.entries(devices) as [DeviceId, JsonObject][]))
  }
  if (count > mostMessages) throw tooLarge(`more than ${mostMessages} messages at once`)
  return byUser
}

/**
 * Makes the way on which messages go to devices: kept until the device has shown that it has them. The same transaction again does
 * nothing. Devices that are not known are passed over. https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging
 */
export function sendToDevice({ home, people }: Tools): (sending: Sending) => Promise<void> {
  let cleaned = 0

  return async ({ sender, session, path, type, messages }) => {
    const local = [...messages].filter(([userId]) => serverNameOf(userId) === home.serverName)
    const devicesOf = await people.devicesOf(local.map(([userId]) => userId))
    const byUser = local.map(([userId, contents]) => [userId, addressed(devicesOf.get(userId)!, contents)] as const)
    const now = home.clock.now()
    const key = createHash('sha256').update(`${session}\0${sender}\0${path}`).digest('base64url')
    const writes: Write[] = [write(insertTransaction, key, now)]
    const log: LogRow[] = []
    for (const [userId, devices] of byUser) {
      if (devices.size === 0) continue
      const serviceId = takes(people.exclusiveServiceOf(userId))
      for (const [deviceId, content] of devices) {
        const message = canonicalJson({ content, sender, type }, false)
        writes.push(write(insertMessage, userId, deviceId, log.length, serviceId, message))
      }
      log.push({ kind: 'to_device', key: userId })
    }
    if (now - cleaned > cleanEvery) {
      cleaned = now
      writes.push(write(deleteOldTransactions, now - transactionsKept))
    }
    await home.database.commit({ guards: [guard('transaction', 'no row', selectTransaction, key)], writes, log })
  }
}

/** What each of the devices is to get. */
function addressed(devices: readonly Device[], messages: ReadonlyMap<DeviceId, JsonObject>): Map<DeviceId, JsonObject> {
  const toAll = messages.get('*')
  const found = new Map<DeviceId, JsonObject>()
  for (const { deviceId } of devices) {
    const content = messages.get(deviceId) ?? toAll
    if (content) found.set(deviceId, content)
  }
  return found
}

/** The service that takes the messages of its users' devices itself; null for none. */
function takes(service: AppService | undefined): string | null {
  return service && service.url !== null && (service.receiveEphemeral || service.receiveDevices) ? service.id : null
}
