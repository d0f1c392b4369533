import { serverNameOf, type UserId } from '../../core/ids.ts'
import { type Write, write } from '../../storage/database.ts'
import type { StateEvent } from '../graph.ts'
import type { ReceiveTools } from './receive-tools.ts'
import { updateReplaced } from './stored.store.ts'

/**
 * Notes of our users what they were in a room when this server left it, under what a state says of them that is taken over now: nobody told this server
 * what was in between, and they may still read what they could.
 */
export async function earlierStays(
  { past, serverName }: Pick<ReceiveTools, 'past' | 'serverName'>,
  stateGroup: string,
  state: Iterable<StateEvent>,
): Promise<Write[]> {
  const writes: Write[] = []
  for (const event of state) {
    const { type, state_key: userId } = event.pdu
    if (type !== 'm.room.member' || userId === undefined || serverNameOf(userId as UserId) !== serverName) continue
    const before = await past.entry(stateGroup, type, userId)
    if (before !== undefined) writes.push(write(updateReplaced, before.eventId, event.eventId, before.eventId))
  }
  return writes
}
