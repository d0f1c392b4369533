import { referenceHash } from '../../core/hashes.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import type { Home } from '../../home.ts'
import { write } from '../../storage/database.ts'
import type { Incoming } from './check-incoming.ts'
import { insertEventName, selectEventNames } from './stored.store.ts'

const pageSize = 500

/**
 * Those of some events that are what their names stand for, in their order. In versions 1 and 2 a server may give one name to several events: the first
 * that was seen here has it for good, in whichever room, and the others are as if they had never come. Since version 3 a name can be of one event only.
 */
export async function keepNames({ database }: Pick<Home, 'database'>, rules: RoomRules, events: Incoming[]): Promise<Incoming[]> {
  if (rules.eventIds !== 'wire') return events
  const kept: Incoming[] = []
  for (let from = 0; from < events.length; from += pageSize) {
    const page = events.slice(from, from + pageSize).map((event) => ({ event, hash: referenceHash(event.pdu, rules) }))
    await database.commit({ writes: page.map(({ event, hash }) => write(insertEventName, event.eventId, hash)) })
    const rows = await database.select(
      selectEventNames,
      page.map(({ event }) => event.eventId),
    )
    const names = new Map(rows.map((row) => [row.event_id, row.reference_hash]))
    kept.push(...page.filter(({ event, hash }) => names.get(event.eventId) === hash).map(({ event }) => event))
  }
  return kept
}
