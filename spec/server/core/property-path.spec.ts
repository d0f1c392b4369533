import { expect } from 'chai'
import { parsePath, readPath } from '../../../server/core/property-path.ts'

describe('a property path', () => {
  it('is split at its dots, but not at those behind a backslash', () => {
    expect(parsePath('content.body')).to.deep.equal(['content', 'body'])
    expect(parsePath('content.m\\.relates_to.rel_type')).to.deep.equal(['content', 'm.relates_to', 'rel_type'])
    expect(parsePath('content.m\\\\foo')).to.deep.equal(['content', 'm\\foo'])
    expect(parsePath('content.\\x\\')).to.deep.equal(['content', '\\x\\'])
    expect(parsePath('a..b.')).to.deep.equal(['a', '', 'b', ''])
    expect(parsePath('')).to.deep.equal([''])
  })

  it('leads to a property, and to nothing that an object inherits', () => {
    const event = { content: { 'm.x': { y: 1 }, list: ['a'] } }
    expect(readPath(event, parsePath('content.m\\.x.y'))).to.equal(1)
    for (const path of ['content.z', 'content.m\\.x.y.z', 'content.list.0', 'content.list.length', 'content.toString', '__proto__']) {
      expect(readPath(event, parsePath(path)), path).to.equal(undefined)
    }
  })
})
