import { readCount, readList, roomIdOf } from '../core/fields.ts'
import { type EventId, isEventId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { badJson, invalidParam, missingParam } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import type { MakeInTurn } from './in-turn.ts'
import { transactionOf, withPdus } from './pdu-list.ts'

const mostBackfilled = 100
const mostMissing = 20
const usualMissing = 10
/** So many events a walk begins at; nobody is behind by more branches. */
const mostBegun = 100

/** The history of rooms for other servers. https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events */
export function backfill({ graph, home }: Tools, inTurn: MakeInTurn): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/backfill/{roomId}',
      operationId: 'backfillRoom',
      auth: 'x-matrix',
      body: 'none',
      handle: (call) => {
        const { params, query, origin } = call
        const roomId = roomIdOf(params['roomId'])
        if (!query.has('v')) throw missingParam('`v` must name the events to begin at')
        if (!query.has('limit')) throw missingParam('`limit` is missing')
        const from = idsOf(query.getAll('v')).slice(0, mostBegun)
        const limit = readCount(query, 'limit', mostBackfilled, mostBackfilled)
        return inTurn(call, async () => ({ body: transactionOf(home, await graph.forServers.backfill(roomId, origin, from, limit)) }))
      },
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/federation/v1/get_missing_events/{roomId}',
      operationId: 'getMissingPreviousEvents',
      auth: 'x-matrix',
      body: 'json',
      handle: (call) => {
        const { params, body, origin } = call
        const roomId = roomIdOf(params['roomId'])
        const earliest = idsOf(readList(body, 'earliest_events'))
        const latest = idsOf(readList(body, 'latest_events')).slice(0, mostBegun)
        const limit = Math.min(readWhole(body, 'limit', usualMissing), mostMissing)
        const missing = { earliest, latest, limit, minDepth: readWhole(body, 'min_depth', 0) }
        return inTurn(call, async () => ({ body: withPdus({}, 'events', await graph.forServers.missing(roomId, origin, missing)) }))
      },
    }),
  ]
}

function idsOf(values: readonly Json[]): EventId[] {
  if (!values.every(isEventId)) throw invalidParam('events are named by their ids, which begin with $')
  return [...new Set(values)]
}

/** A whole number, which may be larger than JavaScript's; `fallback` without it. */
function readWhole(body: JsonObject, key: string, fallback: number): number {
  const value = Object.hasOwn(body, key) ? body[key] : fallback
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0) throw badJson(`\`${key}\` must be a whole number`)
  return number
}
