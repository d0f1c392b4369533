import { canonicalJson } from '../core/canonical-json.ts'
import { type DeviceId, isUserId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { Home } from '../home.ts'
import type { People } from '../people/people.ts'
import type { EduReceiver } from '../slice.ts'
import { type Messages, puttingIn } from './inboxes.ts'
import { transactionNotes } from './send-to-device.ts'

type Tools = {
  readonly home: Pick<Home, 'database' | 'clock' | 'serverName'>
  readonly people: Pick<People, 'devicesOf' | 'exclusiveServiceOf'>
}

/** One EDU can address all devices of everybody here: so many messages come of it at most, and none is larger than an EDU of its own may be. */
const mostMessages = 2000
const largestContent = 65_536

/**
 * Takes messages of other servers' users for devices of this one's: each message id of a server counts once.
 * https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging
 */
export function directToDevice({ home, people }: Tools): EduReceiver {
  const note = transactionNotes(home)
  return {
    type: 'm.direct_to_device',
    receive: async (content, origin) => {
      const { sender, type, message_id: messageId } = content
      if (!isUserId(sender) || serverNameOf(sender) !== origin || !isPlainText(type) || !isPlainText(messageId)) return
      const messages = readMessages(content['messages'], home.serverName)
      if (messages.size === 0) return
      const { writes, log } = await puttingIn({ people }, { sender, type }, messages, mostMessages)
      if (log.length === 0) return
      const transaction = note(`${origin}\0${messageId}\0m.direct_to_device`)
      await home.database.commit({ guards: [transaction.guard], writes: [...transaction.writes, ...writes], log })
    },
  }
}

/** What is for users of this server and can be kept. */
function readMessages(value: Json | undefined, serverName: ServerName): Messages {
  const found = new Map<UserId, Map<DeviceId, JsonObject>>()
  for (const [userId, devices] of Object.entries(isJsonObject(value) ? value : {})) {
    if (!isUserId(userId) || serverNameOf(userId) !== serverName || !isJsonObject(devices)) continue
    const contents = Object.entries(devices).filter((entry): entry is [DeviceId, JsonObject] => isContent(entry[1]))
    if (contents.length > 0) found.set(userId, new Map(contents))
  }
  return found
}

function isContent(value: Json | undefined): value is JsonObject {
  if (!isJsonObject(value)) return false
  try {
    return canonicalJson(value, false).length <= largestContent
  } catch {
    return false
  }
}
