import { expect } from 'chai'
import { closedLoop, each, median, percentile } from './loops.ts'
import { processorTime } from './processor-time.ts'
import { shown, tableText } from './table.ts'

describe('the figures of the bench', () => {
  it('finds percentiles by nearest rank, whatever the order', () => {
    const values = [5, 1, 4, 2, 3]
    expect([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 0), median(values)]).to.deep.equal([3, 5, 1, 3])
    expect(percentile([], 0.5)).to.be.NaN
  })

  it('shows three digits that matter, and every value after the first with its ratio', () => {
    expect([shown(12345.6), shown(12.345), shown(0.012345)]).to.deep.equal(['12346', '12.3', '0.0123'])
    const text = tableText(['sqlite', 'postgres'], [{ name: 'sends', unit: '1/s', values: [1000, 250] }])
    expect(text.split('\n')[2]).to.match(/^\| sends +\| 1\/s +\| 1000 +\| 250 \(× 0\.25\) +\|$/)
  })

  it('shows what is missing as a dash', () => {
    expect(tableText(['a', 'b'], [{ name: 'x', unit: 's', values: [Number.NaN, undefined] }])).to.match(/\| – +\| – +\|$/)
  })

  it('works through every number once, so many at a time', async () => {
    const seen: number[] = []
    let running = 0
    let most = 0
    await each(20, 3, async (number) => {
      most = Math.max(most, ++running)
      await new Promise(setImmediate)
      seen.push(number)
      running--
    })
    expect(seen.toSorted((a, b) => a - b)).to.deep.equal(Array.from({ length: 20 }, (_, number) => number))
    expect(most).to.equal(3)
  })

  it('ends a loop at the first failure', async () => {
    const failed = await closedLoop(2, 60, async (worker) => {
      await new Promise(setImmediate)
      if (worker === 1) throw new Error('refused')
    }).catch((error: Error) => error.message)
    expect(failed).to.equal('refused')
  })

  it('counts processor time of a process that worked', function () {
    if (process.platform !== 'linux') this.skip()
    const before = processorTime([process.pid])
    const worked = process.cpuUsage()
    while (process.cpuUsage(worked).user < 60_000) Math.sqrt(2)
    expect(processorTime([process.pid])).to.be.greaterThan(before)
  })
})
