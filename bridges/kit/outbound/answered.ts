import type { Answered } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import type { MatrixEvent } from '../matrix/event.ts'
import { withNames } from '../mentions.ts'
import { isKnownIn } from '../messages.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { quoteOf } from './words.ts'

/** What a message answers, with its words when one of the chats does not have it. Undefined when it answers nothing. */
export async function answeredIn(
  kit: Pick<Kit, 'store' | 'matrix' | 'encryption'>,
  room: string,
  event: string | undefined,
  chats: readonly PortalRow[],
): Promise<Answered | undefined> {
  if (event === undefined) return undefined
  if (chats.every(({ portal }) => isKnownIn(kit, portal, event))) return { event }
  const found = await kit.matrix.event(room, event)
  return { event, quote: found && quoteOf(await withNames(kit, room, readClear(kit, found))) }
}

function readClear({ encryption }: Pick<Kit, 'encryption'>, event: MatrixEvent): Readonly<Record<string, unknown>> {
  if (event.type !== 'm.room.encrypted') return event.type === 'm.room.message' ? event.content : {}
  const read = encryption.decrypt(event)
  return read.kind === 'clear' && read.type === 'm.room.message' ? read.content : {}
}
