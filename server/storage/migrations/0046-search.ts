import type { Migration } from './migration.ts'

/**
 * The texts that can be searched: one document an event, named by the event's position. `search_words` is the engine's own index; the room and the
 * key of a document are words too. `edit_id` is the event that the text is of, when it is not the first one.
 */
export const search: Migration = {
  id: '0046-search',
  sqlite: [
    `CREATE VIRTUAL TABLE search_words
      USING fts5(words, content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars '!'")`,
  ],
  postgres: [
    'CREATE TABLE search_words (document BIGINT NOT NULL PRIMARY KEY, words tsvector NOT NULL)',
    'CREATE INDEX search_words_by_word ON search_words USING gin (words)',
  ],
  statements: [
    'CREATE TABLE search_events (document BIGINT NOT NULL PRIMARY KEY, event_id TEXT NOT NULL, room_id TEXT NOT NULL, edit_id TEXT)',
    'CREATE UNIQUE INDEX search_events_by_event ON search_events (event_id)',
    'CREATE INDEX search_events_by_edit ON search_events (edit_id) WHERE edit_id IS NOT NULL',
    'CREATE INDEX search_events_by_room ON search_events (room_id)',
    'CREATE TABLE search_rooms (room_id TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL, encrypted BIGINT NOT NULL)',
    'CREATE TABLE search_progress (id BIGINT NOT NULL PRIMARY KEY, position BIGINT NOT NULL)',
    'INSERT INTO search_progress (id, position) VALUES (1, 0)',
  ],
}
