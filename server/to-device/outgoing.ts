import { canonicalJson } from '../core/canonical-json.ts'
import type { DirectToDeviceEdu, Edu } from '../core/edu.ts'
import { type DeviceId, serverNameOf, type UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { parseKept } from '../core/lossless-json.ts'
import { tooLarge } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import type { Broadcast } from '../slice.ts'
import { type LogRow, type Write, write } from '../storage/database.ts'
import { deleteOutgoing, insertOutgoing, selectOutgoing } from './to-device.store.ts'

type Message = { readonly userId: UserId; readonly deviceId: DeviceId; readonly content: JsonObject; readonly size: number }
type Sent = { readonly sender: UserId; readonly type: string }

/** What others take as one EDU, and as one message: larger ones would stand in the way of all that comes after them. */
const largestEdu = 65_536
const mostMessages = 50
/** Of an EDU without its messages. */
const overhead = 1024
const cleanEvery = 60_000

/**
 * What hands messages over to other servers' queues: EDUs of one sender and type each, in a table of ours, and a log row for each server. They are
 * written with the local messages of the same request, or not at all; `outgoing` reads them into the queues. Throws `M_TOO_LARGE` for a message that no
 * EDU holds. https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging
 */
export function sendingOut(
  { random }: Pick<Home, 'random'>,
  { sender, type }: Sent,
  messages: Iterable<readonly [UserId, ReadonlyMap<DeviceId, JsonObject>]>,
  firstRow: number,
): { writes: Write[]; log: LogRow[] } {
  const writes: Write[] = []
  const log: LogRow[] = []
  for (const [destination, some] of Map.groupBy(sized(messages), ({ userId }) => serverNameOf(userId))) {
    for (const [ordinal, part] of parts(some).entries()) {
      const edu = eduOf({ sender, type }, random(16).toString('base64url'), part)
      writes.push(write(insertOutgoing, firstRow + log.length, ordinal, destination, canonicalJson(edu, false)))
    }
    log.push({ kind: 'remote_to_device', key: destination })
  }
  return { writes, log }
}

function sized(messages: Iterable<readonly [UserId, ReadonlyMap<DeviceId, JsonObject>]>): Message[] {
  const all: Message[] = []
  for (const [userId, contents] of messages) {
    for (const [deviceId, content] of contents) {
      const size = Buffer.byteLength(canonicalJson(content, false)) + Buffer.byteLength(userId) + Buffer.byteLength(deviceId) + 16
      if (size + overhead > largestEdu) throw tooLarge(`a message to ${userId} is too large for another server`)
      all.push({ userId, deviceId, content, size })
    }
  }
  return all
}

/** As many as fit into one EDU each. */
function parts(messages: readonly Message[]): Message[][] {
  const found: Message[][] = []
  let room = 0
  for (const message of messages) {
    const last = found.at(-1)
    if (last === undefined || last.length === mostMessages || room < message.size) {
      found.push([message])
      room = largestEdu - overhead - message.size
    } else {
      last.push(message)
      room -= message.size
    }
  }
  return found
}

function eduOf({ sender, type }: Sent, messageId: string, messages: readonly Message[]): DirectToDeviceEdu {
  const byUser = [...Map.groupBy(messages, ({ userId }) => userId)].map(
    ([userId, some]) => [userId, Object.fromEntries(some.map(({ deviceId, content }) => [deviceId, content]))] as const,
  )
  return { edu_type: 'm.direct_to_device', content: { sender, type, message_id: messageId, messages: Object.fromEntries(byUser) } }
}

/**
 * Reads what `sendingOut` wrote. It has no key: all of it is kept and sent, in order. Rows are read in their order, and later ones only once what was
 * told of earlier ones stands in the queues: so whatever lies before them may go.
 */
export function outgoing({ database, clock }: Pick<Home, 'database' | 'clock'>): Broadcast {
  let cleanedAt = 0
  return {
    kinds: ['remote_to_device'],
    between: async (rows) => {
      const positions = rows.filter(({ kind }) => kind === 'remote_to_device').map(({ position }) => position)
      if (positions.length === 0) return []
      if (clock.now() - cleanedAt > cleanEvery) {
        cleanedAt = clock.now()
        await database.commit({ writes: [write(deleteOutgoing, positions[0]!)] })
      }
      const found = await database.select(selectOutgoing, positions)
      return found.map(({ destination, edu }) => ({ edu: parseKept(edu) as unknown as Edu, servers: [destination] }))
    },
  }
}
