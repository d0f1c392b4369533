import { addChore } from '../chores.ts'
import { nameIn } from '../hub/consent-names.ts'
import type { Kit } from '../kit.ts'
import { forgetFull, type PacedRow, selectPaced, updateToldAt } from '../store/rates.store.ts'
import { chatRate, waitMs } from './pace.ts'

const tellAfterMs = 60_000

/** Tells the rooms in which something has waited for over a minute because the network takes no more at once, each once until all has gone. Gives whether there was something to tell. */
export function tellPaced(kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'connector'>): boolean {
  const { store, clock } = kit
  const rate = chatRate(kit)
  if (!rate) return false
  const now = clock()
  const rows = selectPaced(store, now - tellAfterMs).filter(({ fullAt, toldAt }) => toldAt === null && waitMs(rate, fullAt, now) > 0)
  store.atomically(() => {
    for (const row of rows) {
      addChore(kit, `paced ${row.portal} ${now}`, { kind: 'notice', room: row.room, text: wordsFor(kit, row, rate.everyMs) })
      updateToldAt(store, row.portal, now)
    }
    forgetFull(store, now)
  })
  return rows.length > 0
}

function wordsFor(kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'connector'>, row: PacedRow, everyMs: number): string {
  const { title } = kit.connector.info
  const seconds = Math.round(everyMs / 1000)
  const minutes = Math.max(1, Math.round((row.count * everyMs) / 60_000))
  const many = row.count === 1 ? 'One waits and goes' : `${row.count} wait and go`
  const who = nameIn(kit, row)
  return `${title} takes one message in ${seconds} seconds for ${who} now. ${many} out by ${row.count === 1 ? 'itself' : 'themselves'}, the last in about ${minutes} minute${minutes === 1 ? '' : 's'}.`
}
