import type { EventId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import type { Pdu } from '../core/pdu.ts'
import { relationOf } from '../core/relation.ts'
import { namesOf } from '../core/search-words.ts'

/** What can be searched in. */
export const searchKeys = ['content.body', 'content.name', 'content.topic'] as const
export type SearchKey = (typeof searchKeys)[number]

const keyWords: Readonly<Record<SearchKey, string>> = { 'content.body': '!b', 'content.name': '!n', 'content.topic': '!t' }
const mostNames = 1000

/** An event's text, and the key that it stands under; undefined for what cannot be searched, edits among it: they change the text of another event. */
export function textOf({ type, content, state_key }: Pdu): { readonly key: SearchKey; readonly text: string } | undefined {
  if (type === 'm.room.message' && state_key === undefined) {
    return editedBy(content) === undefined ? textUnder('content.body', content['body']) : undefined
  }
  if (type === 'm.room.name' && state_key === '') return textUnder('content.name', content['name'])
  if (type !== 'm.room.topic' || state_key !== '') return undefined
  const parts = [content['topic'], plainTopic(content['m.topic'])].filter((part) => typeof part === 'string')
  return textUnder('content.topic', [...new Set(parts)].join('\n'))
}

/** The event that an event's content says it replaces. */
export function editedBy(content: JsonObject): EventId | undefined {
  const relation = relationOf(content)
  return relation?.relType === 'm.replace' ? relation.eventId : undefined
}

/** The text that an edit puts in the place of another. */
export function editedText(content: JsonObject): string | undefined {
  const replacement = content['m.new_content']
  const body = isJsonObject(replacement) ? replacement['body'] : undefined
  return typeof body === 'string' ? body : undefined
}

/** The words of a document: those of its text, its room and its key. */
export function wordsOfDocument(text: string, key: SearchKey, roomNumber: number): string[] {
  return [...namesOf(text, mostNames), keyWords[key], roomWord(roomNumber)]
}

/** The word that stands for a room. */
export function roomWord(number: number): string {
  return `!${number}`
}

/** The word that stands for a key. */
export function keyWord(key: SearchKey): string {
  return keyWords[key]
}

function textUnder(key: SearchKey, text: unknown) {
  return typeof text === 'string' && text !== '' ? { key, text } : undefined
}

/** The `text/plain` representation of a topic; without a type, it is one. */
function plainTopic(block: unknown): string | undefined {
  const representations = isJsonObject(block) ? block['m.text'] : undefined
  if (!Array.isArray(representations)) return undefined
  const plain = representations.filter(isJsonObject).find(({ mimetype = 'text/plain' }) => mimetype === 'text/plain')
  return typeof plain?.['body'] === 'string' ? plain['body'] : undefined
}
