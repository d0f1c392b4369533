import { expect } from 'chai'
import { countBytes, countChars, splitText } from '../../../../bridges/protocols/graph/split-text.ts'

const alphabet = ['a', 'b', ' ', '\n', 'é', 'e\u0301', '中', '👍🏽', '👨‍👩‍👧‍👦', '🇫🇷', 'क्षि', '\r\n', '.', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '한']
const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** A small generator of its own, so that a failure names its seed and can be repeated. */
function textFrom(seed: number, length: number): string {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state
  }
  return Array.from({ length }, () => alphabet[(next() >>> 8) % alphabet.length]).join('')
}

function boundaries(text: string): Set<number> {
  return new Set([...segmenter.segment(text)].map(({ index }) => index).concat(text.length))
}

describe('splitText', () => {
  for (const [name, measure] of [['characters', countChars] as const, ['bytes', countBytes] as const]) {
    it(`keeps every text whole, under the limit and between graphemes, counting ${name}`, () => {
      for (let seed = 1; seed <= 300; seed++) {
        const text = textFrom(seed, 10 + (seed % 90))
        const limit = 40 + (seed % 37)
        const parts = splitText(text, limit, measure)
        expect(parts.join(''), `seed ${seed}`).to.equal(text)
        const allowed = boundaries(text)
        let at = 0
        for (const part of parts) {
          expect(measure(part), `seed ${seed}`).to.be.at.most(limit).and.above(0)
          at += part.length
          expect(allowed.has(at), `seed ${seed}: cut inside a grapheme at ${at}`).to.equal(true)
        }
      }
    })
  }

  it('leaves a text at the limit alone and cuts one that is longer by one', () => {
    expect(splitText('x'.repeat(4096), 4096, countChars)).to.have.length(1)
    expect(splitText('x'.repeat(4097), 4096, countChars)).to.have.length(2)
    expect(splitText('é'.repeat(500), 1000, countBytes)).to.have.length(1)
    expect(splitText('é'.repeat(501), 1000, countBytes)).to.have.length(2)
  })

  it('prefers to cut after white space', () => {
    expect(splitText('the quick brown fox jumps', 12, countChars)).to.deep.equal(['the quick ', 'brown fox ', 'jumps'])
  })

  it('cuts a grapheme that alone exceeds the limit between code points, and loses nothing', () => {
    const text = `a${'\u0301'.repeat(50)}b`
    const parts = splitText(text, 10, countBytes)
    expect(parts.join('')).to.equal(text)
    for (const part of parts) expect(countBytes(part)).to.be.at.most(10)
  })

  it('never cuts a surrogate pair', () => {
    for (const part of splitText('😀'.repeat(100), 7, countChars)) expect(part.isWellFormed()).to.equal(true)
  })

  it('refuses a limit that no code point fits into', () => {
    expect(() => splitText('aaaaa', 3, countBytes)).to.throw(RangeError)
  })

  it('cuts a megabyte without a single space into full parts', () => {
    expect(splitText('x'.repeat(1_000_000), 4096, countChars)).to.have.length(245)
  })
})
