import { addChore } from '../chores.ts'
import type { MatrixEvent } from '../matrix/event.ts'
import { updateStep } from '../store/management.store.ts'
import { finishMatrixEvent } from '../store/transactions.store.ts'
import type { Desk, Outcome } from './desk.ts'

/** What a command comes to: its change, the bot's words and the mark that the event is done are one write. */
export function answer(desk: Desk, seq: number, event: MatrixEvent, { words, write, after, step }: Outcome): 'done' {
  const { store, vault } = desk
  const { room_id: room, event_id } = event
  desk.checkpoint('command decided')
  store.atomically(() => {
    write?.()
    if (step !== undefined) updateStep(store, room, step && vault.seal(JSON.stringify(step), `step ${room}`))
    if (words !== '') addChore(desk, `answer ${event_id}`, { kind: 'notice', room, text: words })
    finishMatrixEvent(store, seq, 'done')
  })
  desk.checkpoint('command done')
  after?.()
  return 'done'
}
