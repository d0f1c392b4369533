import { nameIn } from '../hub/consent-names.ts'
import { callOff, correctedMark } from '../hub/correction.ts'
import type { Speaker } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import { guardText, speakerPrefix } from '../names.ts'
import {
  forgetMessage,
  releaseKept,
  selectAwoken,
  selectFirstKept,
  selectKeptBefore,
  selectKeptChats,
  updateOutboxKey,
} from '../store/kept.store.ts'
import { putValue, selectLogins, selectValue } from '../store/logins.store.ts'
import {
  countReturn,
  isWithdrawn,
  type OutboxChange,
  type OutboxRow,
  selectAbout,
  selectOutbox,
  selectParts,
  updateOutbox,
} from '../store/outbox.store.ts'
import { type PortalRow, selectPortal } from '../store/portals.store.ts'
import { selectHeard, selectWroteAt } from '../store/windows.store.ts'
import { defaultLateRules, lateRulesOf, windowFor, windowOf } from './late-rules.ts'

type KeptKit = Pick<Kit, 'store' | 'vault' | 'connector' | 'clock' | 'sessions' | 'late'>
const tooLate = 'window_closed'

/**
 * What becomes of a part that the network will not take now: undefined while it takes answers, and for what it takes at any time. What comes after
 * something that is kept is kept too, so that all goes out in its order.
 */
export function checkWindow(kit: KeptKit, portal: PortalRow, row: OutboxRow): OutboxChange | undefined {
  if (row.kind === 'template') return undefined
  // In the time that a human agent has, the bridge's own words stay behind.
  if (isStretched(kit, portal, row)) return undefined
  const before = selectFirstKept(kit.store, portal.portal)
  if (before && before.seq < row.seq)
    return { state: 'queued', class: tooLate, words: alsoKept(kit, portal, row.room), waits: before.waits }
  const window = windowFor(kit, portal, row) ?? Number.POSITIVE_INFINITY
  return ageOf(kit, portal) <= window ? undefined : late(kit, portal, overWords(kit, window))
}

/** Whether a part goes out only because a human may answer for longer. */
export function isStretched(kit: Pick<Kit, 'store' | 'connector' | 'clock' | 'late'>, portal: PortalRow, row: OutboxRow): boolean {
  const { replyWindowMs = Number.POSITIVE_INFINITY } = kit.connector
  const age = ageOf(kit, portal)
  return age > replyWindowMs && age <= (windowFor(kit, portal, row) ?? 0)
}

/** How long ago a chat's person wrote; 0 where that is not known. */
function ageOf({ store, clock }: Pick<Kit, 'store' | 'clock'>, { portal }: PortalRow): number {
  return clock() - (selectWroteAt(store, portal) ?? clock())
}

/**
 * Notes that the network has called a part too late: it is put back to what is kept, under a new key, for news of the first try are not of the next.
 * What was taken back meanwhile is not. Where the person has written since it was sent, it may go out at once.
 */
export function putBack(kit: KeptKit, row: OutboxRow, words: string): void {
  const { store, vault, clock } = kit
  const portal = selectPortal(store, row.portal)
  if (isWithdrawn(store, row)) {
    callOff(kit, row)
    return
  }
  if (!portal || row.payload === null) {
    updateOutbox(store, row, { state: 'expired', class: tooLate, words }, clock())
    return
  }
  const window = windowFor(kit, portal, row)
  const change = late(kit, portal, window === undefined ? words : overWords(kit, window), row.heard)
  if (change.state === 'queued') {
    renewKey({ store, vault }, row, takeCorrection(kit, row, row.payload))
    countReturn(store, row.seq)
  }
  updateOutbox(store, row, change.state === 'queued' ? { ...change, remote: null, submittedAt: null } : change, clock())
}

/** What was corrected meanwhile goes out as it was corrected, and its correction does not: it would come before it. Gives the payload, sealed. */
function takeCorrection({ store, vault, connector, clock }: KeptKit, row: OutboxRow, payload: Buffer): Buffer {
  const about = (['edit', 'correction'] as const).flatMap((kind) => selectAbout(store, row.portal, row.event, kind))
  const corrections = about.filter(({ state }) => state !== 'unsupported' && state !== 'cancelled').sort((a, b) => a.seq - b.seq)
  const last = corrections.at(-1)
  if (row.kind !== 'text' || row.parts > 1 || !last?.payload || last.parts > 1) return payload
  const clear = vault.open(payload, `outbox ${row.key}`)
  const words = vault.open(last.payload, `outbox ${last.key}`)
  const said =
    last.kind === 'correction' ? words.slice(words.indexOf(correctedMark) + correctedMark.length) : words.slice(leadIn(row, words).length)
  const corrected = leadIn(row, clear) + quoteIn(row, clear) + said
  if (connector.split(corrected).length !== 1) return payload
  for (const correction of corrections) updateOutbox(store, correction, { state: 'cancelled' }, clock())
  const sealed = vault.seal(corrected, `outbox ${row.key}`)
  updateOutboxKey(store, row.seq, row.key, sealed)
  return sealed
}

/** Who is named before a text. */
function leadIn({ author }: OutboxRow, clear: string): string {
  return author === null ? '' : clear.slice(0, clear.indexOf(': ') + 2)
}

