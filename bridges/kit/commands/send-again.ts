import { nameOf } from '../ghosts.ts'
import { nameIn } from '../hub/consent-names.ts'
import { renewKey } from '../outbound/kept.ts'
import { countAgain, isWithdrawn, type OutboxRow, selectAllParts, selectOutbox, updateOutbox } from '../store/outbox.store.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { chatsFor } from './chats.ts'
import { type Call, type Desk, Mistake, type Outcome } from './desk.ts'

const open: ReadonlySet<string> = new Set(['failed', 'expired', 'unknown'])

/** `send again NUMBER`: what may not have arrived goes out once more, because somebody who has looked says so. */
export function sendAgain(call: Call): Outcome {
  const { desk } = call
  const row = /^\d{1,15}$/.test(call.rest) ? selectOutbox(desk.store, Number(call.rest)) : undefined
  const chat = row && chatsFor(call).find(({ portal }) => portal === row.portal)
  if (!row || !chat)
    throw new Mistake('Write `send again` and the number that `list` shows beside a message of which it is not known whether it arrived.')
  if (isWithdrawn(desk.store, row)) throw new Mistake('That message was taken back; it is not sent again.')
  if (open.has(row.state) && row.payload === null) throw new Mistake('I do not have that message any more. Write it again.')
  if (!open.has(row.state)) throw new Mistake('It is known what became of that message; it is not sent again.')
  return putAgain(desk, [row], `It is sent again to ${nameOf(desk, chat.contact)}.`)
}

/** `send again` about an event of a chat's room: every part of it that has failed, expired, or may not have arrived. Throws a Mistake that says why not. */
export function sendEventAgain(desk: Desk, event: string, chats: readonly PortalRow[]): Outcome {
  const rows = selectAllParts(desk.store, event).filter(({ portal }) => chats.some((chat) => chat.portal === portal))
  const lost = rows.filter((row) => open.has(row.state) && row.payload !== null && !isWithdrawn(desk.store, row))
  if (lost.length === 0) throw new Mistake(whyNot(desk, rows))
  const reached = chats.filter(({ portal }) => lost.some((row) => row.portal === portal))
  const names = reached.map((chat) => nameIn(desk, chat, lost[0]?.room)).join(', ')
  const doubt = lost.some(({ state }) => state === 'unknown') ? ' If it had arrived after all, it is there twice.' : ''
  return putAgain(desk, lost, `It is sent again to ${names}.${doubt}`)
}

function whyNot({ connector }: Desk, rows: readonly OutboxRow[]): string {
  if (rows.length === 0) return `That message was not for ${connector.info.title}: there is nothing to send again.`
  if (rows.some(({ waits }) => waits !== null)) return 'It is kept, and goes out by itself when they write again.'
  if (rows.some(({ state }) => state === 'queued' || state === 'submitting')) return 'It is on its way already.'
  if (rows.some(({ state }) => open.has(state))) return 'I do not have that message any more. Write it again.'
  const arrived = rows.every(({ state }) => ['submitted', 'sent', 'delivered', 'read'].includes(state))
  return arrived ? 'It was sent: it is not sent again.' : 'It cannot be sent, now or later. Write it anew.'
}

/** What is known to have arrived meanwhile is left alone. */
function putAgain(desk: Desk, rows: readonly OutboxRow[], words: string): Outcome {
  const { store, clock } = desk
  return {
    words,
    write: () => {
      for (const { seq } of rows) {
        const row = selectOutbox(store, seq)
        if (!row || !open.has(row.state) || row.payload === null || isWithdrawn(store, row)) continue
        renewKey(desk, row, row.payload)
        updateOutbox(store, row, { state: 'queued', remote: null, class: null, words: null, submittedAt: null }, clock())
        countAgain(store, seq)
      }
    },
    after: () => desk.outbox.wake(Math.min(...rows.map(({ seq }) => seq))),
  }
}
