import type { UserId } from '../core/ids.ts'
import { invalidParam } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { type Write, write } from '../storage/database.ts'
import { deleteAccountDataOfUser } from './account-data.store.ts'
import { updateDeactivated, updateGone, updateLocked, updatePassword, updateSuspended } from './accounts.store.ts'
import { deviceListChanges } from './device-changes.ts'
import { listDevices, removingDevices } from './devices.ts'
import { deleteFiltersOfUser } from './filters.store.ts'
import { longestPassword, type Passwords } from './passwords.ts'
import type { People } from './people.ts'
import { deleteProfile } from './profiles.store.ts'
import {
  deleteAccessTokensOfUser,
  deleteAccessTokensWithoutDevice,
  deleteRefreshTokensOfUser,
  deleteRefreshTokensWithoutDevice,
  deleteSessionsOfUser,
  deleteSessionsWithoutDevice,
} from './sessions.store.ts'

type Tools = Pick<Home, 'database' | 'clock'>
type ForgetDevice = Parameters<People['onDeviceRemoved']>[0]
type ForgetUser = Parameters<People['onUserRemoved']>[0]

/** What changes how an account stands: locked, suspended, another password, or no more. What is remembered of its sessions is void with each. */
export function createStanding(
  home: Tools,
  passwords: Passwords,
  of: { devices: readonly ForgetDevice[]; users: readonly ForgetUser[] },
): Pick<People, 'setStanding' | 'setPassword' | 'deactivate' | 'finishDeactivation'> {
  async function forgetDevices(userId: UserId, deviceIds: readonly string[]): Promise<void> {
    for (const deviceId of deviceIds) for (const forget of of.devices) await forget(userId, deviceId)
  }
  return {
    setStanding: async (userId, { locked, suspended }) => {
      const writes: Write[] = []
      if (locked !== undefined) writes.push(write(updateLocked, locked ? 1 : 0, userId))
      if (suspended !== undefined) writes.push(write(updateSuspended, suspended ? 1 : 0, userId))
      await home.database.commit({ writes, log: [{ kind: 'session', key: userId }] })
    },
    setPassword: async (userId, password, ending) => {
      if (password.length > longestPassword) throw invalidParam('the password is too long')
      const writes: Write[] = [write(updatePassword, await passwords.hash(password), userId)]
      if (!ending) return void (await home.database.commit({ writes }))
      const deviceIds = (await listDevices(home, userId))
        .map(({ deviceId }) => deviceId)
        .filter((deviceId) => deviceId !== ending.keepDevice)
      writes.push(...removingDevices(userId, deviceIds))
      const kept = ending.keepSession
      for (const one of [deleteAccessTokensWithoutDevice, deleteRefreshTokensWithoutDevice, deleteSessionsWithoutDevice]) {
        writes.push(write(one, userId, kept))
      }
      const change = deviceListChanges(userId, 1, deviceIds)
      await home.database.commit({ writes: [...writes, ...change.writes], log: [{ kind: 'session', key: userId }, ...change.log] })
      await forgetDevices(userId, deviceIds)
    },
    deactivate: async (userId) => {
      const deviceIds = (await listDevices(home, userId)).map(({ deviceId }) => deviceId)
      const all = [deleteAccessTokensOfUser, deleteRefreshTokensOfUser, deleteSessionsOfUser, deleteProfile]
      const change = deviceListChanges(userId, 1, deviceIds)
      await home.database.commit({
        writes: [
          write(updateDeactivated, userId),
          ...[...all, deleteAccountDataOfUser, deleteFiltersOfUser].map((one) => write(one, userId)),
          ...removingDevices(userId, deviceIds),
          ...change.writes,
        ],
        log: [{ kind: 'session', key: userId }, ...change.log],
      })
      await forgetDevices(userId, deviceIds)
    },
    finishDeactivation: async (userId) => {
      for (const forget of of.users) await forget(userId)
      await home.database.commit({ writes: [write(updateGone, userId)] })
    },
  }
}
