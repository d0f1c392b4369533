import type { UserId } from '../core/ids.ts'
import { forbidden, invalidParam, userInUse } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { type Guard, guard, type Write, write } from '../storage/database.ts'
import { type AccountRow, insertAccount, selectAccount, selectAdmin } from './accounts.store.ts'
import { longestPassword, type Passwords } from './passwords.ts'
import type { Account, NewAccount } from './people.ts'
import { upsertProfileField } from './profiles.store.ts'

type Tools = Pick<Home, 'database' | 'clock'>

/** The account of a user of this server, or undefined. */
export async function findAccount(home: Tools, userId: UserId): Promise<Account | undefined> {
  const row = await home.database.selectOne(selectAccount, userId)
  return row && accountOf(row)
}

/**
 * Makes an account. 400 M_USER_IN_USE when the name is taken, 403 when it was to be the first administrator's and there is one. Otherwise the name
 * of the caller's guard that failed, if one did.
 */
export async function createAccount(home: Tools, passwords: Passwords, of: NewAccount): Promise<{ guard?: string }> {
  if (of.password !== undefined && of.password.length > longestPassword) throw invalidParam('the password is too long')
  const hashed = of.password === undefined ? null : await passwords.hash(of.password)
  const guards: Guard[] = [guard('account', 'no row', selectAccount, of.userId), ...(of.guards ?? [])]
  if (of.onlyAsFirstAdmin) guards.push(guard('first', 'no row', selectAdmin))
  const insert: Write = write(insertAccount, of.userId, hashed, of.admin ? 1 : 0, of.serviceId ?? null, home.clock.now())
  const name = of.displayName === undefined ? [] : [write(upsertProfileField, of.userId, 'displayname', JSON.stringify(of.displayName))]
  const outcome = await home.database.commit({ guards, writes: [insert, ...name, ...(of.writes ?? [])] })
  if (outcome.ok) return {}
  if (outcome.guard === 'account') throw userInUse()
  if (outcome.guard === 'first') throw forbidden('there is an administrator already')
  return { guard: outcome.guard }
}

/** Whether this is the account's password; takes as long when there is no such account. */
export async function checkPassword(home: Tools, passwords: Passwords, userId: UserId, password: string): Promise<boolean> {
  const row = await home.database.selectOne(selectAccount, userId)
  const usable = row && !row.deactivated ? (row.password ?? undefined) : undefined
  return passwords.check(usable, password)
}

function accountOf(row: AccountRow): Account {
  return {
    userId: row.user_id,
    admin: row.admin === 1,
    deactivated: row.deactivated !== 0,
    locked: row.locked === 1,
    suspended: row.suspended === 1,
    hasPassword: row.password !== null,
    serviceId: row.service_id ?? undefined,
    createdAt: row.created_at,
  }
}
