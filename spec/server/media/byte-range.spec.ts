import { expect } from 'chai'
import { readRange } from '../../../server/media/byte-range.ts'

describe('readRange', () => {
  it('understands one range of bytes, from either end', () => {
    expect(readRange('bytes=0-9', 100)).to.deep.equal({ from: 0, to: 9 })
    expect(readRange('bytes=90-', 100)).to.deep.equal({ from: 90, to: 99 })
    expect(readRange('bytes=-10', 100)).to.deep.equal({ from: 90, to: 99 })
    expect(readRange('bytes=-500', 100)).to.deep.equal({ from: 0, to: 99 })
    expect(readRange('bytes=99-1000', 100)).to.deep.equal({ from: 99, to: 99 })
  })
  it('refuses what lies beyond the end, and ignores what it does not understand', () => {
    for (const header of ['bytes=100-', 'bytes=100-200', 'bytes=-0']) expect(readRange(header, 100), header).to.equal('unsatisfiable')
    expect(readRange('bytes=-5', 0)).to.equal('unsatisfiable')
    for (const header of [
      undefined,
      '',
      'bytes=',
      'bytes=-',
      'bytes=5-2',
      'bytes=0-1,3-4',
      'lines=0-1',
      'bytes=a-b',
      `bytes=0-${'9'.repeat(30)}`,
    ]) {
      expect(readRange(header, 100), header).to.equal(undefined)
    }
  })
})
