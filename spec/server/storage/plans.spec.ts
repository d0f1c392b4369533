import { expect } from 'chai'
import { statement, write } from '../../../server/storage/database.ts'
import { forEachEngine } from '../../support/storage.ts'

const insert = statement<[key: string]>("INSERT INTO transactions (transaction_key, event_ids, at) VALUES (?, '[]', 0)")
const analyse = statement<[]>('ANALYZE transactions')
const explain = statement<[key: string], Record<string, string>>('EXPLAIN SELECT event_ids FROM transactions WHERE transaction_key = ?')

forEachEngine(
  'plans',
  (open) => {
    it('looks up by key in a table known to be small, since the plan stays while the table grows', async () => {
      const { database } = await open()
      await database.commit({ writes: ['a', 'b', 'c'].map((key) => write(insert, key)) })
      await database.select(analyse)
      const plan = (await database.select(explain, 'b')).map((row) => Object.values(row).join(' ')).join('\n')
      expect(plan).to.include('Index').and.not.include('Seq Scan')
    })
  },
  ['postgres'],
)
