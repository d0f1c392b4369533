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
