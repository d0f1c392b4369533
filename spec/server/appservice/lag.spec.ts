import { expect } from 'chai'
import { createLagClock } from '../../../server/appservice/lag.ts'

describe('how late an application service is told', () => {
  it('is how long the first of what it was not told has been there, whatever came after it', () => {
    const lag = createLagClock()
    expect(lag.since(0, 1000)).to.equal(0)
    lag.moved(10, 1000)
    lag.moved(20, 5000)
    lag.moved(21, 9000)
    expect(lag.since(0, 10_000)).to.equal(9000)
    expect(lag.since(9, 10_000)).to.equal(9000)
    expect(lag.since(10, 10_000)).to.equal(5000)
    expect(lag.since(20, 10_000)).to.equal(1000)
    expect(lag.since(21, 10_000)).to.equal(0)
  })

  it('counts what came within a second as one, and forgets none of it', () => {
    const lag = createLagClock()
    lag.moved(1, 1000)
    lag.moved(2, 1500)
    expect(lag.since(1, 3000)).to.equal(2000)
  })

  it('is known to within the hour after a week, in little memory', () => {
    const lag = createLagClock()
    const seconds = 7 * 86_400
    for (let n = 1; n <= seconds; n++) lag.moved(n, n * 1000)
    const now = seconds * 1000
    expect(lag.since(0, now)).to.equal(now - 1000)
    for (const told of [1000, 100_000, 400_000, 600_000]) {
      const exact = now - (told + 1) * 1000
      expect(lag.since(told, now)).to.be.within(exact, exact + 3_600_000)
    }
    expect(lag.since(seconds, now)).to.equal(0)
  })
})
