import type { Database } from 'better-sqlite3'

export type DeviceRow = { user_id: string; device_id: string; identity_key: string; signing_key: string; cross_signed: number }
export type TrackedRow = {
  user_id: string
  tracked: number
  generation: number
  fetched: number
  pinned_master_key: string | null
  master_key: string | null
}

export type DeviceListStore = ReturnType<typeof openDeviceListStore>

/** The statements on other users' devices and on who is in which room. */
export function openDeviceListStore(database: Database) {
  return { ...userStatements(database), ...deviceStatements(database), ...memberStatements(database) }
}

function userStatements(database: Database) {
  const track = database.prepare(
    `INSERT INTO crypto_tracked_users (user_id, tracked, generation, fetched) VALUES (?, 1, 1, 0)
     ON CONFLICT DO UPDATE SET tracked = 1, generation = generation + 1 WHERE tracked = 0`,
  )
  const outdate = database.prepare('UPDATE crypto_tracked_users SET generation = generation + 1 WHERE user_id = ? AND tracked = 1')
  const untrack = database.prepare('UPDATE crypto_tracked_users SET tracked = 0, generation = generation + 1 WHERE user_id = ?')
  const forget = database.prepare('DELETE FROM crypto_tracked_users WHERE user_id = ?')
  const pin = database.prepare('UPDATE crypto_tracked_users SET pinned_master_key = master_key WHERE user_id = ?')
  const selectTracked = database.prepare<[string], TrackedRow>('SELECT * FROM crypto_tracked_users WHERE user_id = ?')
  const selectOutdated = database.prepare<[], TrackedRow>(
    'SELECT * FROM crypto_tracked_users WHERE tracked = 1 AND generation > fetched LIMIT 1000',
  )
  const fetched = database.prepare(
    `UPDATE crypto_tracked_users SET fetched = @fetched, master_key = @master_key,
       pinned_master_key = coalesce(pinned_master_key, @master_key) WHERE user_id = @user_id`,
  )
  const deleteDevices = database.prepare('DELETE FROM crypto_devices WHERE user_id = ?')
  return {
    /** True when the user was not tracked before. */
    track: (userId: string) => track.run(userId).changes > 0,
    outdate: (userId: string) => outdate.run(userId).changes > 0,
    untrack: (userId: string) => {
      untrack.run(userId)
      deleteDevices.run(userId)
    },
    forget: (userId: string) => {
      forget.run(userId)
      deleteDevices.run(userId)
    },
    /** Takes the identity that a user now has as theirs. */
    pin: (userId: string) => pin.run(userId),
    selectTracked: (userId: string) => selectTracked.get(userId),
    selectOutdated: () => selectOutdated.all(),
    fetched: (userId: string, generation: number, masterKey: string | null) =>
      fetched.run({ user_id: userId, fetched: generation, master_key: masterKey }),
  }
}

function deviceStatements(database: Database) {
  const selectDevices = database.prepare<[string], DeviceRow>('SELECT * FROM crypto_devices WHERE user_id = ? ORDER BY device_id')
  const selectByKey = database.prepare<[string, string], DeviceRow>('SELECT * FROM crypto_devices WHERE user_id = ? AND identity_key = ?')
  const upsertDevice = database.prepare(
    `INSERT INTO crypto_devices (user_id, device_id, identity_key, signing_key, cross_signed)
     VALUES (@user_id, @device_id, @identity_key, @signing_key, @cross_signed)
     ON CONFLICT (user_id, device_id) DO UPDATE SET cross_signed = excluded.cross_signed`,
  )
  const deleteDevice = database.prepare('DELETE FROM crypto_devices WHERE user_id = ? AND device_id = ?')
  return {
    selectDevices: (userId: string) => selectDevices.all(userId),
    selectDeviceByKey: (userId: string, identityKey: string) => selectByKey.get(userId, identityKey),
    upsertDevice: (row: DeviceRow) => upsertDevice.run(row),
    deleteDevice: (userId: string, deviceId: string) => deleteDevice.run(userId, deviceId),
  }
}

function memberStatements(database: Database) {
  const selectMembers = database.prepare<[string], { user_id: string }>('SELECT user_id FROM crypto_room_members WHERE room_id = ?')
  const insertMember = database.prepare('INSERT INTO crypto_room_members (room_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const deleteMember = database.prepare('DELETE FROM crypto_room_members WHERE room_id = ? AND user_id = ?')
  const deleteMemberships = database.prepare('DELETE FROM crypto_room_members WHERE user_id = ?')
  return {
    selectMembers: (roomId: string) => selectMembers.all(roomId).map((row) => row.user_id),
    insertMember: (roomId: string, userId: string) => insertMember.run(roomId, userId),
    deleteMember: (roomId: string, userId: string) => deleteMember.run(roomId, userId),
    deleteMemberships: (userId: string) => deleteMemberships.run(userId),
  }
}
