import { type EventId, isEventId } from './ids.ts'
import { isJsonObject, type JsonObject } from './json.ts'
import { isPlainText } from './plain-text.ts'

/** How one event relates to another. `key` is what an annotation says. */
export type Relation = { readonly relType: string; readonly eventId: EventId; readonly key: string | undefined }

/** The relation in an event's content, if it is a whole one. https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events */
export function relationOf(content: JsonObject): Relation | undefined {
  const relation = content['m.relates_to']
  if (relation === undefined || !isJsonObject(relation)) return undefined
  const { rel_type: relType, event_id: eventId, key } = relation
  if (!isPlainText(relType) || !isEventId(eventId)) return undefined
  return { relType, eventId, key: typeof key === 'string' ? key : undefined }
}
