import type { DeviceId, UserId } from '../core/ids.ts'
import { type Database, type LogRow, type Write, write } from '../storage/database.ts'
import {
  deleteOldDeviceUpdates,
  insertDeviceUpdate,
  selectDeviceChanges,
  selectDeviceUpdates,
  selectLastDeviceChanges,
  selectLastDeviceUpdates,
  selectSignedUsers,
  type UpdateRow,
  upsertDeviceChange,
  upsertSignedUser,
} from './device-changes.store.ts'

/** What stands in the place of a device where a user's cross-signing keys changed. No device is called so. */
export const crossSigning: DeviceId = ''

/** One change of a user's devices, in the order in which other servers hear of them; `previous` is the position of the one before it. */
export type DeviceUpdate = {
  readonly userId: UserId
  readonly position: number
  readonly deviceId: DeviceId
  readonly previous: number | undefined
}

/**
 * What a part must hold when the devices of a user of this server, their keys, or the cross-signing keys change: writes, and log rows that have to
 * be the part's n-th and following, one for each device. Other servers hear of it.
 */
export function deviceListChanges(
  userId: UserId,
  nthRow: number,
  deviceIds: readonly DeviceId[],
): { readonly writes: Write[]; readonly log: LogRow[] } {
  if (deviceIds.length === 0) return { writes: [], log: [] }
  const changes = deviceIds.map((_, at) => deviceListChange(userId, nthRow + at))
  const updates = deviceIds.map((deviceId, at) => write(insertDeviceUpdate, userId, nthRow + at, deviceId, userId))
  return {
    writes: [changes.at(-1)!.write, ...updates, write(deleteOldDeviceUpdates, userId, userId)],
    log: changes.map(({ log }) => log),
  }
}

/**
 * The same where this server's users alone have to look again: a write and the log row that has to be the part's n-th. For users of other servers
 * too.
 */
export function deviceListChange(userId: UserId, nthRow: number): { readonly write: Write; readonly log: LogRow } {
  return { write: write(upsertDeviceChange, userId, nthRow), log: { kind: 'device_list', key: userId } }
}

/** The same for a signature on another user's master key, which only the signer may see. */
export function signedUserChange(userId: UserId, signed: UserId, nthRow: number): { readonly write: Write; readonly log: LogRow } {
  return { write: write(upsertSignedUser, userId, signed, nthRow), log: { kind: 'device_list', key: userId } }
}

/** The users whose device lists changed last in (after, upTo]. */
export async function deviceChangesBetween(database: Pick<Database, 'select'>, after: number, upTo: number): Promise<UserId[]> {
  return (await database.select(selectDeviceChanges, after, upTo)).map((row) => row.user_id as UserId)
}

/** When the device lists of users changed last, as it stands on the disk; those that never did are missing. */
export async function lastDeviceChanges(database: Pick<Database, 'select'>, userIds: readonly UserId[]): Promise<Map<string, number>> {
  const rows = await database.select(selectLastDeviceChanges, userIds)
  return new Map(rows.map(({ user_id, position }) => [user_id, position]))
}

/** The users whom this user signed in (after, upTo]. */
export async function signedUsersBetween(
  database: Pick<Database, 'select'>,
  userId: UserId,
  after: number,
  upTo: number,
): Promise<UserId[]> {
  return (await database.select(selectSignedUsers, userId, after, upTo)).map((row) => row.signed_user_id as UserId)
}

/** What other servers are to hear of at these positions, in their order. */
export async function deviceUpdatesAt(database: Pick<Database, 'select'>, positions: readonly number[]): Promise<DeviceUpdate[]> {
  if (positions.length === 0) return []
  return (await database.select(selectDeviceUpdates, positions)).map(updateOf)
}

/** The newest change of each user's devices, cross-signing keys aside: up to it other servers were, or are going to be, told. */
export async function lastDeviceUpdates(database: Pick<Database, 'select'>, userIds: readonly UserId[]): Promise<DeviceUpdate[]> {
  return (await database.select(selectLastDeviceUpdates, userIds)).map(updateOf)
}

function updateOf({ user_id, position, device_id, previous }: UpdateRow): DeviceUpdate {
  return { userId: user_id as UserId, position, deviceId: device_id, previous: previous ?? undefined }
}
