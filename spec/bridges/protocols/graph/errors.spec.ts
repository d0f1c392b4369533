import { expect } from 'chai'
import { classifyCode, failureOfAnswer } from '../../../../bridges/protocols/graph/errors.ts'

const answer = (status: number, code: number, subcode?: number) =>
  failureOfAnswer(status, {
    error: { message: 'call +15551234567 with EAAsecret', code, ...(subcode === undefined ? {} : { error_subcode: subcode }) },
  })

describe('failureOfAnswer', () => {
  const table: [number, number | undefined, string, string][] = [
    [131047, undefined, 'refused', 'window_closed'],
    [10, 2018278, 'refused', 'window_closed'],
    [10, undefined, 'refused', 'credentials'],
    [10, 1893063, 'refused', 'account_restricted'],
    [190, undefined, 'refused', 'credentials'],
    [131026, undefined, 'refused', 'recipient_unreachable'],
    [551, 1545041, 'refused', 'recipient_unreachable'],
    [100, 2018001, 'refused', 'recipient_unreachable'],
    [100, undefined, 'refused', 'parameter'],
    [131056, undefined, 'retry', 'pair_rate'],
    [130429, undefined, 'retry', 'rate_limited'],
    [613, undefined, 'retry', 'rate_limited'],
    [131048, undefined, 'refused', 'account_restricted'],
    [131050, undefined, 'refused', 'policy_drop'],
    [131051, undefined, 'refused', 'unsupported'],
    [131053, undefined, 'refused', 'media'],
    [131052, undefined, 'refused', 'media'],
    [100, 2018047, 'refused', 'media'],
    [100, 2018074, 'refused', 'media'],
    [131042, undefined, 'refused', 'payment'],
    [131016, undefined, 'retry', 'server'],
    [1, undefined, 'unknown', 'server'],
  ]
  for (const [code, subcode, kind, failureClass] of table) {
    it(`takes ${code}${subcode === undefined ? '' : `/${subcode}`} for ${kind}, ${failureClass}`, () =>
      expect(answer(400, code, subcode)).to.include({ kind, class: failureClass, code }))
  }

  it('waits six seconds at least after too many messages to one person', () => {
    expect(answer(400, 131056).retryAfterMs).to.equal(6_000)
    expect(failureOfAnswer(400, { error: { code: 131056 } }, 9_000).retryAfterMs).to.equal(9_000)
  })

  it('leaves open what a gateway or an unknown code of a failing server leaves open', () => {
    for (const status of [500, 502, 503, 504, 408, 302]) expect(failureOfAnswer(status, undefined).kind).to.equal('unknown')
    expect(answer(500, 987654).kind).to.equal('unknown')
    expect(answer(400, 987654)).to.include({ kind: 'refused', class: 'other' })
    expect(failureOfAnswer(429, undefined)).to.include({ kind: 'retry', class: 'rate_limited' })
  })

  it('repeats nothing of what the network said', () => {
    expect(JSON.stringify(answer(400, 190))).to.not.match(/15551234567|EAA/)
  })

  it('survives every shape of an error', () => {
    for (const error of [null, 7, 'x', [], {}, { code: 'x' }, { code: 1e99, error_subcode: {} }, { code: '__proto__' }]) {
      expect(failureOfAnswer(400, { error }).words).to.be.a('string')
    }
    expect(classifyCode(undefined)).to.equal('other')
  })
})
