import { expect } from 'chai'
import { forEachEngine } from '../../support/storage.ts'
import { playHistories } from './unread-histories.ts'

forEachEngine('unread counts', (open) => {
  it('are those of a model that evaluates the whole history under the push rules, for random histories', async () => {
    expect(await playHistories(await open(), 1, 150)).to.be.above(1000)
  })
})
