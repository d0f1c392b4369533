import type { EventId } from '../../core/ids.ts'
import type { Select } from '../../storage/database.ts'
import type { Room } from '../room.ts'
import { citedBy, readAuthChain, readPdus } from './auth-chain.ts'
import { redactedText, type StoredPdu } from './stored-pdu.ts'

type IsOpen = (event: StoredPdu) => boolean

/** A state with its auth chain, and that of others, in parts, as `state` of `ForServers` gives them; what of the state is not open is redacted. */
export async function* stateBody(
  select: Select,
  room: Room,
  ids: readonly EventId[],
  isOpen: IsOpen,
  alsoCited: Iterable<EventId> = [],
): AsyncGenerator<Uint8Array> {
  const cited = new Set(alsoCited)
  yield* listed('[', noting(room, cited, readPdus(select, room.roomId, ids)), (event) =>
    isOpen(event) ? event.json : redactedText(event, room.rules),
  )
  yield* listed('],"auth_chain":[', readAuthChain(select, room, cited), ({ json }) => json)
  yield Buffer.from(']}')
}

/** The same by ids, as the body of `/state_ids` in parts. */
export async function* stateIdsBody(select: Select, room: Room, ids: readonly EventId[]): AsyncGenerator<Uint8Array> {
  const cited = new Set<EventId>()
  const idOf = ({ eventId }: StoredPdu) => Buffer.from(JSON.stringify(eventId))
  yield* listed('{"pdu_ids":[', noting(room, cited, readPdus(select, room.roomId, ids)), idOf)
  yield* listed('],"auth_chain_ids":[', readAuthChain(select, room, cited), idOf)
  yield Buffer.from(']}')
}

async function* noting(room: Room, cited: Set<EventId>, slices: AsyncIterable<StoredPdu[]>): AsyncGenerator<StoredPdu[]> {
  for await (const events of slices) {
    for (const eventId of citedBy(events, room)) cited.add(eventId)
    yield events
  }
}

const comma = Buffer.from(',')

/** What comes before a JSON list, and what stands in it. */
async function* listed(
  before: string,
  slices: AsyncIterable<StoredPdu[]>,
  textOf: (event: StoredPdu) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(before)
  let isFirst = true
  for await (const events of slices) {
    if (events.length === 0) continue
    const texts = events.flatMap((event) => [comma, textOf(event)])
    yield Buffer.concat(isFirst ? texts.slice(1) : texts)
    isFirst = false
  }
}
