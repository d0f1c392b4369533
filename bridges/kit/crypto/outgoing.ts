import { createHash } from 'node:crypto'
import type { CryptoContext } from './context.ts'
import { type JsonObject, parseObject } from './json.ts'
import type { ToDeviceMessages } from './requests.ts'

const messagesPerRequest = 100

export type Addressed = { readonly userId: string; readonly deviceId: string; readonly content: JsonObject }

/**
 * Stores to-device messages of one of our users for sending; run it in the transaction that stores what made them. Their transaction
 * id follows from their bytes, so that sending again after a crash is the same request.
 */
export function queueToDevice(context: CryptoContext, ownUser: string, type: string, messages: readonly Addressed[]): void {
  for (let n = 0; n < messages.length; n += messagesPerRequest) {
    const byUser: ToDeviceMessages = {}
    for (const { userId, deviceId, content } of messages.slice(n, n + messagesPerRequest)) {
      byUser[userId] = { ...byUser[userId], [deviceId]: content }
    }
    const text = JSON.stringify(byUser)
    const txnId = createHash('sha256').update(`${ownUser} ${type} ${text}`).digest('base64url')
    context.outbound.insertOutgoing(ownUser, type, txnId, text)
  }
}

/** Sends what is stored for one of our users, in order; rejects at the first that the server does not take, which stays stored. */
export function flushOutgoing(context: CryptoContext, ownUser: string): Promise<void> {
  if (context.outbound.selectOutgoing(ownUser) === undefined) return Promise.resolve()
  return context.lanes.run(`send ${ownUser}`, async () => {
    const deviceId = context.own.select(ownUser)?.device_id
    if (deviceId === undefined) return
    for (let row = context.outbound.selectOutgoing(ownUser); row !== undefined; row = context.outbound.selectOutgoing(ownUser)) {
      await context.requests.sendToDevice(ownUser, deviceId, row.type, row.txn_id, parseObject(row.messages) as ToDeviceMessages)
      context.outbound.deleteOutgoing(row.id)
    }
  })
}
