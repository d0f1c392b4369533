import { expect } from 'chai'
import type { Part } from '../../../server/storage/database.ts'
import { write } from '../../../server/storage/database.ts'
import { forEachEmpty, insertNote, noteTables } from '../../support/storage.ts'

forEachEmpty('parts that were written together', (open) => {
  it('are written together again, also when they come one after the other', async () => {
    const { database } = await open(noteTables)
    const order: string[] = []
    const commit = async (id: string) => {
      const part: Part = { writes: [write(insertNote, id, null, null)], applied: () => void order.push(`${id} is on the disk`) }
      await database.commit(part)
      order.push(`${id} is answered`)
    }
    await Promise.all(['a', 'b'].map(commit))
    order.length = 0
    const first = commit('c')
    const second = new Promise((turn) => setImmediate(turn)).then(() => commit('d'))
    await Promise.all([first, second])
    expect(order.slice(0, 2)).to.deep.equal(['c is on the disk', 'd is on the disk'])
  })
})
