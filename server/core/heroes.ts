import type { UserId } from './ids.ts'

const mostHeroes = 5

/**
 * A few members that a room without a name is called by. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync_response-200_roomsummary
 */
export function heroesOf(
  room: { readonly joined: Iterable<UserId>; readonly invited: Iterable<UserId>; readonly gone: () => Iterable<UserId> },
  reader: UserId,
): UserId[] {
  const heroes: UserId[] = []
  take(heroes, room.joined, reader)
  take(heroes, room.invited, reader)
  // "If there are no joined or invited members … the parted and banned users."
  if (heroes.length === 0) take(heroes, room.gone(), reader)
  return heroes
}

function take(heroes: UserId[], members: Iterable<UserId>, except: UserId): void {
  for (const member of members) {
    if (heroes.length >= mostHeroes) return
    if (member !== except) heroes.push(member)
  }
}
