import { createHash } from 'node:crypto'
import { type DeviceId, isUserId, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { badJson, missingParam, tooLarge } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import type { People } from '../people/people.ts'
import { guard, type Write, write } from '../storage/database.ts'
import { type Messages, puttingIn } from './inboxes.ts'
import { sendingOut } from './outgoing.ts'
import { deleteOldTransactions, insertTransaction, selectTransaction } from './to-device.store.ts'

type Tools = {
  readonly home: Pick<Home, 'database' | 'clock' | 'serverName' | 'random'>
  readonly people: Pick<People, 'devicesOf' | 'exclusiveServiceOf'>
}

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
 * Makes the way on which messages go to devices, of this server's users and of others'. The same transaction again does nothing.
 * https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging
 */
export function sendToDevice({ home, people }: Tools): (sending: Sending) => Promise<void> {
  const note = transactionNotes(home)
  return async ({ sender, session, path, type, messages }) => {
    const isOurs = ([userId]: readonly [UserId, unknown]) => serverNameOf(userId) === home.serverName
    const inside = await puttingIn({ people }, { sender, type }, new Map([...messages].filter(isOurs)))
    const remote = [...messages].filter((one) => !isOurs(one))
    const outside = sendingOut(home, { sender, type }, remote, inside.log.length)
    const transaction = note(`${session}\0${sender}\0${path}`)
    await home.database.commit({
      guards: [transaction.guard],
      writes: [...transaction.writes, ...inside.writes, ...outside.writes],
      log: [...inside.log, ...outside.log],
    })
  }
}

/** What makes a part be written once for a name; names are forgotten after a week. */
export function transactionNotes({ clock }: Pick<Home, 'clock'>) {
  let cleaned = 0
  return (name: string) => {
    const now = clock.now()
    const key = createHash('sha256').update(name).digest('base64url')
    const writes: Write[] = [write(insertTransaction, key, now)]
    if (now - cleaned > cleanEvery) {
      cleaned = now
      writes.push(write(deleteOldTransactions, now - transactionsKept))
    }
    return { guard: guard('transaction', 'no row', selectTransaction, key), writes }
  }
}
