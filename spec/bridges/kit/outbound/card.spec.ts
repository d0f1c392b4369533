import { expect } from 'chai'
import { cardText, isCardFile, readCards } from '../../../../bridges/kit/outbound/card.ts'

const read = (...lines: string[]) => readCards(Buffer.from(lines.join('\r\n')))

describe('contact cards in a file', () => {
  it('are known by the type or the name of the file', () => {
    expect(isCardFile({ name: 'a.vcf' })).to.equal(true)
    expect(isCardFile({ name: 'a', mime: 'text/x-vcard; charset=utf-8' })).to.equal(true)
    expect(isCardFile({ name: 'a.pdf', mime: 'application/pdf' })).to.equal(false)
  })

  it('are read with their names, numbers and addresses, folded lines and groups too', () => {
    const cards = read(
      ...['BEGIN:VCARD', 'VERSION:4.0', 'FN:Ana \\, Maria', 'item1.TEL;VALUE=uri:tel:+1555', 'EMAIL;TYPE=work:ana@exam', ' ple.org'],
      ...['ORG:Bikes;Sales', 'END:VCARD', 'begin:vcard', 'N:Berg;Ben;;;', 'end:vcard', ''],
    )
    expect(cards).to.deep.equal([
      { name: 'Ana , Maria', phones: [{ number: '+1555' }], emails: [{ address: 'ana@example.org' }], organisation: 'Bikes' },
      { name: 'Ben Berg', phones: [], emails: [] },
    ])
  })

  it('are none where nothing can be read of them', () => {
    for (const lines of [
      [''],
      ['BEGIN:VCARD', 'END:VCARD'],
      ['BEGIN:VCARD', 'FN:x'],
      ['no', 'card'],
      ['BEGIN:VCARD', 'PHOTO:x', 'END:VCARD'],
    ])
      expect(read(...lines)).to.deep.equal([])
    expect(readCards(Buffer.alloc(60_000, 0xff))).to.deep.equal([])
  })

  it('keep numbers back where they are not to be shown', () => {
    const card = { name: 'Ana', phones: [{ number: '+1555' }], emails: [] }
    expect(cardText(card, false)).to.equal('👤 Ana\n+1555')
    expect(cardText(card, true)).not.to.include('555')
  })
})
