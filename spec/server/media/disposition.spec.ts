import { expect } from 'chai'
import { contentDisposition, safeContentType, safeFileName } from '../../../server/media/disposition.ts'

describe('contentDisposition', () => {
  it('shows what is harmless, whatever its letters and parameters, and nothing else', () => {
    for (const type of ['image/png', 'IMAGE/PNG', 'text/plain; charset=utf-8', 'application/json']) {
      expect(contentDisposition(type, undefined), type).to.equal('inline')
    }
    const others = [
      'text/html',
      'TEXT/HTML',
      'image/svg+xml',
      'application/pdf',
      'text/xml',
      'application/xhtml+xml',
      'image/png,text/html',
      'x',
      '',
    ]
    for (const type of [...others, 'application/x-shockwave-flash', ' text/html', 'text/html;image/png']) {
      expect(contentDisposition(type, undefined), type).to.equal('attachment')
    }
  })

  it('names the file in plain letters, with quotes, and beyond ASCII', () => {
    expect(contentDisposition('image/png', 'a b.png')).to.equal('inline; filename="a b.png"')
    expect(contentDisposition('image/png', 'a"\\b.png')).to.equal('inline; filename="a\\"\\\\b.png"')
    expect(contentDisposition('image/png', 'bl\u00fcte (1).png')).to.equal("inline; filename*=utf-8''bl%C3%BCte%20%281%29.png")
  })
})

describe('safeContentType', () => {
  it('gives back a media type as it is, and takes anything else for bytes', () => {
    expect(safeContentType('text/plain; charset="utf-8"')).to.equal('text/plain; charset="utf-8"')
    for (const type of [undefined, '', 'png', 'text/plain\r\nX: y', 'text/pl\u00e4in', `text/${'x'.repeat(300)}`]) {
      expect(safeContentType(type), String(type)).to.equal('application/octet-stream')
    }
  })
})

describe('safeFileName', () => {
  it('keeps names without what cannot be sent', () => {
    expect(safeFileName('photo.jpg')).to.equal('photo.jpg')
    expect(safeFileName('../../etc/passwd')).to.equal('../../etc/passwd')
    expect(safeFileName('a\r\nb\0c')).to.equal('abc')
    expect(safeFileName('\ud800')).to.equal('\ufffd')
    expect(Buffer.byteLength(safeFileName('\u{1f600}'.repeat(100))!)).to.equal(252)
    expect([safeFileName(''), safeFileName(undefined), safeFileName('\0')]).to.deep.equal([undefined, undefined, undefined])
  })
})
