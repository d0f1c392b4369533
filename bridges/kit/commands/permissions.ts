import type { Kit } from '../kit.ts'

export type Permissions = {
  /** Who may use the bridge; `*` is every user of the homeserver. */
  readonly users: readonly string[]
  /** Who may see and change everything in it, whose ever it is. */
  readonly admins: readonly string[]
}
export type Level = 'none' | 'user' | 'admin'

// Whom an application service speaks for bears such an id.
const bridged = /^@_[a-z]+_/

/** What a Matrix user may do with the bot. Nothing for users of other servers, nor for whoever a bridge speaks for, whatever the lists say. */
export function levelOf({ serverName, owner }: Pick<Kit, 'serverName' | 'owner'>, permissions: Permissions, userId: string): Level {
  if (userId.slice(userId.indexOf(':') + 1) !== serverName || bridged.test(userId)) return 'none'
  if (userId === owner || permissions.admins.includes(userId)) return 'admin'
  return permissions.users.some((user) => user === '*' || user === userId) ? 'user' : 'none'
}
