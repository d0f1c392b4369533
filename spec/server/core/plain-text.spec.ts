import { expect } from 'chai'
import { checkPlainText, isPlainText } from '../../../server/core/plain-text.ts'

describe('a text that is kept as a key', () => {
  it('has 1 to 255 bytes unless told otherwise', () => {
    expect([isPlainText('x'), isPlainText('é'.repeat(127)), isPlainText('x'.repeat(300), 300)]).to.deep.equal([true, true, true])
    expect([isPlainText(''), isPlainText('é'.repeat(128)), isPlainText('xx', 1)]).to.deep.equal([false, false, false])
  })

  it('holds neither NUL nor halves of surrogate pairs, which not every database keeps', () => {
    for (const wrong of ['a\0', '\ud800', 7, null, undefined, {}]) expect(isPlainText(wrong)).to.equal(false)
  })

  it('is handed on, or answered with M_INVALID_PARAM and its name', () => {
    expect(checkPlainText('device_id', 'ABC')).to.equal('ABC')
    expect(() => checkPlainText('device_id', ''))
      .to.throw(/^device_id /)
      .that.includes({ status: 400, errcode: 'M_INVALID_PARAM' })
  })
})
