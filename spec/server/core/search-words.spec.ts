import { expect } from 'chai'
import { askedNames, namesOf } from '../../../server/core/search-words.ts'

describe('the words of a text', () => {
  it('are named without case and accents', () => {
    expect(namesOf('Crème BRÛLÉE, x2', 9)).to.deep.equal(['creme', 'brulee', 'x2'])
  })
  it('are named by a–z and 0–9 alone', () => {
    for (const name of namesOf('Привет мир 今天 🦦 ß ﬁ "q" !b a_b', 99)) expect(name).to.match(/^[a-z0-9]+$/)
  })
  it('are single characters and pairs where nothing stands between words, of which a question asks for the pairs', () => {
    expect(namesOf('今天好', 9)).to.have.length(5)
    expect(namesOf('今天好', 9)).to.include.members(askedNames('天好', 9))
    expect(askedNames('今天好', 9)).to.have.length(2)
    expect(askedNames('好', 9)).to.deep.equal(namesOf('好', 9))
  })
  it('are all characters and all pairs of what is long, too', () => {
    const characters = Array.from({ length: 350 }, (_, at) => String.fromCodePoint(0x4e00 + at))
    const names = namesOf(characters.join(''), 10_000)
    expect(names).to.have.length(2 * characters.length - 1)
    for (let at = 0; at < 349; at++) expect(names).to.include.members(askedNames(`${characters[at]}${characters[at + 1]}`, 9))
  })
  it('are no more than asked for, each once', () => {
    expect(namesOf('a b a c d', 3)).to.deep.equal(['a', 'b', 'c'])
    expect(namesOf('x'.repeat(10_000), 3)[0]).to.have.length(60)
  })
})
