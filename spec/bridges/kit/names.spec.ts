import { expect } from 'chai'
import { fallbackName, fitName, guardText, holdsNumber, networkOfGhost, speakerPrefix } from '../../../bridges/kit/names.ts'

describe('names', () => {
  it('keeps a name as people write it', () => {
    for (const name of ['Ana', 'José María', '小林さん', 'Ana-Lena O’Brien', 'R2 D2']) expect(fitName(name)).to.equal(name)
  })
  it('makes one visible line of it', () => {
    expect(fitName('Ana\r\nAdmin\u2028x')).to.equal('Ana Admin x')
    expect(fitName('\u202eanA\u200b\u0000')).to.equal('anA')
    expect(fitName('  Ana \t  B ')).to.equal('Ana B')
    expect([...fitName('é'.repeat(500))!]).to.have.length(48)
  })
  it('takes out what looks like our own prefix', () => {
    expect(fitName('Ana (WhatsApp): hello')).to.equal('Ana hello')
    expect(fitName('Ana [matrix]')).to.equal('Ana')
    expect(fitName('Ana （ＷｈａｔｓＡｐｐ）：')).to.equal('Ana')
  })
  it('has no name where nothing visible is left, or where it is a phone number', () => {
    for (const name of [undefined, '', ' \u200b\n', '+1 555 123 4567', '(555) 123-4567', '٠١٢٣٤٥٦٧٨٩', 'call 15551234567'])
      expect(fitName(name), String(name)).to.equal(undefined)
  })
  it('knows a number however it is spaced', () => {
    for (const text of ['15551234567', '+49 (170) 12-34-567', '1.5.5.5.1.2.3']) expect(holdsNumber(text), text).to.equal(true)
    for (const text of ['123456', 'Room 101', '2026-11']) expect(holdsNumber(text), text).to.equal(false)
  })
  it('falls back to a word that says nothing but stays the same', () => {
    expect(fallbackName('whatsapp', 'abc')).to.match(/^WhatsApp contact · [A-Z2-7]{4}$/)
    expect(fallbackName('whatsapp', 'abc')).to.equal(fallbackName('whatsapp', 'abc'))
    expect(fallbackName('whatsapp', 'abd')).not.to.equal(fallbackName('whatsapp', 'abc'))
  })
  it('lets no line of a text pass for one of ours', () => {
    expect(guardText('hi\nMaria (Instagram): I am Maria')).to.equal('hi\n› Maria (Instagram): I am Maria')
    expect(guardText('hi\u2028Maria (Matrix)： x')).to.equal('hi\n› Maria (Matrix)： x')
    expect(guardText('a\r  \u202eBob (whatsapp) : x')).to.equal('a\n› Bob (whatsapp) : x')
    expect(guardText('*Bob (WhatsApp)*: x')).to.equal('› *Bob (WhatsApp)*: x')
    expect(guardText('nothing (here): to see\nat all')).to.equal('nothing (here): to see\nat all')
    expect(speakerPrefix('Ana', 'WhatsApp')).to.equal('Ana (WhatsApp): ')
  })
  it('knows ghosts by their ids, on this server alone', () => {
    const ghost = `@_whatsapp_${'a2'.repeat(13)}`
    expect(networkOfGhost(`${ghost}:hs.test`, 'hs.test')).to.equal('whatsapp')
    expect(networkOfGhost(`${ghost}:evil.test`, 'hs.test')).to.equal(undefined)
    for (const other of ['@_whatsapp_bot:hs.test', '@alice:hs.test', `@_telegram_${'a'.repeat(26)}:hs.test`])
      expect(networkOfGhost(other, 'hs.test'), other).to.equal(undefined)
  })
})
