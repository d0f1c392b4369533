import { expect } from 'chai'
import { isEdu } from '../../../server/core/edu.ts'

describe('the outer form of an EDU', () => {
  it('is a type and a content', () => {
    expect(isEdu({ edu_type: 'm.typing', content: {} })).to.equal(true)
    for (const value of [null, [], {}, { edu_type: 'm.typing' }, { edu_type: 7, content: {} }, { edu_type: 'm.typing', content: [] }]) {
      expect(isEdu(value)).to.equal(false)
    }
  })
})
