import type { Pdu } from './pdu.ts'

const textTypes: ReadonlySet<string> = new Set(['m.room.name', 'm.room.topic'])

/** Whether an event may be found by its words, or takes away what could be: what a search has to be told of. */
export function isSearched({ type, state_key }: Pick<Pdu, 'type' | 'state_key'>): boolean {
  if (type === 'm.room.message') return state_key === undefined
  return type === 'm.room.redaction' || (textTypes.has(type) && state_key === '')
}
