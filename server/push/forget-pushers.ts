import type { DeviceId, UserId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { editAccountData, readAccountData } from '../people/account-data.ts'
import { write } from '../storage/database.ts'
import { deleteAllPushes, deletePusher, deletePushersOfUser, deletePushesOfUser, selectPushersOfDevice } from './pushers.store.ts'

const settings = 'org.matrix.msc3890.local_notification_settings.'

/** Takes away the pushers that a device has set, and its own notification settings (MSC3890), when it goes. */
export function forgetDevice({ database }: Pick<Home, 'database'>): (userId: UserId, deviceId: DeviceId) => Promise<void> {
  return async (userId, deviceId) => {
    const rows = await database.select(selectPushersOfDevice, userId, deviceId)
    if (rows.length > 0) {
      const writes = rows.flatMap(({ app_id, pushkey }) => [
        write(deletePusher, userId, app_id, pushkey),
        write(deleteAllPushes, userId, app_id, pushkey),
      ])
      await database.commit({ writes, log: [{ kind: 'pusher', key: userId }] })
    }
    const type = `${settings}${deviceId}`
    const kept = await readAccountData(database, userId, undefined, type)
    if (kept !== undefined && Object.keys(kept).length > 0) await editAccountData(database, userId, undefined, type, () => ({}))
  }
}

/** Takes all pushers of a user away. */
export function forgetUser({ database }: Pick<Home, 'database'>): (userId: UserId) => Promise<void> {
  return async (userId) => {
    const writes = [write(deletePushersOfUser, userId), write(deletePushesOfUser, userId)]
    await database.commit({ writes, log: [{ kind: 'pusher', key: userId }] })
  }
}
