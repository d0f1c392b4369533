import { expect } from 'chai'
import { canonicalJson } from '../../../server/core/canonical-json.ts'
import { countFitting, mostWaitMs, transactionText, waitAfter } from '../../../server/federation/transaction-text.ts'

describe('a transaction to another server', () => {
  it('is canonical JSON of what it holds', () => {
    const [pdus, edus] = [[{ content: { b: 1 }, type: 'x' }], [{ content: {}, edu_type: 'y' }]]
    const text = transactionText('hs.test', 5, { pdus: pdus.map((pdu) => canonicalJson(pdu)), edus: edus.map((edu) => canonicalJson(edu)) })
    expect(text).to.equal(canonicalJson({ origin: 'hs.test', origin_server_ts: 5, pdus, edus }))
  })

  it('holds a hundred EDUs, fewer where they are large, and one at least', () => {
    expect(countFitting(Array(101).fill('x'))).to.equal(100)
    expect(countFitting(Array(10).fill('x'.repeat(1_000_000)))).to.equal(4)
    expect(countFitting(['x'.repeat(9_000_000), 'y'])).to.equal(1)
    expect(countFitting([])).to.equal(0)
  })

  const [minute, hour] = [60_000, 3_600_000]
  const day = 24 * hour

  it('waits longer after each failure, an hour at most, and six after days', () => {
    const waits = (failures: number, forMs = hour) => waitAfter({ failures, forMs, isMissed: false }, 0.5) / 1000
    expect([1, 2, 3, 4, 10, 11, 100_000].map((failures) => waits(failures))).to.deep.equal([5, 10, 20, 40, 2560, 3600, 3600])
    expect([2 * day, 3 * day, 100 * day].map((forMs) => waits(80, forMs))).to.deep.equal([3600, 21_600, 21_600])
    for (const failing of [1, 10, 1000].map((failures) => ({ failures, forMs: failures * hour, isMissed: false }))) {
      const middle = waitAfter(failing, 0.5)
      expect(waitAfter(failing, 0)).to.be.closeTo(middle * 0.8, 1)
      expect(waitAfter(failing, 0.999)).to.be.within(middle, Math.min(mostWaitMs, middle * 1.2))
    }
  })

  it('looks every minute of an hour, and every ten of a day, for one that is not at its address all at once', () => {
    const longest = (failures: number, forMs: number) => waitAfter({ failures, forMs, isMissed: true }, 0.999)
    expect(longest(1, 0)).to.equal(waitAfter({ failures: 1, forMs: 0, isMissed: false }, 0.999))
    for (const [failures, forMs] of [
      [4, minute],
      [60, 40 * minute],
      [90, hour - 1],
    ] as const)
      expect(longest(failures, forMs)).to.be.within(40_000, minute)
    for (const forMs of [hour, day - 1]) expect(longest(90, forMs)).to.be.within(10 * minute, 12 * minute)
    expect([day, 3 * day].map((forMs) => longest(90, forMs) > hour)).to.deep.equal([true, true])
  })
})
