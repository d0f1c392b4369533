import type { RoomId } from '../core/ids.ts'
import type { Membership, RoomKind } from '../graph/graph.ts'

/** Which rooms a list holds. https://github.com/matrix-org/matrix-spec-proposals/pull/4186 */
export type RoomFilters = {
  readonly isDm: boolean | undefined
  readonly isEncrypted: boolean | undefined
  readonly isInvite: boolean | undefined
  readonly spaces: readonly string[] | undefined
  readonly roomTypes: readonly (string | null)[] | undefined
  readonly notRoomTypes: readonly (string | null)[] | undefined
  readonly tags: readonly string[] | undefined
  readonly notTags: readonly string[] | undefined
}

export type Range = readonly [first: number, last: number]

/** One of a user's rooms, and when something happened in it last. */
export type Entry = { readonly roomId: RoomId; readonly membership: Membership; readonly activity: number }

/** What filters ask of rooms; only that which some filter asks for is there. */
export type RoomFacts = {
  readonly dms: ReadonlySet<RoomId>
  readonly tags: ReadonlyMap<RoomId, ReadonlySet<string>>
  readonly kinds: ReadonlyMap<RoomId, RoomKind>
  /** The rooms of each space that a filter names and that the user is in. */
  readonly children: ReadonlyMap<string, ReadonlySet<RoomId>>
}

/** Sorts rooms: where something happened last comes first. */
export function sortRooms(entries: Entry[]): Entry[] {
  return entries.sort((a, b) => b.activity - a.activity || (a.roomId < b.roomId ? -1 : 1))
}

/** Whether filters let every room through. */
export function isOpen(filters: RoomFilters): boolean {
  return Object.values(filters).every((filter) => filter === undefined)
}

/** Whether a list with these filters holds a room. What is unset passes everything. */
export function passes(filters: RoomFilters, { roomId, membership }: Entry, facts: RoomFacts): boolean {
  const { isDm, isEncrypted, isInvite, spaces, roomTypes, notRoomTypes, tags, notTags } = filters
  if (isInvite !== undefined && (membership.membership === 'invite') !== isInvite) return false
  if (isDm !== undefined && facts.dms.has(roomId) !== isDm) return false
  if (isEncrypted !== undefined && (facts.kinds.get(roomId)?.encrypted ?? false) !== isEncrypted) return false
  const type = facts.kinds.get(roomId)?.type ?? null
  if (roomTypes !== undefined && !roomTypes.includes(type)) return false
  if (notRoomTypes?.includes(type)) return false
  const own = facts.tags.get(roomId)
  if (tags !== undefined && !tags.some((tag) => own?.has(tag))) return false
  if (notTags?.some((tag) => own?.has(tag))) return false
  return spaces === undefined || spaces.some((space) => facts.children.get(space)?.has(roomId))
}

/** The part of a list that its ranges show, each room once; all of it without ranges. */
export function shownOf<T>(list: readonly T[], ranges: readonly Range[] | undefined): readonly T[] {
  if (ranges === undefined) return list
  const shown = new Set<T>()
  for (const [first, last] of ranges) for (let at = first; at <= last && at < list.length; at++) shown.add(list[at]!)
  return [...shown]
}
