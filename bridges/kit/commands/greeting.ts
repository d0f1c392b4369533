import { claimOwnership, defaultOwner } from '../owners.ts'
import { describeState } from '../states.ts'
import { selectLogins } from '../store/logins.store.ts'
import type { Desk } from './desk.ts'
import { type Level, levelOf } from './permissions.ts'

/**
 * The first words to somebody in their management room; in the caller's transaction. Where no owner is configured, the first who comes becomes the
 * owner (one of the admins, where there are such), and is told.
 */
export function greet(desk: Desk, user: string, encrypted: boolean): string {
  const { title } = desk.connector.info
  const level = levelOf(desk, desk.permissions, user)
  const claimed = mayClaim(desk, level) && claimOwnership(desk, user)
  const lines = [`Hello. I am the ${title} bridge: people who write to your ${title} account get a room here, and you answer them from it.`]
  const accounts = selectLogins(desk.store).filter(({ owner }) => owner === null)
  const named = accounts.map((row) => `${row.name ?? 'an account'} (${describeState(row)})`).join(', ')
  if (claimed) lines.push(`You are the first to write to me, so the bridge is yours from now on: ${claimWords(named)}`)
  else if (defaultOwner(desk) === user && named) lines.push(`The bridge is yours: ${claimWords(named)}`)
  else lines.push('Write `login` to connect an account of your own.')
  lines.push('`help` shows what I understand.')
  if (!encrypted) lines.push('This room is not encrypted. Turn encryption on in its settings before you send me a token.')
  return lines.join('\n')
}

function mayClaim({ permissions }: Desk, level: Level): boolean {
  return level === 'admin' || (level === 'user' && permissions.admins.length === 0)
}

function claimWords(accounts: string): string {
  return accounts
    ? `you are invited to the rooms of ${accounts}, those there are and those to come.`
    : 'write `login` to connect an account.'
}
