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
  readonly oneTimeKeyCounts: Piece['oneTimeKeyCounts']
  readonly unusedFallbackKeyTypes: Piece['unusedFallbackKeyTypes']
  readonly accountData: JsonObject[]
  readonly presence: JsonObject[]
  readonly rooms: Map<RoomId, RoomPiece>
}

type Wanted = Pick<Between, 'after' | 'upTo' | 'rooms' | 'newRooms'> & {
  readonly request: SyncRequest
  readonly rows: readonly Logged[] | undefined
}

/** Asks the sections that have something to say and puts their pieces together, as the request's filter wants them. */
export async function mergePieces(sections: readonly Section[], wanted: Wanted): Promise<Told> {
  const { request, rows, newRooms } = wanted
  const { filter, requester, since } = request
  let isEmpty = true
  const pieces: Piece[] = []
  for (const section of sections) {
    // A section that is acknowledged may lag behind the others: there was more than one answer holds.
    const lags = since !== undefined && section.acknowledge !== undefined && since.toDevice < since.position
    const own = lags ? undefined : rows?.filter(({ kind }) => section.kinds.includes(kind))
    const mayHave = own === undefined || own.length > 0 || newRooms.size > 0
    if (!mayHave && section.always !== true) continue
    const piece = await section.between({
      audience: {
        kind: 'device',
        userId: requester.userId,
        deviceId: requester.deviceId,
        polls: { as: request.presence, milliseconds: request.timeout },
      },
      after: lags ? since.toDevice : wanted.after,
      upTo: wanted.upTo,
      rows: own,
      rooms: wanted.rooms,
      newRooms,
    })
    if (piece === undefined) continue
    pieces.push(piece)
    if (isNews(piece) || (own !== undefined && own.length > 0)) isEmpty = false
  }
  const lists = pieces.flatMap(({ deviceLists }) => (deviceLists === undefined ? [] : [deviceLists]))
  return {
    isEmpty,
    toDevice: pieces.flatMap((piece) => piece.toDevice ?? []),
    toDeviceUpTo: pieces.find((piece) => piece.toDeviceUpTo !== undefined)?.toDeviceUpTo,
    deviceLists:
      lists.length === 0 ? undefined : { changed: lists.flatMap((list) => list.changed), left: lists.flatMap((list) => list.left) },
    oneTimeKeyCounts: pieces.find((piece) => piece.oneTimeKeyCounts !== undefined)?.oneTimeKeyCounts,
    unusedFallbackKeyTypes: pieces.find((piece) => piece.unusedFallbackKeyTypes !== undefined)?.unusedFallbackKeyTypes,
    accountData: pieces.flatMap((piece) => piece.accountData ?? []).filter((event) => matches(filter.account_data, event)),
    presence: pieces.flatMap((piece) => piece.presence ?? []).filter((event) => matches(filter.presence, event)),
    rooms: mergeRooms(pieces, request),
  }
}

/** Whether a piece says more than what is told on every answer: the key counts. */
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
