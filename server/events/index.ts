import type { Section, Slice, Tools } from '../slice.ts'
import { backfill } from './backfill.federation.ts'
import { delayedEventsEndpoints } from './delayed-events.client.ts'
import { createDelayedEvents } from './delayed-events.ts'
import { eventAuth } from './event-auth.federation.ts'
import { eventContext } from './event-context.client.ts'
import { eventsForServers } from './events.federation.ts'
import { createInTurn } from './in-turn.ts'
import { messagePagination } from './message-pagination.client.ts'
import { oldSync } from './old-sync.client.ts'
import { oneEvent } from './one-event.client.ts'
import { redaction } from './redaction.client.ts'
import { roomEventByTimestamp } from './room-event-by-timestamp.client.ts'
import { roomSend } from './room-send.client.ts'
import { roomState } from './room-state.client.ts'
import { rooms } from './rooms.client.ts'

/** Sending events, and reading the events and the state of a room. */
export function events(tools: Tools, sections: () => readonly Section[]): Slice {
  const delayed = createDelayedEvents(tools)
  const inTurn = createInTurn()
  return {
    name: 'events',
    endpoints: [
      ...roomSend(tools, delayed),
      ...roomState(tools, delayed),
      ...redaction(tools),
      ...rooms(tools),
      ...oneEvent(tools),
      ...oldSync(tools, sections),
      ...eventContext(tools),
      ...messagePagination(tools),
      ...roomEventByTimestamp(tools),
      ...delayedEventsEndpoints(delayed),
      ...eventsForServers(tools, inTurn),
      ...eventAuth(tools, inTurn),
      ...backfill(tools, inTurn),
    ],
    readers: [delayed.reader],
  }
}
