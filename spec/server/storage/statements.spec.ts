import { globSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect } from 'chai'
import type { Statement } from '../../../server/storage/database.ts'
import { rewrite } from '../../../server/storage/postgres/portable-sql.ts'
import { openSession } from '../../../server/storage/postgres/session.ts'
import { prepare } from '../../../server/storage/sqlite/prepare.ts'
import { project } from '../../support/processes.ts'
import { forEachEmpty } from '../../support/storage.ts'

const isStatement = (value: unknown): value is Statement =>
  typeof value === 'object' &&
  value !== null &&
  'sql' in value &&
  'id' in value &&
  typeof value.sql === 'string' &&
  typeof value.id === 'number'

/** Every statement that a store exports for an engine, by its name. A store that is named for one engine is for that alone. */
async function allStatements(engine: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const file of globSync('server/**/*.store.ts', { cwd: project })) {
    const only = /\/(sqlite|postgres)\.store\.ts$/.exec(file)?.[1]
    if (only !== undefined && only !== engine) continue
    const module = (await import(join(project, file))) as Record<string, unknown>
    for (const [name, value] of Object.entries(module)) if (isStatement(value)) found.set(`${file} ${name}`, value.sql)
  }
  return found
}

forEachEmpty('the schema of this release', (open, engine, { config }) => {
  it('has what every statement of every store names', async () => {
    const { database } = await open()
    await database.close()
    const statements = await allStatements(engine)
    expect(statements.size).to.be.greaterThan(0)
    const refused =
      engine === 'sqlite'
        ? refusedBySqlite(config() as { path: string }, statements)
        : await refusedByPostgres(config() as { url: string }, statements)
    expect(refused).to.deep.equal([])
  })
})

function refusedBySqlite({ path }: { path: string }, statements: ReadonlyMap<string, string>): string[] {
  const connection = new Sqlite(path)
  connection.function('position_of', (n) => n)
  const refused = [...statements].flatMap(([name, sql]) => {
    try {
      prepare(connection, sql)
      return []
    } catch (error) {
      return `${name}: ${(error as Error).message}`
    }
  })
  connection.close()
  return refused
}

async function refusedByPostgres({ url }: { url: string }, statements: ReadonlyMap<string, string>): Promise<string[]> {
  const session = await openSession({ url, name: 'spec' })
  const refused: string[] = []
  for (const [name, sql] of statements) {
    const prepare = { sql: `PREPARE each AS ${rewrite(sql).sql}`, parameters: [] }
    const error = await session.send([prepare, { sql: 'DEALLOCATE each', parameters: [] }]).catch((reason: Error) => reason)
    if (error instanceof Error) refused.push(`${name}: ${error.message}`)
  }
  await session.end()
  return refused
}
