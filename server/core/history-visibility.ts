import type { Json } from './json.ts'

export type HistoryVisibility = 'world_readable' | 'shared' | 'invited' | 'joined'

const known: ReadonlySet<unknown> = new Set(['world_readable', 'shared', 'invited', 'joined'])

/** What decides whether a user may read an event: the state of the room at that event, and whether the user came later. */
export type ReadScope = {
  readonly visibility: HistoryVisibility
  readonly membership: string | undefined
  /** Whether the user joined at any point after the event was sent. */
  readonly joinedSince: boolean
  /** For an event that sets the history visibility: what it sets. */
  readonly visibilityAfter?: HistoryVisibility
  /** For an event that sets the user's own membership: what it sets. */
  readonly membershipAfter?: string
}

/** Reads `history_visibility` of an `m.room.history_visibility`. "If … the value is not understood, the visibility is … `shared`." */
export function parseVisibility(value: Json | undefined): HistoryVisibility {
  return known.has(value) ? (value as HistoryVisibility) : 'shared'
}

/**
 * Whether a user may read an event. An event that changes the visibility, or the user's own membership, may be read if either side of the
 * change allows it. https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-5
 */
export function mayRead({ visibility, membership, joinedSince, visibilityAfter = visibility, membershipAfter }: ReadScope): boolean {
  const memberships = [membership, membershipAfter ?? membership]
  return memberships.some((at) => allows(visibility, at, joinedSince) || allows(visibilityAfter, at, joinedSince))
}

function allows(visibility: HistoryVisibility, membership: string | undefined, joinedSince: boolean): boolean {
  // If the history_visibility was set to world_readable, allow.
  if (visibility === 'world_readable') return true
  // If the user's membership was join, allow.
  if (membership === 'join') return true
  // If history_visibility was set to shared, and the user joined the room at any point after the event was sent, allow.
  if (visibility === 'shared' && joinedSince) return true
  // If the user's membership was invite, and the history_visibility was set to invited, allow.  Otherwise, deny.
  return visibility === 'invited' && membership === 'invite'
}

/** What decides whether another server may read an event. */
export type ServerScope = {
  /** The visibility at the event; of an event that sets it, before and after. */
  readonly visibilities: readonly HistoryVisibility[]
  /** What users of the server were at the event; of one that sets the membership of such a user, before and after. */
  readonly memberships: ReadonlySet<string>
  /** Whether users of the server are joined now. */
  readonly isInRoom: boolean
}

/**
 * Whether a server may read an event: if one of its users may, as far as servers are told of a room. "In all cases except `world_readable`, a user needs
 * to join a room to view events in that room"; so one without joined users reads what was sent while it had some.
 * https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-5
 */
export function mayServerRead({ visibilities, memberships, isInRoom }: ServerScope): boolean {
  if (visibilities.includes('world_readable') || memberships.has('join')) return true
  // Whoever is joined now was so at the event, or joined at a point after it.
  if (!isInRoom) return false
  return visibilities.includes('shared') || (visibilities.includes('invited') && memberships.has('invite'))
}
