import { expect } from 'chai'
import { readHtml, writeHtml } from '../../../bridges/kit/rich-text.ts'

const textOf = (html: string) =>
  readHtml(html)
    ?.map(({ text, marks }) => (marks.length > 0 ? `[${marks.join('+')} ${text}]` : text))
    .join('')

describe('formatted text', () => {
  it('is read as text with marks, however clients nest it', () => {
    expect(textOf('a <b>b</b> c')).to.equal('a [bold b] c')
    expect(textOf('<strong>a <em>b</em></strong>')).to.equal('[bold a ][bold+italic b]')
    expect(textOf('<p>one</p><p><del>two</del></p>')).to.equal('one\n[strike two]')
    expect(textOf('<pre><code>x\n  y</code></pre>')).to.equal('[code x\n  y]')
    expect(textOf('<h1>T</h1><ul><li>a</li><li>b</li></ul><ol><li>c</li><li>d</li></ol>')).to.equal('[bold T]\n- a\n- b\n1. c\n2. d')
    expect(textOf('&lt;b&gt; <b>&amp;</b>')).to.equal('<b> [bold &]')
  })

  it('says what a link leads to, and calls people by their names', () => {
    expect(textOf('<b>x</b> <a href="https://example.org/">here</a>')).to.equal('[bold x] here (https://example.org/)')
    expect(textOf('<b>x</b> <a href="https://example.org/">https://example.org/</a>')).to.equal('[bold x] https://example.org/')
    expect(textOf('<b>x</b> <a href="https://matrix.to/#/@b:hs">Ben</a> <a href="javascript:x">y</a>')).to.equal('[bold x] Ben y')
  })

  it('leaves out the quote of older clients', () => {
    expect(textOf('<mx-reply><blockquote>secret <b>x</b></blockquote></mx-reply><i>yes</i>')).to.equal('[italic yes]')
  })

  it('is nothing where it bears no mark, and where it is too large', () => {
    expect(readHtml('just <span>words</span>')).to.equal(undefined)
    expect(readHtml(`<b>${'x'.repeat(70_000)}</b>`)).to.equal(undefined)
  })

  it('is not led astray by what is malformed', () => {
    for (const html of ['</b></i><b>x', '<b', '<b>'.repeat(10_000), '<<<>>>', '</li></ul></mx-reply><b>x</b>', '<li>x</li>'])
      expect(() => readHtml(html), html.slice(0, 20)).not.to.throw()
  })

  it('is nothing where it is nested deeper than people write: the work for it does not grow with its depth', () => {
    expect(readHtml(`${'<b>'.repeat(101)}x`)).to.equal(undefined)
    expect(readHtml(`${'<b>'.repeat(99)}x`)).to.deep.equal([{ text: 'x', marks: ['bold'] }])
    expect(textOf(`${'<b><i>x</i></b>'.repeat(200)}`)).to.equal('[bold+italic x]'.repeat(200))
  })

  it('is written escaped', () => {
    expect(
      writeHtml([
        { text: 'a<\n', marks: [] },
        { text: '"b"', marks: ['bold', 'italic'] },
      ]),
    ).to.equal('a&lt;<br><strong><em>&quot;b&quot;</em></strong>')
  })
})
