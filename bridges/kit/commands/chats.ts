import { nameOf } from '../ghosts.ts'
import { ownerOf } from '../owners.ts'
import { type LoginRow, selectLogins } from '../store/logins.store.ts'
import { type PortalRow, selectPortal } from '../store/portals.store.ts'
import { type HubRow, selectHubs, selectPortalsOfLogin } from '../store/spokes.store.ts'
import { type Call, Mistake } from './desk.ts'

/** The logins that a user may see and change. */
export function loginsFor({ desk, user, level }: Call): LoginRow[] {
  return selectLogins(desk.store).filter(({ login }) => level === 'admin' || ownerOf(desk, login) === user)
}

/** The chats that a user may see and change. */
export function chatsFor(call: Call): PortalRow[] {
  return loginsFor(call).flatMap(({ login }) => selectPortalsOfLogin(call.desk.store, login))
}

/** The four letters that tell a chat, or a login, from others of the same name. */
export function markOf(id: string): string {
  return id.slice(0, 4)
}

/** The hubs that a user may use: their own, and all for those who run the bridge. */
export function hubsFor({ desk, user, level }: Call): HubRow[] {
  return selectHubs(desk.store).filter(({ owner }) => level === 'admin' || (owner ?? desk.owner) === user)
}

export function hubName({ desk }: Pick<Call, 'desk'>, { name, alias }: HubRow): string {
  return name ?? (alias === desk.hub?.alias ? desk.hub.name : alias)
}

/** The chat that somebody named: by mark, by name, or by the first letters of a name that fits one alone. Throws a Mistake that says what there is. */
export function findChat(call: Call, asked: string): PortalRow {
  const chats = chatsFor(call).map((chat) => ({ chat, name: nameOf(call.desk, chat.contact) }))
  const wanted = fold(asked.replace(/\s*·\s*[a-z2-7]{4}$/, ''))
  const mark = /(?:^|·\s*)([a-z2-7]{4})$/.exec(asked.trim().toLowerCase())?.[1]
  const marked = chats.filter(({ chat }) => markOf(chat.portal) === mark)
  const named = chats.filter(({ name }) => fold(name) === wanted)
  const begun = wanted === '' ? [] : chats.filter(({ name }) => fold(name).startsWith(wanted))
  const found = [named, marked, begun].find(({ length }) => length > 0) ?? []
  const exact = found.length > 1 && marked.length === 1 && found.includes(marked[0]!) ? marked : found
  if (exact.length === 1) return exact[0]!.chat
  const lines = (exact.length ? exact : chats).slice(0, 20).map(({ chat, name }) => `• ${name} · ${markOf(chat.portal)}`)
  if (exact.length > 1) throw new Mistake(['More than one chat fits; write its four letters:', ...lines].join('\n'))
  if (chats.length === 0) throw new Mistake('There is no chat yet. One begins when somebody writes to the account.')
  const first = asked === '' ? 'Which chat?' : `There is no chat “${clip(asked)}”.`
  throw new Mistake([`${first} These there are:`, ...lines].join('\n'))
}

/** The login that somebody named; the only one when nothing is said. Throws a Mistake. */
export function findLogin(call: Call, asked: string, among = loginsFor(call)): LoginRow {
  const wanted = fold(asked)
  const found = among.filter((row) => wanted === '' || markOf(row.login) === wanted || fold(row.name ?? '') === wanted)
  if (found.length === 1) return found[0]!
  if (among.length === 0) throw new Mistake('You have no account here. Write `login` to add one.')
  const lines = among.map((row) => `• ${row.name ?? 'account'} · ${markOf(row.login)}`)
  throw new Mistake(['Which account? Write its name or its four letters after the command:', ...lines].join('\n'))
}

/** As people compare names: without case, accents and spaces around. */
export function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/\s+/gu, ' ').trim()
}

/** What somebody wrote, short enough to be repeated to them. */
export function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40).toWellFormed()}…` : text
}

/** A chat as it is now. Throws a Mistake when it has gone. */
export function currentChat({ desk }: Call, portal: string): PortalRow {
  const row = selectPortal(desk.store, portal)
  if (!row) throw new Mistake('There is no such chat any more.')
  return row
}
