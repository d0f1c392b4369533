import { readdirSync } from 'node:fs'
import { checkRecording } from './answers/check.ts'
import { recordAnswers, recordingFolder } from './answers/record.ts'
import { stopPostgres } from './postgres.ts'
import { killAll, removeFolder, temporaryFolder } from './processes.ts'

/** Where the specification's OpenAPI files are: with them, every answer of the run is recorded and held against its schema at the end. */
const data = process.env['MATRIX_SPEC_DATA']
let folder: string | undefined

/** Run by mocha around all specs of a run. */
export const mochaHooks = {
  beforeAll(): void {
    if (!data) return
    folder = temporaryFolder()
    recordAnswers(folder)
    process.env[recordingFolder] = folder
  },
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(0)
    await stopPostgres()
    await killAll()
    if (folder === undefined || !data || readdirSync(folder).length === 0) return
    const { answers, operations, violations } = await checkRecording(folder, data)
    removeFolder(folder)
    process.stdout.write(`\n  ${answers} answers of ${operations} operations were held against the specification's schemas\n`)
    if (violations.length > 0) throw new Error(`answers that the specification does not allow:\n\n${violations.join('\n')}`)
  },
}
