import { expect } from 'chai'
import { forEachEngine } from '../../support/storage.ts'
import { playHistories } from '../../support/unread-histories.ts'

forEachEngine(
  'ten thousand random histories',
  (open) => {
    it('end with the unread counts of a model that evaluates each of them whole', async function () {
      this.timeout(600_000)
      expect(await playHistories(await open(), 1000, 10_000)).to.be.above(50_000)
    })
  },
  ['sqlite'],
)
