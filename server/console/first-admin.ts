import { timingSafeEqual } from 'node:crypto'
import { rmSync } from 'node:fs'
import { firstAccountTokenFile, readFirstAccountToken } from '../../config/first-start.ts'
import { isLocalpart, isUserId, type UserId } from '../core/ids.ts'
import { MatrixError } from '../core/matrix-error.ts'
import type { Tools } from '../slice.ts'

const shortestPassword = 10

/** Whether this is the token of the one-time link, still unused. */
export function isFirstAdminToken({ home }: Pick<Tools, 'home'>, token: string): boolean {
  const right = Buffer.from(readFirstAccountToken(home.config.data_dir) ?? '')
  const given = Buffer.from(token)
  return right.length > 0 && right.length === given.length && timingSafeEqual(right, given)
}

/** Makes the first account, an administrator's, and ends the link. Gives the account's id, or what to do differently. */
export async function makeFirstAdmin(tools: Tools, username: string, password: string): Promise<{ userId: UserId } | { refused: string }> {
  const { home, people } = tools
  const userId: UserId = `@${username}:${home.serverName}`
  if (!isLocalpart(username) || username.startsWith('_') || !isUserId(userId)) {
    return { refused: 'A user name is made of a-z, 0-9 and . _ = - / + and does not begin with _.' }
  }
  if (people.exclusiveServiceOf(userId)) return { refused: 'This name belongs to a bridge. Choose another one.' }
  if (password.length < shortestPassword) return { refused: `The password needs at least ${shortestPassword} characters.` }
  try {
    await people.createAccount({ userId, password, admin: true, serviceId: undefined, displayName: username, onlyAsFirstAdmin: true })
  } catch (error) {
    if (error instanceof MatrixError) return { refused: `That did not work: ${error.message}.` }
    throw error
  }
  rmSync(firstAccountTokenFile(home.config.data_dir), { force: true })
  home.log.info('the first administrator has an account', { user: userId })
  return { userId }
}
