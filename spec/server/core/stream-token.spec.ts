import { expect } from 'chai'
import { decodeToken, encodeToken } from '../../../server/core/stream-token.ts'

describe('a token of the stream', () => {
  it('reads back as the place it was written for', () => {
    for (const [position, toDevice] of [
      [0, 0],
      [7, 7],
      [7, 3],
      [Number.MAX_SAFE_INTEGER, 1],
    ] as const) {
      expect(decodeToken(encodeToken(position, toDevice))).to.deep.equal({ position, toDevice })
    }
  })

  it('says where to-device messages stand only when they lag', () => {
    expect(encodeToken(7)).to.equal('s1_7')
    expect(encodeToken(7, 3)).to.equal('s1_7_3')
  })

  it('answers M_INVALID_PARAM to what this server never wrote', () => {
    for (const text of ['', '7', 's1_', 's1_x', 's2_7', 's1_7_', 's1_-7', 's1_7_3_1', 't1_7', 's1_9999999999999999', ' s1_7', 's1_7\n']) {
      expect(() => decodeToken(text), text)
        .to.throw()
        .that.includes({ status: 400, errcode: 'M_INVALID_PARAM' })
    }
  })
})
