import { serverNameOf, type UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { notFound } from '../core/matrix-error.ts'
import type { Tools } from '../slice.ts'

/** The profile of a user of this server; 404 M_NOT_FOUND for anybody else. */
export async function readProfile({ home, people }: Pick<Tools, 'home' | 'people'>, userId: UserId): Promise<JsonObject> {
  const account = serverNameOf(userId) === home.serverName ? await people.account(userId) : undefined
  if (account === undefined || account.deactivated) throw notFound('there is no such user')
  return people.profile(userId)
}
