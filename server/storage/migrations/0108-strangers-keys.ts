import type { Migration } from './migration.ts'

/** Keys that were asked for on the word of strangers alone (`stranger` is 1): anybody may have very many names, so only the newest are kept. */
export const strangersKeys: Migration = {
  id: '0108-strangers-keys',
  statements: [
    'ALTER TABLE server_keys ADD COLUMN stranger BIGINT',
    'ALTER TABLE server_key_responses ADD COLUMN stranger BIGINT',
    'CREATE INDEX server_keys_of_strangers ON server_keys (fetched_at) WHERE stranger = 1',
    'CREATE INDEX server_key_responses_of_strangers ON server_key_responses (fetched_at) WHERE stranger = 1',
  ],
}
