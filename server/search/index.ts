import type { EventId, RoomId } from '../core/ids.ts'
import type { Slice, Tools } from '../slice.ts'
import { forgetEvent, forgetRoom } from './forget.ts'
import { createIndexer } from './indexer.reader.ts'
import { searchEndpoint } from './search.client.ts'
import { toldHistoryReader } from './told-history.reader.ts'
import { wordIndexOf } from './word-index.ts'

/** Search among the events that a user may see. https://spec.matrix.org/v1.19/client-server-api/#server-side-search */
export function search({ home, people, graph }: Tools): Slice {
  const index = wordIndexOf(home.database)
  const indexer = createIndexer({ home, graph, index })
  return {
    name: 'search',
    endpoints: [searchEndpoint({ home, people, graph, index, indexer })],
    readers: [indexer.reader, toldHistoryReader({ home, graph })],
    forget: {
      room: (roomId: RoomId) => forgetRoom(home.database, index, roomId),
      event: (eventId: EventId) => forgetEvent(home.database, index, eventId),
    },
  }
}
