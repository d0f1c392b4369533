import type { UserId } from '../core/ids.ts'
import type { RoomView } from '../graph/graph.ts'

const heroes = 5

/** The summary of a room as JSON text: its counts, and a few members to name it by when it has no name. */
export function summaryText(room: RoomView, userId: UserId): string {
  const counts = `"m.joined_member_count":${room.memberCount('join')},"m.invited_member_count":${room.memberCount('invite')}`
  const name = room.state('m.room.name', '')?.pdu.content['name']
  const alias = room.state('m.room.canonical_alias', '')?.pdu.content['alias']
  if ((typeof name === 'string' && name !== '') || (typeof alias === 'string' && alias !== '')) return `{${counts}}`
  const named: UserId[] = []
  take(named, room.joined, userId)
  take(named, room.invited, userId)
  // "If there are no joined or invited members … the parted and banned users."
  if (named.length === 0) take(named, room.gone(), userId)
  return `{${counts},"m.heroes":${JSON.stringify(named)}}`
}

function take(named: UserId[], members: Iterable<UserId>, except: UserId): void {
  for (const member of members) {
    if (named.length >= heroes) return
    if (member !== except) named.push(member)
  }
}
