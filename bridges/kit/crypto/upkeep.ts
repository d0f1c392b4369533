import { replenishKeys, selectOwnDevice } from './accounts.ts'
import { ensureSessions } from './claim.ts'
import { type CryptoContext, inTransaction } from './context.ts'
import { refreshDeviceLists } from './device-lists.ts'
import type { KeyRequestRow } from './inbound.store.ts'
import type { WedgedRow } from './olm-sessions.store.ts'
import { encryptOlm } from './olm-sessions.ts'
import type { ShareRow } from './outbound.store.ts'
import { flushOutgoing, queueToDevice } from './outgoing.ts'
import { megolmAlgorithm, shareAgain } from './share.ts'

const day = 86_400_000

/**
 * Does what was noted to be done: device lists, one-time keys, new sessions in place of broken ones, keys asked for and asked of us,
 * and everything stored for sending. What fails is logged, stays noted and is done the next time.
 */
export function upkeep(context: CryptoContext): Promise<void> {
  context.upkeep ??= context.lanes.run('upkeep', () => {
    context.upkeep = undefined
    return doWhatIsDue(context)
  })
  return context.upkeep
}

async function doWhatIsDue(context: CryptoContext): Promise<void> {
  const { lists, sessions, outbound, inbound, bot } = context
  const now = context.clock.now()
  outbound.prunePrepared(now - 7 * day)
  outbound.pruneRetired(now - 30 * day)
  inbound.pruneRequests(now - day)
  await safely(context, () =>
    refreshDeviceLists(
      context,
      lists.selectOutdated().map((row) => row.user_id),
    ),
  )
  await safely(context, () => replenishKeys(context, bot.userId))
  for (const row of sessions.selectWedged()) await safely(context, () => recover(context, row))
  for (const share of [...outbound.selectReshares(), ...outbound.selectOwed(now)])
    await safely(context, () => answerKeyRequest(context, share))
  for (const row of inbound.selectRequests()) await safely(context, async () => requestKey(context, row))
  for (const user of outbound.selectSenders()) await safely(context, () => flushOutgoing(context, user))
}

async function safely(context: CryptoContext, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    context.log.warn('upkeep of encryption is put off', { error: String(error) })
  }
}

/** https://spec.matrix.org/v1.19/client-server-api/#recovering-from-undecryptable-messages */
async function recover(context: CryptoContext, row: WedgedRow): Promise<void> {
  const own = selectOwnDevice(context, row.own_user)
  const device = context.lists.selectDeviceByKey(row.user_id, row.identity_key)
  if (own === undefined || device === undefined) {
    context.sessions.recovered(row)
    return
  }
  await context.lanes.run(`share ${own.userId}`, () => ensureSessions(context, own, [device], true))
  inTransaction(context, () => {
    context.sessions.recovered(row)
    const content = encryptOlm(context, own, device, 'm.dummy', {})
    if (content === undefined) return
    queueToDevice(context, own.userId, 'm.room.encrypted', [{ userId: device.user_id, deviceId: device.device_id, content }])
  })
}

async function answerKeyRequest(context: CryptoContext, share: ShareRow): Promise<void> {
  const owner = context.outbound.select(share.session_id)?.own_user ?? ''
  const own = selectOwnDevice(context, owner)
  const device = context.lists.selectDeviceByKey(share.user_id, share.identity_key)
  if (own === undefined || device?.device_id !== share.device_id) context.outbound.reshared(share)
  else await context.lanes.run(`share ${owner}`, () => shareAgain(context, own, share, device))
}

/** Asks all devices of the sender: https://spec.matrix.org/v1.19/client-server-api/#recovering-from-undecryptable-messages */
function requestKey(context: CryptoContext, row: KeyRequestRow): void {
  const own = selectOwnDevice(context, context.bot.userId)
  if (own === undefined) return
  const content = {
    action: 'request',
    body: { algorithm: megolmAlgorithm, room_id: row.room_id, session_id: row.session_id },
    request_id: row.request_id,
    requesting_device_id: own.deviceId,
  }
  inTransaction(context, () => {
    context.inbound.requested(row)
    queueToDevice(context, own.userId, 'm.room_key_request', [{ userId: row.sender, deviceId: '*', content }])
  })
}
