import { expect } from 'chai'
import { playHistories } from '../../server/graph/unread-histories.ts'
import { forEachEngine } from '../../support/storage.ts'

const parts = 20
const each = 500

forEachEngine(
  'ten thousand random histories',
  (open) => {
    for (let part = 0; part < parts; part++) {
      it(`end with the unread counts of a model that evaluates each of them whole (${part + 1} of ${parts})`, async () => {
        expect(await playHistories(await open(), 1000 + part * each, each)).to.be.above(3 * each)
      })
    }
  },
  ['sqlite'],
)
