import { expect } from 'chai'
import { createGate } from '../../../server/http/gate.ts'

describe('createGate', () => {
  const held = () => {
    const ends: (() => void)[] = []
    const begun: number[] = []
    const work = (name: number) => () => {
      begun.push(name)
      return new Promise<number>((resolve) => void ends.push(() => resolve(name)))
    }
    return { ends, begun, work }
  }
  const settle = () => new Promise((resolve) => setImmediate(resolve))

  it('lets as many pass as there is room for, and the others in their order', async () => {
    const gate = createGate(2, 10)
    const { ends, begun, work } = held()
    const done = [1, 2, 3, 4].map((name) => gate(work(name)))
    await settle()
    expect(begun).to.deep.equal([1, 2])
    ends.shift()!()
    await settle()
    expect(begun).to.deep.equal([1, 2, 3])
    while (ends.length > 0 || begun.length < 4) {
      ends.shift()?.()
      await settle()
    }
    expect(await Promise.all(done)).to.deep.equal([1, 2, 3, 4])
  })
  it('goes on after work that failed', async () => {
    const gate = createGate(1, 10)
    const failed = gate(() => Promise.reject(new Error('no'))).catch((error) => error.message)
    expect([await failed, await gate(async () => 'yes')]).to.deep.equal(['no', 'yes'])
  })
  it('refuses when too many wait', async () => {
    const gate = createGate(1, 1)
    const { ends, work } = held()
    const done = [gate(work(1)), gate(work(2))]
    const { status, errcode } = await gate(work(3)).catch((error) => error)
    expect([status, errcode]).to.deep.equal([429, 'M_LIMIT_EXCEEDED'])
    ends.shift()!()
    await settle()
    ends.shift()!()
    expect(await Promise.all(done)).to.deep.equal([1, 2])
  })
})
