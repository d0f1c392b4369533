import type { Broadcast, EduReceiver, Slice, Tools } from '../slice.ts'
import type { LeaseTiming } from '../storage/lease.ts'
import { destinationsAdmin } from './destinations.admin.ts'
import { createEduDispatch } from './edu-dispatch.ts'
import { federationReader } from './federation.reader.ts'
import { createIncoming } from './incoming.ts'
import { createRoomLanes } from './incoming-rooms.ts'
import { takeLeftOver } from './left-over.ts'
import { createPutAway } from './put-away.ts'
import { transactionsEndpoint } from './transactions.federation.ts'

type Plugged = { readonly edus: () => readonly EduReceiver[]; readonly broadcasts: () => readonly Broadcast[] }

/** What a process that runs has not taken in by then is left to be taken in by another one too, which does no harm. */
const leftAfterMs = 60_000

/**
 * What servers send each other unasked: events and EDUs, in transactions, both ways. What the slices take and tell is asked for when the server starts,
 * then all are known. https://spec.matrix.org/v1.19/server-server-api/#transactions
 */
export function federation(tools: Tools, { edus, broadcasts }: Plugged, timing?: LeaseTiming): Slice {
  const stamp = createStamp(tools.home)
  const putAway = createPutAway(tools)
  const needs = { ...tools, dispatchEdus: createEduDispatch(tools, edus), receivePdus: createRoomLanes(tools) }
  const reader = federationReader({
    ...tools,
    broadcasts,
    timing,
    takeLeftOver: (isStart, stop) => takeLeftOver(needs, { arrival: isStart ? stamp() : stamp() - leftAfterMs * 1000, isStart }, stop),
  })
  return {
    name: 'federation',
    endpoints: [transactionsEndpoint(createIncoming({ ...needs, stamp, putAway })), ...destinationsAdmin(tools)],
    readers: [{ ...reader, stop: () => Promise.all([reader.stop(), putAway.flush()]).then(() => {}) }],
    heardFrom: reader.heardFrom,
  }
}

/** Numbers that grow from call to call, and from start to start. */
function createStamp({ clock }: Tools['home']): () => number {
  let last = 0
  return () => {
    last = Math.max(last + 1, clock.now() * 1000)
    return last
  }
}
