import type { UserId } from '../../core/ids.ts'
import { inviteBlocked } from '../../core/matrix-error.ts'
import type { Database } from '../../storage/database.ts'
import { readAccountData } from '../account-data.ts'
import { ignoredUsers } from '../ignored-users.ts'
import { type InviteWishes, invitePermission } from './invite-permission.ts'

type Reading = Pick<Database, 'selectOne'>

/** What a user has said about invitations. */
async function inviteWishes(database: Reading, userId: UserId): Promise<InviteWishes> {
  const [config, rules, ignored] = await Promise.all([
    readAccountData(database, userId, undefined, 'm.invite_permission_config'),
    readAccountData(database, userId, undefined, 'org.matrix.msc4155.invite_permission_config'),
    ignoredUsers(database, userId),
  ])
  return { config, rules, ignored: new Set(ignored) }
}

/** Whose invitations a user wants to hear of: those of people who are neither ignored nor blocked. */
export async function welcomeInviters(database: Reading, userId: UserId): Promise<(inviter: UserId) => boolean> {
  const permission = invitePermission(await inviteWishes(database, userId))
  return (inviter) => permission(inviter) === 'allow'
}

/** 403 M_INVITE_BLOCKED when a user takes no invitations of this one. https://spec.matrix.org/v1.19/client-server-api/#invite-permission */
export async function checkInvite(database: Reading, inviter: UserId, userId: UserId): Promise<void> {
  if (invitePermission(await inviteWishes(database, userId))(inviter) === 'block') throw inviteBlocked()
}
