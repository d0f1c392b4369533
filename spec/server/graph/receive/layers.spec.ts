import { expect } from 'chai'
import { createLayers } from '../../../../server/graph/receive/layers.ts'
import { insertStateGroupEntry } from '../../../../server/graph/state.store.ts'
import { type Select, write } from '../../../../server/storage/database.ts'
import { forEachEngine } from '../../../support/storage.ts'

forEachEngine('what a state group holds itself', (open) => {
  it('is read anew where memberships came to it while it was read', async () => {
    const { database } = await open()
    const add = (userId: string) =>
      database.commit({ writes: [write(insertStateGroupEntry, '?group', 'm.room.member', userId, `$${userId}`)] })
    await add('@a:a.test')
    let meanwhile = async () => {}
    const select = (async (...asked: Parameters<Select>) => {
      const rows = await database.select(...asked)
      await meanwhile()
      return rows
    }) as Select
    const layers = createLayers({ select })
    meanwhile = async () => {
      meanwhile = async () => {}
      await add('@b:b.test')
      layers.forget('?group')
    }
    await layers.read('?group')
    expect([...(await layers.read('?group')).values()]).to.deep.equal(['$@a:a.test', '$@b:b.test'])
  })
})
