import type { RoomId, UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import type { AppService } from '../http/endpoint.ts'
import type { Between, Piece, Section } from '../slice.ts'
import type { Contents } from './transaction.ts'

/** What all sections tell a service. */
export type Told = Omit<Contents, 'events'> & { readonly toDeviceUpTo: number | undefined }

type Wanted = Pick<Between, 'after' | 'upTo' | 'rooms' | 'newRooms'> & { readonly rows: NonNullable<Between['rows']> }

/** Asks the sections that may have something to say to a service, and puts their pieces together. */
export async function askSections(sections: readonly Section[], service: AppService, wanted: Wanted): Promise<Told> {
  const pieces: Piece[] = []
  const isServed = service.receiveEphemeral || service.receiveDevices
  for (const section of isServed ? sections : []) {
    const rows = wanted.rows.filter(({ kind }) => section.kinds.includes(kind))
    if (rows.length === 0 && wanted.newRooms.size === 0) continue
    const piece = await section.between({ ...wanted, audience: { kind: 'appservice', service }, rows })
    if (piece !== undefined) pieces.push(piece)
  }
  return mergePieces(pieces)
}

/** The pieces of all sections as one. */
export function mergePieces(pieces: readonly Piece[]): Told {
  const lists = pieces.flatMap(({ deviceLists }) => deviceLists ?? [])
  const changed = new Set<UserId>(lists.flatMap((list) => list.changed))
  const left = new Set<UserId>(lists.flatMap((list) => list.left))
  const ends = pieces.flatMap(({ toDeviceUpTo }) => toDeviceUpTo ?? [])
  return {
    ephemeral: [...pieces.flatMap(roomEvents), ...pieces.flatMap(({ presence }) => presence ?? [])],
    toDevice: pieces.flatMap(({ toDevice }) => toDevice ?? []),
    toDeviceUpTo: ends.length > 0 ? Math.min(...ends) : undefined,
    deviceLists: changed.size + left.size > 0 ? { changed: [...changed], left: [...left] } : undefined,
    oneTimeKeyCounts: pieces.find(({ oneTimeKeyCounts }) => oneTimeKeyCounts !== undefined)?.oneTimeKeyCounts,
    unusedFallbackKeyTypes: pieces.map(({ unusedFallbackKeyTypes: types }) => types).find((types) => isJsonObject(types)),
  }
}

/** "With the addition of a `room_id` property at the top level." */
function roomEvents({ rooms }: Piece): JsonObject[] {
  const events: JsonObject[] = []
  for (const [roomId, { ephemeral = [] }] of rooms ?? [])
    for (const event of ephemeral) events.push({ ...event, room_id: roomId satisfies RoomId })
  return events
}
