import { expect } from 'chai'
import { selectChainEntriesWithoutMembers } from '../../../server/graph/state.store.ts'
import { createPastStates } from '../../../server/graph/state-at.ts'
import type { Database } from '../../../server/storage/database.ts'
import { graphOver, publicRoom, user } from '../../support/graph.ts'
import { forEachEngine } from '../../support/storage.ts'

const alice = user('alice')

forEachEngine('what states of the past held', (open) => {
  it('stays in memory by how much it is, and not by how many states there are', async () => {
    const { database, notifier } = await open()
    const graph = graphOver({ database, notifier })
    const groups: string[] = []
    for (const extra of [0, 0, 20, 20]) {
      const more = Array.from({ length: extra }, (_, n) => ({ type: 'org.test', stateKey: `${n}`, sender: alice, content: {} }))
      groups.push((await graph.room(await publicRoom(graph, alice, more)))!.stateGroup)
    }
    let reads = 0
    const select: Database['select'] = (of, ...parameters) => {
      if ((of as unknown) === selectChainEntriesWithoutMembers) reads++
      return database.select(of, ...parameters)
    }
    const past = createPastStates({ database: { ...database, select } }, 35)
    const readsFor = async (which: number, length: number) => {
      reads = 0
      expect(await past.withoutMembers(groups[which]!)).to.have.length(length)
      return reads
    }
    for (const expected of [1, 0]) for (const small of [0, 1]) expect(await readsFor(small, 4)).to.equal(expected)
    for (const [large, expected] of [
      [2, 1],
      [2, 0],
      [3, 1],
      [2, 1],
    ] as const)
      expect(await readsFor(large, 24)).to.equal(expected)
    await Promise.all([readsFor(0, 4), readsFor(0, 4), readsFor(0, 4)])
    for (const kept of [2, 0]) expect(await readsFor(kept, kept === 2 ? 24 : 4)).to.equal(0)
  })
})
