import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkRecording } from './answers/check.ts'
import { recordAnswers, recordingFolder } from './answers/record.ts'
import { sharePostgres, stopPostgres } from './postgres.ts'
import { killAll, project, removeFolder, temporaryFolder } from './processes.ts'

/** Where the specification's OpenAPI files are: with them, every answer of the run is recorded and held against its schema at the end. */
const data = process.env['MATRIX_SPEC_DATA']

// Threads and processes of specs, a few for each server, take what is compiled from where the server keeps it, and leave it there.
process.env['NODE_COMPILE_CACHE'] ??= join(project, 'node_modules/.cache/tombolo')

/** Run by mocha once, before it starts processes for the files of a parallel run. */
export async function mochaGlobalSetup(): Promise<void> {
  if (data) {
    const folder = temporaryFolder()
    // The processes of a parallel run find it there, and record from their start on.
    process.env[recordingFolder] = folder
    recordAnswers(folder)
  }
  if (process.argv.includes('--parallel')) await sharePostgres()
}

/** Run by mocha around all specs of a run; in a parallel run around each file. */
export const mochaHooks = {
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(0)
    await stopPostgres()
    await killAll()
  },
}

/** Run by mocha once, when all is done. Throws, which ends the run with an error, when an answer was none that the specification allows. */
export async function mochaGlobalTeardown(): Promise<void> {
  await stopPostgres()
  await killAll()
  const folder = process.env[recordingFolder]
  if (folder === undefined || !data || readdirSync(folder).length === 0) return
  const { answers, operations, violations } = await checkRecording(folder, data)
  removeFolder(folder)
  process.stdout.write(`\n  ${answers} answers of ${operations} operations were held against the specification's schemas\n`)
  if (violations.length > 0) throw new Error(`answers that the specification does not allow:\n\n${violations.join('\n')}`)
}
