import type { Migration } from './migration.ts'

export const storage: Migration = {
  id: '0001-storage',
  postgres: [
    'CREATE DOMAIN blob AS bytea',
    `CREATE FUNCTION json_each(list text) RETURNS TABLE(key text, value text) LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 20 AS $$
       SELECT CAST(item.place - 1 AS text), item.element FROM json_array_elements_text(CAST(list AS json)) WITH ORDINALITY AS item(element, place)
     $$`,
    // `first` is where the part's rows begin, counted backwards from the end of its batch: the batch has moved the counter by then.
    `CREATE FUNCTION position_of(first bigint, n bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
       SELECT position + first + n FROM positions WHERE id = 1
     $$`,
  ],
  statements: [
    'CREATE TABLE positions (id BIGINT PRIMARY KEY, position BIGINT NOT NULL)',
    'INSERT INTO positions (id, position) VALUES (1, 0)',
    'CREATE TABLE log (position BIGINT PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL)',
    'CREATE INDEX log_by_key ON log (key, position)',
    // One row a process: the last batch it wrote, looked up when the answer to a COMMIT was lost.
    'CREATE TABLE batches (writer TEXT PRIMARY KEY, batch BIGINT NOT NULL, position BIGINT NOT NULL, started_at BIGINT NOT NULL)',
  ],
}
