import { userIdOf } from '../core/fields.ts'
import { serverNameOf } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { notFound } from '../core/matrix-error.ts'
import type { Tools } from '../slice.ts'

/** The profile of a user of this server by the id that somebody gave; 404 M_NOT_FOUND for anybody else, 400 M_INVALID_PARAM for what is no id. */
export async function readProfile({ home, people }: Pick<Tools, 'home' | 'people'>, named: string | undefined): Promise<JsonObject> {
  const userId = userIdOf(named)
  const account = serverNameOf(userId) === home.serverName ? await people.account(userId) : undefined
  if (account === undefined || account.deactivated) throw notFound('there is no such user')
  return people.profile(userId)
}
