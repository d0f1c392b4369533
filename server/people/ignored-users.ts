import { isUserId, type UserId } from '../core/ids.ts'
import { isJsonObject } from '../core/json.ts'
import type { Database } from '../storage/database.ts'
import { readAccountData } from './account-data.ts'

/** Those whom a user ignores. https://spec.matrix.org/v1.19/client-server-api/#ignoring-users */
export async function ignoredUsers(database: Pick<Database, 'selectOne'>, userId: UserId): Promise<UserId[]> {
  const ignored = (await readAccountData(database, userId, undefined, 'm.ignored_user_list'))?.['ignored_users']
  return isJsonObject(ignored) ? Object.keys(ignored).filter(isUserId) : []
}
