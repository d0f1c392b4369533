import { expect } from 'chai'
import { decodePage } from '../../../server/media/page-text.ts'

describe('decodePage', () => {
  const latin = Buffer.from('<title>Blüte</title>', 'latin1')

  it('believes the mark, then the header, then the page', () => {
    expect(decodePage(Buffer.from('\ufeffBlüte', 'utf16le'), 'text/html; charset=utf-8')).to.equal('Blüte')
    expect(decodePage(latin, 'text/html; charset="ISO-8859-1"')).to.contain('Blüte')
    expect(decodePage(Buffer.concat([Buffer.from('<meta charset=windows-1251>'), Buffer.from([0xcf])]), 'text/html')).to.contain('П')
    const named = Buffer.from('<meta http-equiv="Content-Type" content="text/html; charset=shift_jis">\x83e', 'latin1')
    expect(decodePage(named, 'text/html')).to.match(/テ$/)
    expect(decodePage(Buffer.from('<?xml version="1.0" encoding="koi8-r"?>\xf0', 'latin1'), '')).to.match(/П$/)
  })
  it('looks at the bytes when nobody says, or says nonsense', () => {
    expect(decodePage(latin, undefined)).to.contain('Blüte')
    expect(decodePage(Buffer.from('Blüte'), 'text/html; charset=nonsense')).to.equal('Blüte')
    expect(decodePage(Buffer.from('Blüte').subarray(0, 3), '')).to.equal('Bl')
    expect(decodePage(Buffer.from('<meta charset="utf-16">ü'), '')).to.contain('ü')
    expect(decodePage(Buffer.alloc(0), '')).to.equal('')
  })
})
