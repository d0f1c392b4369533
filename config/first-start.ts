import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileName } from './load.ts'
import { ensureSigningKey } from './signing-key.ts'
import { writeOnce } from './write-once.ts'

const firstAccountFile = 'first-account.token'

/**
 * Makes a data folder that a server can start on: configuration (closed registration, a shared secret of its own), signing key, and the token for the
 * first account. What is there already is left as it is. Gives the configuration's file.
 */
export function prepareDataFolder(folder: string, registrations: readonly string[] = []): { config: string; isNew: boolean } {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const config = join(folder, fileName)
  const isNew = !existsSync(config)
  ensureSigningKey(join(folder, 'signing.key'))
  if (isNew) {
    writeOnce(join(folder, firstAccountFile), `${randomBytes(24).toString('base64url')}\n`)
    writeOnce(config, firstConfig(registrations))
  }
  return { config, isNew }
}

/** The token with which the first, administrating account is made; none once it was used, for then the server removes the file. */
export function readFirstAccountToken(dataDir: string): string | undefined {
  const file = join(dataDir, firstAccountFile)
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
}

/** The file to remove when the first account was made. */
export function firstAccountTokenFile(dataDir: string): string {
  return join(dataDir, firstAccountFile)
}

function firstConfig(registrations: readonly string[]): string {
  const bridges = registrations.length
    ? ['# The bridges.', 'appservice_files:', ...registrations.map((file) => `  - ${JSON.stringify(file)}`)]
    : []
  return `${[
    '# What is not written here has its default: config/deploy/tombolo.example.yaml in the project lists every key.',
    '# The part behind the colon in user ids. Change it now or never.',
    'server_name: localhost',
    "data_dir: '.'",
    'registration:',
    '  open: false',
    `  shared_secret: ${JSON.stringify(randomBytes(32).toString('base64url'))}`,
    ...bridges,
  ].join('\n')}\n`
}
