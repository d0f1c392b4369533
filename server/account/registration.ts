import { isLocalpart, isUserId, type UserId } from '../core/ids.ts'
import { exclusive, invalidUsername, userInUse } from '../core/matrix-error.ts'
import type { AppService } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'

/**
 * The user id for a wished name. Capitals are written small, as the specification lets a server do. 400 M_INVALID_USERNAME, M_EXCLUSIVE for a name
 * that is an application service's alone (or, for a service, for one that is not its own), M_USER_IN_USE.
 */
export async function chooseUserId({ home, people }: Tools, username: string, service: AppService | undefined): Promise<UserId> {
  const localpart = username.toLowerCase()
  const userId: UserId = `@${localpart}:${home.serverName}`
  if (!isLocalpart(localpart) || !isUserId(userId)) throw invalidUsername('a user name is made of a-z, 0-9 and . _ = - / +')
  if (service) {
    if (!people.servicesOf(userId).includes(service)) throw exclusive('this name is not in the namespaces of the application service')
  } else {
    if (localpart.startsWith('_')) throw invalidUsername('a user name does not begin with _')
  }
  if (people.exclusiveServiceOf(userId, service)) throw exclusive()
  if (localpart === home.config.server_notices.localpart) throw exclusive("this name is the server's own")
  if (await people.account(userId)) throw userInUse()
  return userId
}

const letters = 'abcdefghijkmnpqrstuvwxyz23456789'

/** A name for whoever does not bring one. */
export function makeUsername({ home }: Tools): string {
  return Array.from(home.random(12), (byte) => letters[byte % letters.length]).join('')
}
