import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import type { Graph } from '../../../server/graph/graph.ts'
import { shared } from '../../../server/sync/shared.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

describe('what is shared among those who ask at one time', () => {
  const graph = {} as Graph

  it('is made once for a filter and a question, and anew when time has passed', async () => {
    const filter = {}
    let made = 0
    const ask = (now: number, of: object = filter) => shared(graph, of, 'what', now, async () => ++made)
    expect(await Promise.all([ask(0), ask(0), ask(499)])).to.deep.equal([1, 1, 1])
    expect(await ask(499, {})).to.equal(2)
    expect(await ask(500)).to.equal(3)
  })

  it('is made again after it could not be made', async () => {
    const filter = {}
    const failed = shared(graph, filter, 'what', 0, () => Promise.reject(new Error('no')))
    expect(await failed.catch((error: Error) => error.message)).to.equal('no')
    expect(await shared(graph, filter, 'what', 0, async () => 'yes')).to.equal('yes')
  })

  it('is let go as soon as anything is asked later, under any filter', async () => {
    const filters = [{}, {}]
    const ask = async (filter: object, now: number) =>
      new WeakRef(await shared(graph, filter, 'what', now, async () => ({ large: 'text' })))
    const first = await ask(filters[0]!, 10_000)
    await ask(filters[1]!, 11_000)
    await new Promise((resolve) => void setImmediate(resolve))
    collect()
    expect(first.deref()).to.equal(undefined)
    expect(filters).to.have.length(2)
  })
})
