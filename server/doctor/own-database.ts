import { existsSync } from 'node:fs'
import type { DatabaseFacts } from '../storage/database-facts.ts'
import type { Inspected } from '../storage/inspect-database.ts'
import { attention, type Finding, ok, wrong } from './finding.ts'
import { knownKeysFinding, ownKeysAsked } from './known-keys.ts'
import type { Patient } from './patient.ts'

/** Whether the database can be reached, and fits this release. */
export async function lookAtDatabase(patient: Patient): Promise<Finding[]> {
  const { config } = patient
  const { kind, path, url = '' } = config.database
  if (kind === 'sqlite' && !existsSync(path)) {
    return [
      attention(
        'database',
        `${path} is not there`,
        'It is made at the first start. Where this server has run before, look whether data_dir and database.path are right.',
      ),
    ]
  }
  const { inspectDatabase } = await import('../storage/inspect-database.ts')
  const found = await inspectDatabase(kind === 'sqlite' ? { kind, path } : { kind, url }, ownKeysAsked)
  if (!found.ok) return [unreachable(kind, kind === 'sqlite' ? path : withoutPassword(url), found.words)]
  return [schemaFinding(found), ...journalFinding(found.facts, path), ...knownKeysFinding(patient, found.facts)]
}

function unreachable(kind: 'sqlite' | 'postgres', where: string, words: string): Finding {
  const advice =
    kind === 'sqlite'
      ? ['Run this as the user that runs the server. A file that is damaged comes back from the backup.']
      : [`Look whether PostgreSQL runs there and lets this user in: psql '${where}', and compare database.url.`]
  return wrong('database', `${where} cannot be read: ${words}`, ...advice)
}

function schemaFinding({ facts, missing, unknown }: Extract<Inspected, { ok: true }>): Finding {
  const { engine, applied, fault } = facts
  if (fault !== undefined) return wrong('database', fault, 'Make it anew as it says, and give its content back with pg_restore.')
  if (unknown.length > 0) {
    return wrong(
      'database',
      `was written by a newer release (it has ${unknown.join(', ')})`,
      'Start that release or a later one; there is no way back.',
    )
  }
  if (applied.length === 0)
    return attention('database', `${engine}, and no server has written there yet`, 'The first start makes its tables.')
  if (missing.length === 0) return ok('database', `${engine}, its schema is this release's (${applied.length} steps)`)
  return attention(
    'database',
    `${engine}, ${missing.length} steps of the schema behind this release (next ${missing[0]})`,
    'The next start takes them. Make a backup before: an older release cannot read it afterwards.',
  )
}

function journalFinding({ journal }: DatabaseFacts, path: string): Finding[] {
  if (journal === undefined) return []
  if (journal === 'wal') return [ok('journal', 'WAL: readers and the writer do not wait for each other')]
  return [
    attention(
      'journal',
      `${path} is in ${journal} mode`,
      'The server sets WAL when it starts; where that fails the disk is a network share: move the database to one of this machine.',
    ),
  ]
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'database.url'
  const shown = new URL(url)
  if (shown.password !== '') shown.password = '***'
  if (shown.searchParams.has('password')) shown.searchParams.set('password', '***')
  return shown.href
}
