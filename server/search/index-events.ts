import type { EventId } from '../core/ids.ts'
import { isJsonObject } from '../core/json.ts'
import type { TimelineEvent } from '../graph/graph.ts'
import type { Tools } from '../slice.ts'
import { type Write, write } from '../storage/database.ts'
import { editedBy, editedText, type SearchKey, textOf, wordsOfDocument } from './documents.ts'
import { deleteDocument, insertRoom, selectDocumentsOf, selectRooms, updateEncrypted, upsertDocument } from './search.store.ts'
import type { WordIndex } from './word-index.ts'

type Needs = Pick<Tools, 'home' | 'graph'> & { readonly index: WordIndex }

/** What new events of one room, in their order, change in the index. */
export async function indexEvents(needs: Needs, events: readonly TimelineEvent[]): Promise<Write[]> {
  const roomId = events[0]?.roomId
  if (roomId === undefined) return []
  const [known] = await needs.home.database.select(selectRooms, [roomId])
  const number = known?.number ?? events[0]?.position ?? 0
  const writes: Write[] = known === undefined ? [write(insertRoom, roomId, number)] : []
  let isEncrypted = known?.encrypted === 1
  for (const event of events) {
    const { type, state_key } = event.pdu
    if (type === 'm.room.encryption' && state_key === '' && !isEncrypted) {
      isEncrypted = true
      writes.push(write(updateEncrypted, roomId))
    }
    if (!isEncrypted) writes.push(...(await indexEvent(needs, event, number)))
  }
  return writes
}

async function indexEvent(needs: Needs, event: TimelineEvent, number: number): Promise<Write[]> {
  const { pdu, redactedBy } = event
  if (pdu.type === 'm.room.redaction') return redaction(needs, (pdu.redacts ?? pdu.content['redacts']) as EventId | undefined, number)
  if (redactedBy !== undefined) return []
  const found = textOf(pdu)
  if (found !== undefined) return put(needs, event, found, number, null)
  const original = pdu.type === 'm.room.message' ? editedBy(pdu.content) : undefined
  return original === undefined ? [] : reindex(needs, original, number)
}

/** What is redacted can be found no more; where it was an edit, the text before it can. */
async function redaction(needs: Needs, target: EventId | undefined, number: number): Promise<Write[]> {
  if (typeof target !== 'string' || (await needs.graph.event(target))?.redactedBy === undefined) return []
  const documents = await needs.home.database.select(selectDocumentsOf, target, target)
  const writes: Write[] = []
  for (const { document, event_id } of documents) {
    if (event_id === target) writes.push(...needs.index.remove(document), write(deleteDocument, document))
    else writes.push(...(await reindex(needs, event_id as EventId, number)))
  }
  return writes
}

/** The text of an event is that of its newest valid edit. */
async function reindex(needs: Needs, eventId: EventId, number: number): Promise<Write[]> {
  const { graph, home } = needs
  const original = await graph.event(eventId)
  if (original === undefined || original.redactedBy !== undefined) return []
  const found = textOf(original.pdu)
  if (found === undefined || found.key !== 'content.body') return []
  const reader = { userId: original.pdu.sender, session: '', now: home.clock.now(), ignored: async () => [] }
  const bundle = (await graph.bundles([{ event: original, membership: 'join' }], reader)).get(eventId)
  const edit: unknown = bundle === undefined ? undefined : JSON.parse(bundle)['m.replace']
  const text = isJsonObject(edit) && isJsonObject(edit['content']) ? editedText(edit['content']) : undefined
  if (!isJsonObject(edit) || text === undefined) return put(needs, original, found, number, null)
  return put(needs, original, { key: found.key, text }, number, String(edit['event_id']))
}

function put(
  { index }: Needs,
  { eventId, roomId, position }: TimelineEvent,
  { key, text }: { readonly key: SearchKey; readonly text: string },
  number: number,
  editId: string | null,
): Write[] {
  if (position === undefined) return []
  return [...index.put(position, wordsOfDocument(text, key, number)), write(upsertDocument, position, eventId, roomId, editId)]
}
