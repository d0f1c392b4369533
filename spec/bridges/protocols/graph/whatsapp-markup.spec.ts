import { expect } from 'chai'
import { type MarkedText, readMarkup, writeMarkup } from '../../../../bridges/protocols/graph/whatsapp-markup.ts'

const plain = (text: string): MarkedText => ({ text, marks: [] })
const bold = (text: string): MarkedText => ({ text, marks: ['bold'] })
const italic = (text: string): MarkedText => ({ text, marks: ['italic'] })

describe('the marks of WhatsApp', () => {
  it('are read as people write them', () => {
    expect(readMarkup('it is *so* good')).to.deep.equal([plain('it is '), bold('so'), plain(' good')])
    expect(readMarkup('_a_ ~b~ ```c *d*```')).to.deep.equal([
      italic('a'),
      plain(' '),
      { text: 'b', marks: ['strike'] },
      plain(' '),
      { text: 'c *d*', marks: ['code'] },
    ])
    expect(readMarkup('*a _b_*')).to.deep.equal([bold('a '), { text: 'b', marks: ['bold', 'italic'] }])
    expect(readMarkup('`x`')).to.deep.equal([{ text: 'x', marks: ['code'] }])
  })

  it('are none inside words, at white space, across lines, or alone', () => {
    for (const text of ['a*b*c', '2 * 3 * 4', '*a\nb*', '* a *', '**', 'snake_case_name', '5*', '~', 'https://x.test/a_b_c', ''])
      expect(readMarkup(text), text).to.equal(undefined)
  })

  it('are written so that WhatsApp sees them: outside white space, line by line, one sign around what belongs together', () => {
    expect(writeMarkup([bold(' a '), plain('b')])).to.equal(' *a* b')
    expect(writeMarkup([bold('a\nb')])).to.equal('*a*\n*b*')
    expect(writeMarkup([bold('a '), { text: 'b', marks: ['bold', 'italic'] }])).to.equal('*a _b_*')
    expect(writeMarkup([{ text: 'x\ny', marks: ['code'] }])).to.equal('```x\ny```')
    expect(writeMarkup([bold('5*3')])).to.equal('5*3')
  })

  it('come back as they were written', () => {
    const texts = [
      [plain('a '), bold('b'), plain(' c')],
      [italic('one two'), plain(', '), bold('three')],
      [plain('see '), { text: 'x = 1', marks: ['code'] } as MarkedText],
      [bold('a '), { text: 'b', marks: ['bold', 'strike'] } as MarkedText, plain('.')],
    ]
    for (const runs of texts) expect(readMarkup(writeMarkup(runs))).to.deep.equal(runs)
  })

  it('take no longer in a text that is made of signs', () => {
    for (const text of ['*'.repeat(65_536), '*a'.repeat(30_000), '*a* '.repeat(16_000), '_*~`'.repeat(16_000)]) {
      const runs = readMarkup(text)
      if (runs) expect(writeMarkup(runs).length).to.be.at.most(text.length * 3)
    }
  })
})
