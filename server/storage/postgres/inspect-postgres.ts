import type { Asked, DatabaseFacts } from '../database-facts.ts'
import { faultOfDatabase } from './run-migrations.ts'
import { openSession } from './session.ts'

const bare = (sql: string) => ({ sql, parameters: [] })

/** Reads what a PostgreSQL database is. Throws in the server's or the network's words when it cannot be reached. */
export async function inspectPostgres(url: string, { since, sql }: Asked): Promise<DatabaseFacts> {
  const session = await openSession({ url, name: 'tombolo-doctor' })
  try {
    const [version, table] = await session.send([bare('SHOW server_version'), bare(`SELECT to_regclass('migrations') IS NOT NULL AS ours`)])
    const isOurs = table?.[0]?.['ours'] === 1
    const steps = isOurs ? (await session.send([bare('SELECT id FROM migrations')]))[0] : []
    const applied = (steps ?? []).map((row) => String(row['id']))
    const [rows = []] = applied.includes(since) ? await session.send([bare(sql)]) : []
    return {
      engine: `PostgreSQL ${String(version?.[0]?.['server_version'])}`,
      applied,
      journal: undefined,
      fault: await faultOfDatabase(session),
      rows,
    }
  } finally {
    await session.end()
  }
}
