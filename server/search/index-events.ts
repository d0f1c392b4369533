import type { EventId, RoomId } from '../core/ids.ts'
import { isJsonObject } from '../core/json.ts'
import type { TimelineEvent } from '../graph/graph.ts'
import type { Tools } from '../slice.ts'
import { type Write, write } from '../storage/database.ts'
import { numbersOfPast } from './document-numbers.ts'
import { editedBy, editedText, type SearchKey, textOf, wordsOfDocument } from './documents.ts'
import {
  deleteDocument,
  insertRoom,
  selectDocument,
  selectDocumentsOf,
  selectRooms,
  updateEncrypted,
  updateHistory,
  upsertDocument,
} from './search.store.ts'
import { breath, type WordIndex } from './word-index.ts'

type Needs = Pick<Tools, 'home' | 'graph'> & { readonly index: WordIndex }

type IndexedRoom = { readonly number: number; isEncrypted: boolean; hasHistory: boolean }

/** What one step of the indexer writes, and what it knows that is not on the disk before: rooms, the numbers that it gave, how much text it went through. */
export type IndexStep = {
  readonly writes: Write[]
  readonly rooms: Map<RoomId, IndexedRoom>
  readonly given: Map<number, EventId>
  /** When it began: an event has one place in it, whatever time it says. */
  readonly now: number
  text: number
}

/** So much text is gone through before other work is done. */
const mostText = 64 * 1024

export function newStep(now: number): IndexStep {
  return { writes: [], rooms: new Map(), given: new Map(), now, text: 0 }
}

/** Adds what an event changes in the index: of a room's new ones in their order; `position` is that of the log row that tells of it. */
export async function indexEvent(needs: Needs, step: IndexStep, event: TimelineEvent, position: number): Promise<void> {
  const room = await roomOf(needs, step, event.roomId, position)
  const { pdu, redactedBy } = event
  // Of the past, it says nothing of what came after it.
  if (pdu.type === 'm.room.encryption' && pdu.state_key === '' && event.position !== undefined && !room.isEncrypted) {
    room.isEncrypted = true
    step.writes.push(write(updateEncrypted, event.roomId))
  }
  if (room.isEncrypted) return
  if (pdu.type === 'm.room.redaction') {
    return redaction(needs, step, (pdu.redacts ?? pdu.content['redacts']) as EventId | undefined, room)
  }
  if (redactedBy !== undefined) return
  const found = textOf(pdu)
  // What came out of the past may find its edits here.
  if (found !== undefined && (found.key !== 'content.body' || event.position !== undefined)) return put(needs, step, event, found, room)
  const edited = found === undefined && pdu.type === 'm.room.message' ? editedBy(pdu.content) : event.eventId
  if (edited !== undefined) await reindex(needs, step, edited, room)
}

async function roomOf({ home }: Needs, step: IndexStep, roomId: RoomId, position: number): Promise<IndexedRoom> {
  const known = step.rooms.get(roomId)
  if (known !== undefined) return known
  const [row] = await home.database.select(selectRooms, [roomId])
  const room = { number: row?.number ?? position, isEncrypted: row?.encrypted === 1, hasHistory: row?.history === 1 }
  if (row === undefined) step.writes.push(write(insertRoom, roomId, position))
  step.rooms.set(roomId, room)
  return room
}

/** What is redacted can be found no more; where it was an edit, the text before it can. */
async function redaction(needs: Needs, step: IndexStep, target: EventId | undefined, room: IndexedRoom): Promise<void> {
  if (typeof target !== 'string' || (await needs.graph.event(target))?.redactedBy === undefined) return
  const documents = await needs.home.database.select(selectDocumentsOf, target, target)
  for (const { document, event_id } of documents) {
    if (event_id === target) step.writes.push(...needs.index.remove(document), write(deleteDocument, document))
    else await reindex(needs, step, event_id as EventId, room)
  }
}

/** The text of an event is that of its newest valid edit. */
async function reindex(needs: Needs, step: IndexStep, eventId: EventId, room: IndexedRoom): Promise<void> {
  const { graph, home } = needs
  const original = await graph.event(eventId)
  if (original === undefined || original.redactedBy !== undefined) return
  const found = textOf(original.pdu)
  if (found === undefined || found.key !== 'content.body') return
  const reader = { userId: original.pdu.sender, session: '', now: home.clock.now(), ignored: async () => [] }
  const bundle = (await graph.bundles([{ event: original, membership: 'join' }], reader)).get(eventId)
  const edit: unknown = bundle === undefined ? undefined : JSON.parse(bundle)['m.replace']
  const text = isJsonObject(edit) && isJsonObject(edit['content']) ? editedText(edit['content']) : undefined
  if (!isJsonObject(edit) || text === undefined) return put(needs, step, original, found, room)
  await put(needs, step, original, { key: found.key, text }, room, String(edit['event_id']))
}

async function put(
  needs: Needs,
  step: IndexStep,
  event: TimelineEvent,
  { key, text }: { readonly key: SearchKey; readonly text: string },
  room: IndexedRoom,
  editId: string | null = null,
): Promise<void> {
  const { eventId, roomId } = event
  const document = event.position ?? (await numberOfPast(needs, step, event))
  if (document === undefined) return
  if (event.position === undefined && !room.hasHistory) {
    room.hasHistory = true
    step.writes.push(write(updateHistory, roomId))
  }
  step.text += text.length
  if (step.text > mostText) {
    step.text = 0
    await breath()
  }
  const words = wordsOfDocument(text, key, room.number)
  step.writes.push(...needs.index.put(document, words), write(upsertDocument, document, eventId, roomId, editId))
}

/** The number under which an event of the past stands in the index, or will; undefined where there are too many of one moment. */
async function numberOfPast({ home }: Needs, step: IndexStep, { eventId, pdu, depth }: TimelineEvent): Promise<number | undefined> {
  const { select, selectOne } = home.database
  const own = (await select(selectDocumentsOf, eventId, eventId)).find(({ event_id }) => event_id === eventId)
  if (own !== undefined) return own.document
  // Nothing was sent after it came.
  const sentAt = Math.min(Number(pdu.origin_server_ts), step.now)
  for (const number of numbersOfPast(eventId, sentAt, depth)) {
    const holder = step.given.get(number) ?? (await selectOne(selectDocument, number))?.event_id
    if (holder !== undefined && holder !== eventId) continue
    step.given.set(number, eventId)
    return number
  }
  return undefined
}