/** The words of what a text answers, where they stand before it. */
function quoteIn(row: OutboxRow, clear: string): string {
  const said = clear.slice(leadIn(row, clear).length)
  return row.target === null ? (/^(?:› )?↩ “[^“”\n]*”\n/.exec(said)?.[0] ?? '') : ''
}

/** A part that the network knows under an id gets a new key, and the id is not its any more. */
export function renewKey({ store, vault }: Pick<Kit, 'store' | 'vault'>, row: OutboxRow, payload: Buffer): void {
  const { seq, event, portal, part, remote } = row
  if (remote === null) return
  const key = vault.blind('outbox', JSON.stringify([event, portal, part, remote]))
  const clear = vault.open(payload, `outbox ${row.key}`)
  updateOutboxKey(store, seq, key, vault.seal(clear, `outbox ${key}`))
  forgetMessage(store, portal, remote)
}

function overWords({ connector }: Pick<Kit, 'connector'>, window: number): string {
  return `${connector.info.title} takes answers for ${inWords(window)} after a person wrote, and that time is over.`
}

function late(kit: KeptKit, portal: PortalRow, why: string, heard: number | null = null): OutboxChange {
  const { messages } = lateRulesOf(kit, portal.login)
  if (messages === 'refuse') return { state: 'expired', class: tooLate, words: `${why} Wait until they write again.` }
  const words = `${why} ${keptWords(kit, portal)}`
  return { state: 'queued', class: tooLate, words, waits: heard ?? selectHeard(kit.store, portal.portal) }
}

function keptWords(kit: KeptKit, { login }: PortalRow): string {
  const kept = `This is kept, and goes out by itself when they write again within ${inWords(lateRulesOf(kit, login).keepMs)}.`
  const sooner = kit.sessions.get(login)?.sendTemplate ? ' `!tombolo templates` shows what may be sent before that.' : ''
  return `${kept} Remove it to withdraw it.${sooner}`
}

function alsoKept(kit: KeptKit, portal: PortalRow, room: string): string {
  return `This is kept too, and goes out after the rest when ${nameIn(kit, portal, room)} writes again. Remove it to withdraw it.`
}

/** Corrects, where it waits, what is kept for a chat; false when it is not kept, or not in one part. In the caller's transaction. */
export function rewriteKept(
  { store, vault, connector }: Pick<Kit, 'store' | 'vault' | 'connector'>,
  { portal }: PortalRow,
  event: string,
  { text, speaker }: { text: string; speaker: Speaker | undefined },
): boolean {
  const [row, ...more] = selectParts(store, event, portal)
  if (!row?.payload || row.waits === null || row.kind !== 'text' || more.length > 0) return false
  const quote = quoteIn(row, vault.open(row.payload, `outbox ${row.key}`))
  const words = speaker ? speakerPrefix(speaker.name, speaker.app) + quote + guardText(text).trimStart() : quote + text
  if (connector.split(words).length !== 1) return false
  updateOutboxKey(store, row.seq, row.key, vault.seal(words, `outbox ${row.key}`))
  return true
}

/** A span of time as people say it. */
export function inWords(ms: number): string {
  return ms % 86_400_000 === 0 && ms > 86_400_000 ? `${ms / 86_400_000} days` : `${Math.round(ms / 3_600_000)} hours`
}

/** Lets go what was kept for those who have written since. Gives the first part of it; undefined when there is none. */
export function releaseAwoken(kit: Pick<Kit, 'store' | 'connector' | 'clock' | 'late'>): number | undefined {
  let first: number | undefined
  for (const { portal, seq, wroteAt } of selectAwoken(kit.store)) {
    const chat = selectPortal(kit.store, portal)
    const window = chat && windowOf(kit, chat)
    if (window !== undefined && kit.clock() > wroteAt + window) continue
    releaseKept(kit.store, portal)
    first = Math.min(seq, first ?? seq)
  }
  return first
}

/** Lets go what is kept for the chats of an account, to be looked at again: its rules have changed. In the caller's transaction. */
export function releaseLogin({ store }: Pick<Kit, 'store'>, login: string): void {
  for (const portal of selectKeptChats(store, login)) releaseKept(store, portal)
}

const configured = 'configured late rules'

/** Does so for every account when the operator's rules are not those with which the bridge ran last. */
export function releaseChanged(kit: KeptKit): void {
  const rules = JSON.stringify(kit.late ?? defaultLateRules)
  if (selectValue(kit.store, configured) === rules) return
  kit.store.atomically(() => {
    putValue(kit.store, configured, rules)
    for (const { login } of selectLogins(kit.store)) releaseLogin(kit, login)
  })
}

const mostAtOnce = 500

/** Gives up what has been kept for as long as it may be, in words. Gives whether there was any. */
export function expireKept(kit: KeptKit): boolean {
  const { store, clock, connector } = kit
  const { keepMs } = lateRulesOf(kit, '')
  const old = selectKeptBefore(store, clock() - keepMs, mostAtOnce)
  for (const seq of old) {
    const row = selectOutbox(store, seq)
    const words = `This was kept for ${inWords(keepMs)}, and ${connector.info.title} took no answer in that time: it was not sent.`
    if (row) updateOutbox(store, row, { state: 'expired', class: tooLate, words }, clock())
  }
  return old.length > 0
}
