import { expect } from 'chai'
import { compileGlob, type GlobOptions, maxPatternLength } from '../../../server/core/glob.ts'
import { randomNumbers } from '../../support/random-json.ts'

const matches = (pattern: string, text: string, options?: GlobOptions) => compileGlob(pattern, options)(text)

/** A slow matcher that is plainly right, to compare with. */
function plainly(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  if (pattern[0] === '*') return plainly(pattern.slice(1), text) || (text !== '' && plainly(pattern, text.slice(1)))
  return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && plainly(pattern.slice(1), text.slice(1))
}

describe('a glob', () => {
  it('matches the whole text: * any characters, ? exactly one', () => {
    for (const [pattern, text] of [
      ['lunc?*', 'lunch plans'],
      ['', ''],
      ['*', ''],
      ['**', 'x'],
      ['a*b*c', 'a-b-b-c'],
      ['?', '😀'],
      ['a?', 'a\n'],
    ]) {
      expect(matches(pattern!, text!), `${pattern} on ${text}`).to.equal(true)
    }
    for (const [pattern, text] of [
      ['lunc?*', ' lunch'],
      ['lunc?*', 'lunc'],
      ['', 'x'],
      ['?', ''],
      ['?', 'ab'],
      ['a*a', 'a'],
      ['a.c', 'abc'],
    ]) {
      expect(matches(pattern!, text!), `${pattern} on ${text}`).to.equal(false)
    }
  })

  it('agrees with a plain matcher on everything', () => {
    const random = randomNumbers(3)
    const pick = (from: string, length: number) => Array.from({ length }, () => from[Math.floor(random() * from.length)]).join('')
    for (let round = 0; round < 5000; round++) {
      const pattern = pick('ab*?', Math.floor(random() * 7))
      const text = pick('ab', Math.floor(random() * 9))
      expect(matches(pattern, text), `${pattern} on ${text}`).to.equal(plainly(pattern, text))
    }
  })

  it('ignores case only when told to', () => {
    expect(matches('LUNCH', 'lunch', { ignoreCase: true })).to.equal(true)
    expect(matches('lunch', 'LUNCH', { ignoreCase: true })).to.equal(true)
    expect(matches('lunch', 'LUNCH')).to.equal(false)
  })

  it('takes ? for itself when told to', () => {
    expect(matches('a?*', 'a?b', { onlyStar: true })).to.equal(true)
    expect(matches('a?*', 'abb', { onlyStar: true })).to.equal(false)
  })

  it('finds words: what begins and ends at a word boundary', () => {
    const found: [string, string][] = [
      ['ex*ple', 'An example event.'],
      ['ex*ple', 'exple'],
      ['ex*ple', 'An exciting triple-whammy'],
      ['cake', 'a cake, please'],
      ['cake', 'pancake cake'],
      ['cake*lie', 'the cake is a big lie!'],
      ['c?ke', 'coke?'],
      ['*', ''],
      ['!bot', 'hey !bot'],
    ]
    for (const [pattern, text] of found) expect(matches(pattern, text, { words: true }), `${pattern} in ${text}`).to.equal(true)
    for (const [pattern, text] of [
      ['cake', 'pancake'],
      ['cake', 'cakes'],
      ['cake', 'cake_1'],
      ['a*b', 'xa b'],
      ['a*b', 'a bx'],
      ['?', 'ab'],
    ]) {
      expect(matches(pattern!, text!, { words: true }), `${pattern} in ${text}`).to.equal(false)
    }
  })

  it('looks at each part of a pattern once, however many there are', () => {
    const hostile = `${'*a'.repeat(120)}*b`
    expect(matches(hostile, 'a'.repeat(50_000), { words: true })).to.equal(false)
    expect(matches(hostile, `${'a'.repeat(50_000)}b`)).to.equal(true)
  })

  it('matches nothing when its pattern is too long', () => {
    expect(matches('*'.repeat(maxPatternLength), 'x')).to.equal(true)
    expect(matches('*'.repeat(maxPatternLength + 1), 'x')).to.equal(false)
  })
})
