import { expect } from 'chai'
import { locales, readWord, wordsOf } from '../../../../bridges/kit/hub/consent-words.ts'

describe('the words that people write about a shared room', () => {
  for (const locale of locales) {
    it(`are understood in ${locale}, however they are written`, () => {
      for (const word of ['yes', 'stop', 'start', 'report'] as const) {
        for (const written of wordsOf(word, locale)) {
          for (const form of [written, written.toUpperCase(), ` ${written}! `, `${written}.`])
            expect(readWord(form)?.word, form).to.equal(word)
        }
      }
      for (const written of wordsOf('name', locale))
        expect(readWord(`${written} Zoë Berg`)).to.deep.equal({ word: 'name', name: 'Zoë Berg' })
    })
  }

  it('are understood with their accents', () => {
    expect(readWord('Sí')?.word).to.equal('yes')
    expect(readWord('arrêt')?.word).to.equal('stop')
    expect(readWord('AYRIL')?.word).to.equal('stop')
    expect(readWord('ayrıl')?.word).to.equal('stop')
  })

  it('count only as the whole message', () => {
    for (const text of [
      'stop it',
      'yes, but when?',
      'do not stop',
      'I report to work',
      'name',
      'names Zoe',
      '',
      '🛑',
      'stop '.repeat(100),
    ]) {
      expect(readWord(text), text).to.equal(undefined)
    }
  })
})
