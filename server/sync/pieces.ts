import { matchesFilter } from '../core/event-filter.ts'
import type { RoomId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Between, Piece, Section } from '../slice.ts'
import type { Logged } from '../storage/database.ts'
import type { SyncRequest } from './sync-request.ts'

export type RoomPiece = { readonly ephemeral: JsonObject[]; readonly accountData: JsonObject[] }

/** What all sections had to say. */
export type Told = {
  /** Nothing but what is told on every answer. */
  readonly isEmpty: boolean
  readonly toDevice: JsonObject[]
  readonly toDeviceUpTo: number | undefined
  readonly deviceLists: Piece['deviceLists']
  readonly accountData: JsonObject[]
  readonly presence: JsonObject[]
  readonly rooms: Map<RoomId, RoomPiece>
}

/** Where to look, for which request. */
export type Wanted = Between & { readonly request: SyncRequest }

/** Asks the sections that have something to say and puts their pieces together, as the request's filter wants them. */
export async function mergePieces(sections: readonly Section[], wanted: Wanted): Promise<Told> {
  const { request, rows, newRooms } = wanted
  const { filter, since } = request
  let isEmpty = true
  const pieces: Piece[] = []
  for (const section of sections) {
    // A section that is acknowledged may lag behind the others: there was more than one answer holds.
    const lags = since !== undefined && section.acknowledge !== undefined && since.toDevice < since.position
    const own = lags ? undefined : rowsOf(section, rows)
    const hasRows = own !== undefined && own.length > 0
    if (section.always === 'answer') {
      if (hasRows) isEmpty = false
      continue
    }
    if (own !== undefined && !hasRows && newRooms.size === 0 && section.always === undefined) continue
    const asked = section.between({ ...wanted, after: lags ? since.toDevice : wanted.after, rows: own })
    const piece = asked instanceof Promise ? await asked : asked
    if (piece === undefined) continue
    pieces.push(piece)
    if (hasRows || isNews(piece)) isEmpty = false
  }
  if (pieces.length === 0) return isEmpty ? nothing : { ...nothing, isEmpty }
  const lists = pieces.flatMap(({ deviceLists }) => (deviceLists === undefined ? [] : [deviceLists]))
  return {
    isEmpty,
    toDevice: pieces.flatMap((piece) => piece.toDevice ?? []),
    toDeviceUpTo: pieces.find((piece) => piece.toDeviceUpTo !== undefined)?.toDeviceUpTo,
    deviceLists:
      lists.length === 0 ? undefined : { changed: lists.flatMap((list) => list.changed), left: lists.flatMap((list) => list.left) },
    accountData: pieces.flatMap((piece) => piece.accountData ?? []).filter((event) => matches(filter.account_data, event)),
    presence: pieces.flatMap((piece) => piece.presence ?? []).filter((event) => matches(filter.presence, event)),
    rooms: mergeRooms(pieces, request),
  }
}

const nothing: Told = {
  isEmpty: true,
  toDevice: [],
  toDeviceUpTo: undefined,
  deviceLists: undefined,
  accountData: [],
  presence: [],
  rooms: new Map(),
}

/** What is told with every answer, and is no news. */
export async function piecesOfAnswer(sections: readonly Section[], wanted: Wanted): Promise<Piece> {
  const all: Piece = {}
  for (const section of sections) {
    if (section.always === 'answer') Object.assign(all, await section.between({ ...wanted, rows: rowsOf(section, wanted.rows) }))
  }
  return all
}

const none: readonly Logged[] = []

function rowsOf({ kinds }: Section, rows: readonly Logged[] | undefined): readonly Logged[] | undefined {
  if (rows === undefined) return undefined
  return rows.some(({ kind }) => kinds.includes(kind)) ? rows.filter(({ kind }) => kinds.includes(kind)) : none
}

function isNews({ toDevice, deviceLists, accountData, presence, rooms }: Piece): boolean {
  return [toDevice, deviceLists, accountData, presence, rooms].some((part) => part !== undefined)
}

function mergeRooms(pieces: readonly Piece[], { filter }: SyncRequest): Map<RoomId, RoomPiece> {
  const merged = new Map<RoomId, RoomPiece>()
  for (const piece of pieces) {
    for (const [roomId, { ephemeral = [], accountData = [] }] of piece.rooms ?? []) {
      const room = merged.get(roomId) ?? { ephemeral: [], accountData: [] }
      room.ephemeral.push(...ephemeral.filter((event) => matches(filter.room?.ephemeral, event)))
      room.accountData.push(...accountData.filter((event) => matches(filter.room?.account_data, event)))
      if (room.ephemeral.length + room.accountData.length > 0) merged.set(roomId, room)
    }
  }
  return merged
}

function matches(filter: Parameters<typeof matchesFilter>[0], event: JsonObject): boolean {
  if (filter === undefined) return true
  const { type, sender, content } = event
  return matchesFilter(filter, {
    type: String(type),
    ...(typeof sender === 'string' ? { sender } : {}),
    ...(typeof content === 'object' && content !== null && !Array.isArray(content) ? { content: content as JsonObject } : {}),
  })
}
