import { heroesOf } from '../core/heroes.ts'
import type { UserId } from '../core/ids.ts'
import type { RoomView } from '../graph/graph.ts'

/** The summary of a room as JSON text: its counts, and a few members to name it by when it has no name. */
export function summaryText(room: RoomView, userId: UserId): string {
  const counts = `"m.joined_member_count":${room.memberCount('join')},"m.invited_member_count":${room.memberCount('invite')}`
  const name = room.state('m.room.name', '')?.pdu.content['name']
  const alias = room.state('m.room.canonical_alias', '')?.pdu.content['alias']
  if ((typeof name === 'string' && name !== '') || (typeof alias === 'string' && alias !== '')) return `{${counts}}`
  return `{${counts},"m.heroes":${JSON.stringify(heroesOf(room, userId))}}`
}
