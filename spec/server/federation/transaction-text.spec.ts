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

  it('waits longer after each failure, an hour at most, and six after days', () => {
    const waits = [1, 2, 3, 4, 10, 11, 80, 81, 100_000].map((failures) => waitAfter(failures, 0.5) / 1000)
    expect(waits).to.deep.equal([5, 10, 20, 40, 2560, 3600, 3600, 21_600, 21_600])
    for (const failures of [1, 10, 1000]) {
      const middle = waitAfter(failures, 0.5)
      expect(waitAfter(failures, 0)).to.be.closeTo(middle * 0.8, 1)
      expect(waitAfter(failures, 0.999)).to.be.within(middle, Math.min(mostWaitMs, middle * 1.2))
    }
  })
})
