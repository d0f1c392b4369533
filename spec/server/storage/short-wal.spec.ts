import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { write } from '../../../server/storage/database.ts'
import { forEachEmpty, insertNote, noteTables } from '../../support/storage.ts'

forEachEmpty(
  'what is written',
  (open, _, { config }) => {
    it('goes over from the WAL into the file while the database is open', async () => {
      const { path } = config() as { path: string }
      const { database } = await open(noteTables)
      const body = Buffer.alloc(20_000, 1)
      const size = () => statSync(path).size
      for (let note = 0; note < 110; note++) await database.commit({ writes: [write(insertNote, `${note}`, null, body)] })
      while (size() < 110 * body.length) await sleep(10)
      await database.close()
      expect(size()).to.be.at.least(110 * body.length)
      expect(statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0).to.equal(0)
    })
  },
  ['sqlite'],
)
