import type { Migration } from './migration.ts'

export const storage: Migration = {
  id: '0001-storage',
  postgres: [
    'CREATE DOMAIN blob AS bytea',
    `CREATE FUNCTION json_each(list text) RETURNS TABLE(key text, value text) LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 20 AS $$
       SELECT CAST(item.place - 1 AS text), item.element FROM json_array_elements_text(CAST(list AS json)) WITH ORDINALITY AS item(element, place)
     $$`,
    // `first` is where the part's `rows` log rows begin, counted backwards from the end of its batch: the batch has moved the counter by then.
    `CREATE FUNCTION position_of(first bigint, rows bigint, n bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
       BEGIN
         IF n < 0 OR n >= rows THEN RAISE EXCEPTION 'position_of(%) in a part of % log rows', n, rows; END IF;
         RETURN (SELECT position + first + n FROM positions WHERE id = 1);
       END
     $$`,
    `CREATE FUNCTION check_versions(ids text, versions text) RETURNS void LANGUAGE plpgsql STABLE AS $$
       BEGIN
         IF EXISTS (
           SELECT FROM json_each(ids) AS id JOIN json_each(versions) AS expected ON expected.key = id.key
           LEFT JOIN rooms ON rooms.room_id = id.value
           WHERE rooms.version IS DISTINCT FROM CAST(expected.value AS bigint)
         ) THEN RAISE EXCEPTION 'a part that claimed a room did not move its version'; END IF;
       END
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
