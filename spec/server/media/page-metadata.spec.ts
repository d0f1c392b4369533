import { expect } from 'chai'
import { readPage } from '../../../server/media/page-metadata.ts'

describe('readPage', () => {
  const meta = (name: string, content: string) => `<meta content="${content}" property="${name}">`

  it('tells the Open Graph properties, first one first, in whichever order attributes stand', async () => {
    const page = await readPage(
      `<html><head><title>Other</title>${meta('og:title', 'The &amp; Rock')}${meta('og:title', 'Second')}
      <META NAME="og:description" CONTENT=" two\n words "><meta property="og:url" content="https://a.test/">${meta('fb:app', '1')}
      ${meta('og:image', 'a.png')}${meta('og:image:width', '9')}</head>`,
    )
    expect(page).to.deep.equal({
      properties: { 'og:title': 'The & Rock', 'og:description': 'two words', 'og:url': 'https://a.test/' },
      image: 'a.png',
    })
  })
  it('takes what stands in for properties that are missing or empty', async () => {
    const page = await readPage(
      `<head><meta property="og:title" content=""><title> A\n page </title><link rel="image_src" href=" b.png ">
      <meta name="description" content="About it"></head><body><svg><title>no</title></svg><h1>Heading</h1></body>`,
    )
    expect(page).to.deep.equal({ properties: { 'og:title': 'A page', 'og:description': 'About it' }, image: 'b.png' })
    const bare = await readPage(
      '<title></title><body><nav>Menu</nav><script>let x</script><h1>Heading</h1><p>One <b>tw</b>o.</p><p>Three.</p>',
    )
    expect(bare.properties).to.deep.equal({ 'og:title': 'Heading', 'og:description': 'One two. Three.' })
    const long = (await readPage(`<p>${'word '.repeat(500)}`)).properties['og:description']!
    expect(long.length).to.be.within(200, 302)
    expect(long.endsWith('word…')).to.equal(true)
  })
  it('tells nothing of what is no page', async () => {
    for (const text of ['', '<!doctype html>', '\0\0\0', '<html></html>'])
      expect(await readPage(text)).to.deep.equal({ properties: {}, image: undefined })
  })
  it('keeps what it tells short and harmless', async () => {
    const { properties } = await readPage(
      `${meta('og:title', 'x'.repeat(5000))}${meta('og:__proto__', 'y')}${meta('__proto__', 'z')}${meta('og:site_name', 'a\u0007b\ud800')}
      ${Array.from({ length: 500 }, (_, n) => meta(`og:x${n}`, 'v')).join('')}`,
    )
    expect(properties['og:title']).to.have.length(1000)
    expect(properties['og:site_name']).to.equal('a b\ufffd')
    expect(Object.keys(properties).length).to.be.below(210)
    expect(Object.keys(properties).filter((name) => name.includes('proto'))).to.deep.equal([])
  })

  const hostile: Record<string, string> = {
    'deeply nested': '<b>'.repeat(170_000),
    'never closed': `${'<i>'.repeat(80_000)}${'</b>'.repeat(60_000)}`,
    'one tag of attributes': `<a ${'x=1 '.repeat(130_000)}`,
    'nothing but brackets': '<'.repeat(512 * 1024),
    'nothing but entities': '&amp'.repeat(130_000),
    'an endless attribute': `<meta content="${'x'.repeat(512 * 1024)}`,
    'many titles': '<title>a</title>'.repeat(30_000),
    'one word': 'x'.repeat(512 * 1024),
    'nothing but space': ' '.repeat(512 * 1024),
  }
  it('gives others their turn within every page', async () => {
    for (const [name, text] of Object.entries(hostile)) {
      let turns = 0
      const count = () => {
        turns++
        timer = setImmediate(count)
      }
      let timer = setImmediate(count)
      await readPage(text)
      clearImmediate(timer)
      expect(turns, name).to.be.at.least(name === 'deeply nested' || name === 'never closed' ? 1 : 50)
    }
  })
})
