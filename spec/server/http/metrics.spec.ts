import { expect } from 'chai'
import { createMetrics } from '../../../server/http/metrics.ts'

describe('createMetrics', () => {
  it('gives one counter for the same name and labels', () => {
    const metrics = createMetrics()
    metrics.counter('sent_total', 'Sent.', { to: 'a"b\n' }).add()
    metrics.counter('sent_total', 'Sent.', { to: 'a"b\n' }).add(2)
    expect(metrics.text()).to.equal('# HELP sent_total Sent.\n# TYPE sent_total counter\nsent_total{to="a\\"b\\n"} 3\n')
  })
  it('counts a histogram upwards, the bound included', () => {
    const metrics = createMetrics()
    const histogram = metrics.histogram('took', 'Time.', [1, 5])
    for (const value of [0.5, 1, 3, 9]) histogram.observe(value)
    expect(metrics.text().split('\n').slice(2, 7)).to.deep.equal([
      'took_bucket{le="1"} 2',
      'took_bucket{le="5"} 3',
      'took_bucket{le="+Inf"} 4',
      'took_sum 13.5',
      'took_count 4',
    ])
  })
  it('reads a gauge when it is asked', () => {
    const metrics = createMetrics()
    let value = 1
    metrics.gauge('now', 'Now.', () => value)
    value = 7
    expect(metrics.text()).to.contain('now 7\n')
  })
  it('refuses a name of another kind', () => {
    const metrics = createMetrics()
    metrics.gauge('a', 'A.', () => 1)
    expect(() => metrics.counter('a', 'A.')).to.throw('a is a gauge')
  })
})
