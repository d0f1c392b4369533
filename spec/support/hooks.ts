import { stopPostgres } from './postgres.ts'
import { killAll } from './processes.ts'

/** Run by mocha around all specs of a run. */
export const mochaHooks = {
  async afterAll(): Promise<void> {
    await stopPostgres()
    await killAll()
  },
}
