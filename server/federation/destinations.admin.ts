import type { JsonObject } from '../core/json.ts'
import { forbidden, invalidParam, notFound, unknown } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import {
  countDestinations,
  type DestinationRow,
  resetFailure,
  selectDestination,
  selectDestinations,
  selectDestinationsDown,
} from './destinations.store.ts'
import { resetKind } from './federation.reader.ts'
import { describeDestinations, likeOf } from './sending-state.ts'

const path = '/_synapse/admin/v1/federation/destinations'
const mostOnPage = 1000
const orders = ['destination', 'retry_last_ts', 'retry_interval', 'failure_ts', 'last_successful_stream_ordering']

type Asked = Call<'access_token'>

/** How other servers take what they are sent, as administrators' tools ask for it; beside what those know stands `sending`, which says more. */
export function destinationsAdmin(tools: Tools): Endpoint[] {
  const asks = (operationId: string, at: string, handle: (tools: Tools, call: Asked) => Promise<Reply>) =>
    endpoint({ method: 'GET', path: at, operationId, auth: 'access_token', body: 'none', handle: (call) => handle(tools, admitted(call)) })
  return [
    asks('listFederationDestinations', path, list),
    asks('getFederationDestination', `${path}/{destination}`, get),
    asks('listFederationDestinationRooms', `${path}/{destination}/rooms`, listRooms),
    endpoint({
      method: 'POST',
      path: `${path}/{destination}/reset_connection`,
      operationId: 'resetFederationConnection',
      auth: 'access_token',
      body: 'json?',
      handle: (call) => reset(tools, admitted(call)),
    }),
  ]
}

function admitted(call: Asked): Asked {
  if (!call.requester.admin) throw forbidden('this is for administrators')
  return call
}

async function list(tools: Tools, { query }: Asked): Promise<Reply> {
  const { database } = tools.home
  const { from, limit, isDown } = readPage(query)
  const by = query.get('order_by') ?? 'destination'
  if (!orders.includes(by)) throw invalidParam(`order_by is none of ${orders.join(', ')}`)
  const like = likeOf(query.get('destination'))
  const total = like === undefined ? 0 : ((await database.selectOne(countDestinations, like))?.total ?? 0)
  const select = (text: string) =>
    by === 'destination' && isDown
      ? database.select(selectDestinationsDown, text, limit, from)
      : database.select(selectDestinations, text, isDown ? -1 : 1, by, limit, from)
  const destinations = like === undefined ? [] : await describeDestinations(tools, namesOf(await select(like)))
  return { body: { destinations, total, ...nextOf(from, destinations.length, total) } }
}

async function get(tools: Tools, { params }: Asked): Promise<Reply> {
  const [described] = await describeDestinations(tools, [(await known(tools, params)).destination])
  return { body: described ?? {} }
}

/** The rooms that it is in now, by their ids; with each the position of the room's last event. */
async function listRooms(tools: Tools, { params, query }: Asked): Promise<Reply> {
  const { graph } = tools
  const { from, limit, isDown } = readPage(query)
  const { destination } = await known(tools, params)
  const all = await graph.roomsOfServer(destination)
  const rooms = (isDown ? all.toReversed() : all).slice(from, from + limit)
  const last = await graph.lastActivity(rooms)
  const told: JsonObject[] = rooms.map((roomId) => ({ room_id: roomId, stream_ordering: last.get(roomId) ?? 0 }))
  return { body: { rooms: told, total: all.length, ...nextOf(from, rooms.length, all.length) } }
}

async function reset(tools: Tools, { params }: Asked): Promise<Reply> {
  const { database, clock } = tools.home
  const { destination, failures } = await known(tools, params)
  if (failures === null) throw unknown('the destination takes what it is sent: there is nothing to reset')
  await database.commit({ writes: [write(resetFailure, clock.now(), destination)], log: [{ kind: resetKind, key: destination }] })
  return { body: {} }
}

function namesOf(rows: readonly DestinationRow[]): string[] {
  return rows.map(({ destination }) => destination)
}

async function known({ home }: Tools, params: Asked['params']): Promise<DestinationRow> {
  const row = await home.database.selectOne(selectDestination, params['destination'] ?? '')
  if (row === undefined) throw notFound('nothing was ever sent to this destination')
  return row
}

function readPage(query: URLSearchParams): { from: number; limit: number; isDown: boolean } {
  const dir = query.get('dir') ?? 'f'
  if (dir !== 'f' && dir !== 'b') throw invalidParam('dir is f or b')
  return { from: readWhole(query, 'from', 0), limit: Math.min(readWhole(query, 'limit', 100), mostOnPage), isDown: dir === 'b' }
}

function readWhole(query: URLSearchParams, key: string, otherwise: number): number {
  const text = query.get(key)
  if (text === null) return otherwise
  if (!/^\d{1,15}$/.test(text)) throw invalidParam(`${key} is not a whole number`)
  return Number(text)
}

function nextOf(from: number, count: number, total: number): JsonObject {
  return count > 0 && from + count < total ? { next_token: String(from + count) } : {}
}
