import type { UserId } from '../core/ids.ts'
import { type Database, type LogRow, type Write, write } from '../storage/database.ts'
import {
  selectDeviceChanges,
  selectLastDeviceChanges,
  selectSignedUsers,
  upsertDeviceChange,
  upsertSignedUser,
} from './device-changes.store.ts'

/**
 * What a part must hold when a user's devices, their keys or the user's cross-signing keys change: a write and the log row that has to be
 * the part's n-th.
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
