import type { RoomId } from '../../core/ids.ts'
import { dropTexts, type Room } from '../room.ts'
import type { Rooms } from '../rooms.ts'

/** The body that was made of a room's texts, at so many changes of its memberships. */
export type Body = { readonly changes: number; readonly bytes: Uint8Array }

/** Which rooms keep their memberships as text, and the bodies made of these. */
export type KeptTexts = {
  /** The room was asked for. */
  readonly touch: (room: Room) => void
  /** The room has got texts: others lose theirs where they are too long in all. */
  readonly keep: (room: Room) => void
  readonly body: (room: Room) => Body | undefined
  readonly keepBody: (room: Room, body: Body) => void
}

/** Keeps the texts of those rooms that were asked for last, up to so many characters of texts and bytes of bodies. */
export function createKeptTexts(rooms: Pick<Rooms, 'peek'>, most: number): KeptTexts {
  const kept = new Map<RoomId, Room>()
  const bodies = new WeakMap<Room, Body>()
  const sizeOf = (room: Room) => room.textLength + (bodies.get(room)?.bytes.length ?? 0)

  /** The room that was asked for last keeps its texts, whatever it holds. */
  function keep(room: Room): void {
    kept.delete(room.roomId)
    kept.set(room.roomId, room)
    let size = 0
    for (const [roomId, each] of kept) {
      if (rooms.peek(roomId) === each) size += sizeOf(each)
      else kept.delete(roomId)
    }
    for (const [roomId, oldest] of kept) {
      if (size <= most || oldest === room) return
      size -= sizeOf(oldest)
      dropTexts(oldest)
      bodies.delete(oldest)
      kept.delete(roomId)
    }
  }

  return {
    touch: (room) => {
      if (kept.delete(room.roomId)) kept.set(room.roomId, room)
    },
    keep,
    body: (room) => bodies.get(room),
    keepBody: (room, body) => {
      bodies.set(room, body)
      keep(room)
    },
  }
}
