import { createHash } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import { type Filter, parseFilter } from '../core/event-filter.ts'
import type { UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { type Database, write } from '../storage/database.ts'
import { insertFilter, selectFilter } from './filters.store.ts'

/** Keeps a filter; its id is made of what it says, so that the same filter is kept once. Throws `M_BAD_JSON`. */
export async function keepFilter(database: Pick<Database, 'commit' | 'selectOne'>, userId: UserId, filter: JsonObject): Promise<string> {
  parseFilter(filter)
  const content = canonicalJson(filter, false)
  const filterId = createHash('sha256').update(content).digest('base64url').slice(0, 22)
  if (await database.selectOne(selectFilter, userId, filterId)) return filterId
  await database.commit({ writes: [write(insertFilter, userId, filterId, content)] })
  return filterId
}

/** A user's filter; undefined when there is none of that id. */
export async function readFilter(database: Pick<Database, 'selectOne'>, userId: UserId, filterId: string): Promise<Filter | undefined> {
  const row = await database.selectOne(selectFilter, userId, filterId)
  return row && (JSON.parse(row.content) as Filter)
}
