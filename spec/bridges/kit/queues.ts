import { type InboxRow, selectNewInboxLanes, selectNewInbox as selectOfLane } from '../../../bridges/kit/store/inbox.store.ts'
import { type ChoreRow, selectNewChores as selectChoresOf, selectNewChoreLanes } from '../../../bridges/kit/store/management.store.ts'
import { type OutboxRow, selectOutbox } from '../../../bridges/kit/store/outbox.store.ts'
import { selectQueuedLanes } from '../../../bridges/kit/store/queued.store.ts'
import type { Store } from '../../../bridges/kit/store/store.ts'
import {
  type MatrixEventRow,
  selectNewMatrixEvents as selectEventsOf,
  selectNewMatrixEventLanes,
} from '../../../bridges/kit/store/transactions.store.ts'

/** New items of all lanes, oldest first. */
export function selectNewInbox(store: Store, after: number, limit: number): InboxRow[] {
  return selectNewInboxLanes(store, after, limit).flatMap(({ seq, lane }) => selectOfLane(store, seq - 1, 1, lane))
}

/** New events of all rooms, oldest first. */
export function selectNewMatrixEvents(store: Store, after: number, limit: number): MatrixEventRow[] {
  return selectNewMatrixEventLanes(store, after, limit).flatMap(({ seq, lane }) => selectEventsOf(store, seq - 1, 1, lane))
}

/** What is to be done in all rooms, oldest first. */
export function selectNewChores(store: Store, after: number, limit: number): ChoreRow[] {
  return selectNewChoreLanes(store, after, limit).flatMap(({ seq, lane }) => selectChoresOf(store, seq - 1, 1, lane))
}

/** What is to be sent to all chats, oldest first. */
export function selectQueued(store: Store, after: number, limit: number): OutboxRow[] {
  return selectQueuedLanes(store, after, limit).flatMap(({ seq }) => selectOutbox(store, seq) ?? [])
}
