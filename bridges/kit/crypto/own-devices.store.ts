import type { Database } from 'better-sqlite3'

export type OwnDeviceRow = {
  user_id: string
  device_id: string
  identity_key: string
  signing_key: string
  /** Signed device keys and cross-signing keys, as JSON. */
  device_keys: string
  cross_signing: string
  account: Buffer
  seeds: Buffer
  stage: number
  fallback_at: number | null
  fallback_kept: number
  replenish: number
  renew_fallback: number
}

export type OwnDevicesStore = ReturnType<typeof openOwnDevicesStore>

/** The statements on our own devices and their accounts. */
export function openOwnDevicesStore(database: Database) {
  const select = database.prepare<[string], OwnDeviceRow>('SELECT * FROM crypto_own_devices WHERE user_id = ?')
  const insert = database.prepare(
    `INSERT INTO crypto_own_devices (user_id, device_id, identity_key, signing_key, device_keys, cross_signing, account, seeds, stage)
     VALUES (@user_id, @device_id, @identity_key, @signing_key, @device_keys, @cross_signing, @account, @seeds, 0)`,
  )
  const updateAccount = database.prepare('UPDATE crypto_own_devices SET account = ? WHERE user_id = ?')
  const updateStage = database.prepare('UPDATE crypto_own_devices SET stage = ? WHERE user_id = ?')
  const updateWants = database.prepare(
    'UPDATE crypto_own_devices SET replenish = max(replenish, ?), renew_fallback = max(renew_fallback, ?) WHERE user_id = ?',
  )
  const clearReplenish = database.prepare('UPDATE crypto_own_devices SET replenish = 0 WHERE user_id = ?')
  const fallbackMade = database.prepare(
    'UPDATE crypto_own_devices SET fallback_at = ?, fallback_kept = ?, renew_fallback = 0 WHERE user_id = ?',
  )
  const fallbackForgotten = database.prepare('UPDATE crypto_own_devices SET fallback_kept = 0 WHERE user_id = ?')
  const remove = database.prepare('DELETE FROM crypto_own_devices WHERE user_id = ?')
  return {
    select: (userId: string) => select.get(userId),
    insert: (
      row: Pick<
        OwnDeviceRow,
        'user_id' | 'device_id' | 'identity_key' | 'signing_key' | 'device_keys' | 'cross_signing' | 'account' | 'seeds'
      >,
    ) => insert.run(row),
    updateAccount: (userId: string, account: Buffer) => updateAccount.run(account, userId),
    updateStage: (userId: string, stage: number) => updateStage.run(stage, userId),
    want: (userId: string, replenish: boolean, fallback: boolean) => updateWants.run(replenish ? 1 : 0, fallback ? 1 : 0, userId),
    replenished: (userId: string) => clearReplenish.run(userId),
    fallbackMade: (userId: string, at: number, previousKept: boolean) => fallbackMade.run(at, previousKept ? 1 : 0, userId),
    fallbackForgotten: (userId: string) => fallbackForgotten.run(userId),
    remove: (userId: string) => remove.run(userId),
  }
}
