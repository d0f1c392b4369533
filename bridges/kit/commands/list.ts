import { nameOf } from '../ghosts.ts'
import { describeState, time } from '../states.ts'
import type { LoginRow } from '../store/logins.store.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { countOpen, selectPortalsOfLogin, selectSpokesOf, selectUnknown } from '../store/spokes.store.ts'
import { describeToken } from '../tokens/renew.ts'
import { hubName, hubsFor, loginsFor, markOf } from './chats.ts'
import type { Call, Outcome } from './desk.ts'

const mostChats = 50
const mostUnknown = 3

/** `list`: accounts with their state, chats with where they are and what is queued, hubs. */
export function list(call: Call): Outcome {
  const logins = loginsFor(call)
  if (logins.length === 0) return { words: 'You have no account here. Write `login` to add one.' }
  return { words: [...logins.flatMap((row) => linesOfLogin(call, row)), ...linesOfHubs(call)].join('\n') }
}

/** `state`: how it stands with each account, and what waits. */
export function state(call: Call): Outcome {
  const logins = loginsFor(call)
  if (logins.length === 0) return { words: 'You have no account here. Write `login` to add one.' }
  const lines = logins.map((row) => {
    const chats = selectPortalsOfLogin(call.desk.store, row.login)
    return `${title(call, row)}: ${describeState(row)} Since ${time(row.since)}.${describeToken(call.desk, row)} ${waiting(call, chats)}`
  })
  return { words: lines.map((line) => line.replace(/([^.!?:])\s+Since/, '$1. Since')).join('\n') }
}

function title({ desk }: Call, { name, login }: LoginRow): string {
  return `${desk.connector.info.title} · ${name ?? 'account'} · ${markOf(login)}`
}

function waiting({ desk }: Call, chats: readonly PortalRow[]): string {
  const counts = countOpen(desk.store).filter(({ portal }) => chats.some((chat) => chat.portal === portal))
  const sum = (unknown: boolean) => counts.reduce((all, { state, count }) => all + ((state === 'unknown') === unknown ? count : 0), 0)
  const lost = sum(true) ? `; of ${sum(true)} it is not known whether they arrived` : ''
  return `${sum(false) || 'Nothing'} queued${lost}.`
}

function linesOfLogin(call: Call, row: LoginRow): string[] {
  const chats = selectPortalsOfLogin(call.desk.store, row.login)
  const lines = chats.slice(0, mostChats).flatMap((chat) => linesOfChat(call, chat))
  const more = chats.length > mostChats ? [`  … and ${chats.length - mostChats} more`] : []
  return [`${title(call, row)}: ${describeState(row)}`, ...(chats.length ? lines : ['  no chat yet']), ...more]
}

function linesOfChat(call: Call, chat: PortalRow): string[] {
  const { desk } = call
  const counts = countOpen(desk.store).filter(({ portal }) => portal === chat.portal)
  const queued = counts.reduce((all, { state, count }) => all + (state === 'unknown' ? 0 : count), 0)
  const facts = [place(call, chat), ...(queued ? [`${queued} queued`] : [])]
  const lost = selectUnknown(desk.store, chat.portal, mostUnknown).map(
    ({ seq, changed_at }) => `    may have been sent, ${time(changed_at)}: \`send again ${seq}\``,
  )
  return [`  • ${nameOf(desk, chat.contact)} · ${markOf(chat.portal)} — ${facts.join(', ')}`, ...lost]
}

function place(call: Call, chat: PortalRow): string {
  const hub = (room: string) => hubsFor(call).find((one) => one.room === room)
  const named = (room: string) => {
    const known = hub(room)
    return known ? `“${hubName(call, known)}”` : 'a shared room'
  }
  if (chat.hub === 1) return chat.room === null ? 'joins the shared room' : `in ${named(chat.room)}`
  const asked = selectSpokesOf(call.desk.store, chat.portal).find(({ state }) => state === 'asked' || state === 'stopped')
  if (asked?.state === 'asked') return `in a room of its own, asked into ${named(asked.room)}`
  return asked ? `in a room of its own, has left ${named(asked.room)}` : 'in a room of its own'
}

function linesOfHubs(call: Call): string[] {
  const hubs = hubsFor(call)
  return hubs.length ? ['Shared rooms:', ...hubs.map((hub) => `  • ${hubName(call, hub)} — ${hub.alias}`)] : []
}
