import { pause } from '../feed.ts'
import { addressesOf } from '../ghosts.ts'
import type { Kit } from '../kit.ts'
import { networkOfGhost } from '../names.ts'
import { type PortalRow, selectPortal, selectPortalsIn } from '../store/portals.store.ts'
import {
  finishReadMark,
  putReadMark,
  type ReadMarkRow,
  selectTheirsUpTo,
  selectToldMark,
  selectUntoldMarks,
} from '../store/read-marks.store.ts'
import { createRounds, type Rounds } from './rounds.ts'

type Json = Readonly<Record<string, unknown>>
type Edu = { readonly room: string; readonly type: unknown; readonly content: Json }

const mostReceipts = 1000

/**
 * Keeps what people have read, from a transaction of the homeserver; in the caller's transaction. Private receipts are not among what it tells. In a
 * shared room the owner's reading counts alone: what one app's people read is not told to another's.
 * https://spec.matrix.org/v1.19/client-server-api/#receipts
 */
export function keepReceipts(kit: Pick<Kit, 'store' | 'serverName' | 'owner' | 'connector'>, transaction: Json): void {
  for (const { room, content } of edusOf(transaction, 'm.receipt')) {
    const chats = selectPortalsIn(kit.store, room)
    if (chats.length === 0) continue
    for (const [event, receipts] of Object.entries(content).slice(0, mostReceipts)) {
      const readers = Object.keys(objectOf(objectOf(receipts)['m.read']))
      for (const chat of chats) if (readers.some((user) => isPersonOf(kit, chat, user))) putReadMark(kit.store, chat.portal, event)
    }
  }
}

/** Tells the network what was read; gives whether something is left to tell. */
export async function tellReads(kit: Pick<Kit, 'store' | 'vault' | 'sessions'>): Promise<boolean> {
  let left = false
  for (const mark of selectUntoldMarks(kit.store)) {
    if (await tellRead(kit, mark)) finishReadMark(kit.store, mark)
    else left = true
  }
  return left
}

async function tellRead(kit: Pick<Kit, 'store' | 'vault' | 'sessions'>, { portal, event }: ReadMarkRow): Promise<boolean> {
  const chat = selectPortal(kit.store, portal)
  const id = theirsUpTo(kit, portal, event)
  if (!chat || id === undefined) return true
  const session = kit.sessions.get(chat.login)
  if (!session) return false
  if (!session.markRead) return true
  const { kind } = await session.markRead({ to: addressesOf(kit, chat.contact), id })
  return kind === 'sent' || kind === 'refused'
}

function theirsUpTo({ store, vault }: Pick<Kit, 'store' | 'vault'>, portal: string, event: string): string | undefined {
  const row = selectTheirsUpTo(store, portal, event)
  return row && vault.open(row.remoteId, `message ${row.remote}`)
}

const retryMs = 5000

/** Tells the network what was read, one round at a time, and tries again what it did not take. */
export function createReadTeller(kit: Kit): Rounds {
  return createRounds(async (signal) => {
    const left = await tellReads(kit).catch(() => true)
    if (left) await pause(retryMs, signal)
    return left
  })
}

const repeatMs = 15_000

/** Shows in chats of one person that somebody types, now and every quarter of a minute; in shared rooms typing stays in the room. */
export function createTyping(kit: Kit): (transaction: Json) => Promise<void> {
  const shown = new Map<string, number>()
  return async (transaction) => {
    for (const { room, content } of edusOf(transaction, 'm.typing')) {
      const typists = Array.isArray(content['user_ids']) ? content['user_ids'].filter((user) => typeof user === 'string') : []
      for (const chat of selectPortalsIn(kit.store, room).filter(({ hub }) => hub === 0)) {
        const on = typists.some((user) => isPersonOf(kit, chat, user))
        const since = kit.clock() - (shown.get(chat.portal) ?? Number.NEGATIVE_INFINITY)
        if (on ? since < repeatMs : !shown.has(chat.portal)) continue
        if (on) shown.set(chat.portal, kit.clock())
        else shown.delete(chat.portal)
        const marked = selectToldMark(kit.store, chat.portal)
        const read = marked === undefined ? undefined : theirsUpTo(kit, chat.portal, marked)
        await kit.sessions.get(chat.login)?.showTyping?.({ to: addressesOf(kit, chat.contact), on, read })
      }
    }
  }
}

function isPersonOf(
  { serverName, owner, connector }: Pick<Kit, 'serverName' | 'owner' | 'connector'>,
  { hub }: PortalRow,
  user: string,
): boolean {
  if (hub === 1) return user === owner
  return networkOfGhost(user, serverName, connector.info.network) === undefined && !/^@_[a-z]+_bot:/.test(user)
}

function edusOf(transaction: Json, type: string): Edu[] {
  const list = transaction['ephemeral'] ?? transaction['de.sorunome.msc2409.ephemeral']
  const edus = Array.isArray(list) ? list.map(objectOf) : []
  return edus.flatMap((edu) =>
    edu['type'] === type && typeof edu['room_id'] === 'string' ? [{ room: edu['room_id'], type, content: objectOf(edu['content']) }] : [],
  )
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}
