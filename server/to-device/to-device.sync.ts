import type { DeviceId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { parseKept } from '../core/lossless-json.ts'
import type { Home } from '../home.ts'
import type { Piece, Section } from '../slice.ts'
import { write } from '../storage/database.ts'
import {
  deleteMessages,
  deleteMessagesForService,
  selectFirstMessage,
  selectMessages,
  selectMessagesForService,
  type WaitingRow,
} from './to-device.store.ts'

type Tools = Pick<Home, 'database' | 'notifier'>

/** "100 messages is recommended as a reasonable limit." */
const mostMessages = 100
const mostOfOnePosition = 100_000
const mostRemembered = 50_000

/**
 * Messages that wait for a device: in order, the same ones for the same `after`, and thrown away once they are acknowledged. When more wait
 * than one answer holds, `toDeviceUpTo` tells how far it goes.
 */
export function toDeviceSection({ database, notifier }: Tools): Section {
  const empty = emptyInboxes(notifier)

  /** One position is never cut: many devices of one user may have got their messages at once. */
  async function forService(id: string, after: number, upTo: number): Promise<WaitingRow[]> {
    const rows = await database.select(selectMessagesForService, id, after, upTo, mostMessages + 1)
    const first = rows[0]?.position ?? 0
    if (rows[mostMessages]?.position !== first) return rows
    const [whole, next] = await Promise.all([
      database.select(selectMessagesForService, id, first - 1, first, mostOfOnePosition),
      database.select(selectMessagesForService, id, first, upTo, 1),
    ])
    return [...whole, ...next]
  }

  async function acknowledgeOfService(id: string, upTo: number): Promise<void> {
    const waiting = await database.select(selectMessagesForService, id, 0, upTo, 1)
    if (waiting.length > 0) await database.commit({ writes: [write(deleteMessagesForService, id, upTo)] })
  }

  async function acknowledgeOfDevice(userId: UserId, deviceId: DeviceId, upTo: number): Promise<void> {
    empty.add(userId, deviceId)
    const first = await database.selectOne(selectFirstMessage, userId, deviceId)
    if (first) empty.delete(userId)
    if (first && first.position <= upTo) await database.commit({ writes: [write(deleteMessages, userId, deviceId, upTo)] })
  }

  return {
    name: 'to-device',
    kinds: ['to_device'],
    between: async ({ audience, after, upTo, most = mostMessages }) => {
      if (audience.kind === 'device') {
        const { userId, deviceId } = audience
        if (deviceId === undefined) return undefined
        const limit = Math.min(most, mostMessages)
        return pieceOf(await database.select(selectMessages, userId, deviceId, after, upTo, limit + 1), limit, eventOf)
      }
      return pieceOf(await forService(audience.service.id, after, upTo), mostMessages, addressedEventOf)
    },
    acknowledge: (audience, upTo) => {
      if (audience.kind === 'appservice') return acknowledgeOfService(audience.service.id, upTo)
      const { userId, deviceId } = audience
      if (deviceId !== undefined && !empty.has(userId, deviceId)) return acknowledgeOfDevice(userId, deviceId, upTo)
    },
  }
}

/** As many as fit, and all or none of one position. */
function pieceOf(rows: readonly WaitingRow[], limit: number, eventOf: (row: WaitingRow) => JsonObject): Piece | undefined {
  if (rows.length === 0) return undefined
  const next = rows.at(-1)!.position
  if (rows.length <= limit || rows[0]!.position === next) return { toDevice: rows.map(eventOf) }
  const whole = rows.filter(({ position }) => position < next)
  return { toDevice: whole.map(eventOf), toDeviceUpTo: next - 1 }
}

function eventOf({ message }: WaitingRow): JsonObject {
  return parseKept(message) as JsonObject
}

/** https://spec.matrix.org/v1.19/application-service-api/#put_matrixappv1transactionstxnid */
function addressedEventOf({ message, user_id, device_id }: WaitingRow): JsonObject {
  return { ...(parseKept(message) as JsonObject), to_user_id: user_id, to_device_id: device_id }
}

/** The devices for which nothing waits, as far as is known; so that a poll need not ask. */
function emptyInboxes(notifier: Pick<Home['notifier'], 'onAdvance'>) {
  const devices = new Map<string, Set<string>>()
  notifier.onAdvance((_, rows) => {
    for (const { kind, key } of rows) if (kind === 'to_device') devices.delete(key)
  })
  return {
    has: (userId: string, deviceId: string) => devices.get(userId)?.has(deviceId) === true,
    delete: (userId: string) => devices.delete(userId),
    add(userId: string, deviceId: string): void {
      const known = devices.get(userId) ?? new Set()
      devices.set(userId, known.add(deviceId))
      if (devices.size > mostRemembered) devices.delete(devices.keys().next().value!)
    },
  }
}
