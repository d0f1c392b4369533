import type { EventId, RoomId } from '../../core/ids.ts'
import type { Select } from '../../storage/database.ts'
import type { Room } from '../room.ts'
import { readAuthChain, readPdus } from './auth-chain.ts'
import { atOnce, redactedText, type StoredPdu } from './stored-pdu.ts'

type IsOpen = (event: StoredPdu) => boolean

/** A state with its auth chain, as the body of `/state`; what of the state is not open is redacted. */
export async function stateBody(select: Select, room: Room, ids: readonly EventId[], isOpen: IsOpen): Promise<Uint8Array> {
  const pdus = createList()
  const chain = createList()
  const cited = await readPdus(select, room.roomId, ids, (event) => pdus.add(isOpen(event) ? event.json : redactedText(event, room.rules)))
  await readAuthChain(select, room.roomId, cited, ({ json }) => chain.add(json))
  return Buffer.concat([Buffer.from('{"pdus":['), ...pdus.parts(), Buffer.from('],"auth_chain":['), ...chain.parts(), Buffer.from(']}')])
}

/** The same by ids, as the body of `/state_ids`. */
export async function stateIdsBody(select: Select, roomId: RoomId, ids: readonly EventId[]): Promise<Uint8Array> {
  const chain: EventId[] = []
  const cited = await readPdus(select, roomId, ids, () => undefined)
  await readAuthChain(select, roomId, cited, ({ eventId }) => void chain.push(eventId))
  return Buffer.from(JSON.stringify({ pdu_ids: ids, auth_chain_ids: chain }))
}

const comma = Buffer.from(',')

/** A JSON list in the making: many short texts are joined to few long ones on the way, so that no turn joins them all. */
function createList() {
  const joined: Uint8Array[] = []
  let last: Uint8Array[] = []
  let isFirst = true
  return {
    add: (text: Uint8Array) => {
      if (!isFirst) last.push(comma)
      last.push(text)
      isFirst = false
      if (last.length < atOnce) return
      joined.push(Buffer.concat(last))
      last = []
    },
    parts: () => [...joined, ...last],
  }
}
