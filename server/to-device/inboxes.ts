import { canonicalJson } from '../core/canonical-json.ts'
import type { DeviceId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { AppService } from '../http/endpoint.ts'
import type { Device, People } from '../people/people.ts'
import { type LogRow, type Write, write } from '../storage/database.ts'
import { insertMessage } from './to-device.store.ts'

/** Messages by user and device, `*` for all devices. */
export type Messages = ReadonlyMap<UserId, ReadonlyMap<DeviceId, JsonObject>>

type Tools = { readonly people: Pick<People, 'devicesOf' | 'exclusiveServiceOf'> }

/**
 * What puts messages into the inboxes of this server's users: kept until a device has shown that it has them. Devices that are not known are passed
 * over; with more than `most` messages in all, the rest of them too.
 */
export async function puttingIn(
  { people }: Tools,
  { sender, type }: { readonly sender: UserId; readonly type: string },
  messages: Messages,
  most = Number.POSITIVE_INFINITY,
): Promise<{ writes: Write[]; log: LogRow[] }> {
  const devicesOf = await people.devicesOf([...messages.keys()])
  const writes: Write[] = []
  const log: LogRow[] = []
  for (const [userId, contents] of messages) {
    const devices = addressed(devicesOf.get(userId)!, contents)
    if (devices.size === 0 || writes.length + devices.size > most) continue
    const serviceId = takes(people.exclusiveServiceOf(userId))
    for (const [deviceId, content] of devices) {
      const message = canonicalJson({ content, sender, type }, false)
      writes.push(write(insertMessage, userId, deviceId, log.length, serviceId, message))
    }
    log.push({ kind: 'to_device', key: userId })
  }
  return { writes, log }
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
