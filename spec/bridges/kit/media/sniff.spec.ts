import { expect } from 'chai'
import { settleType, sniff } from '../../../../bridges/kit/media/sniff.ts'
import * as crafted from './crafted-files.ts'

const start = (text: string, rest = 32) => Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(rest)])
const seen = (bytes: Uint8Array) => `${sniff(bytes).kind} ${sniff(bytes).mime}`

describe('sniff', () => {
  const known: [string, Buffer, string][] = [
    ['jpeg', crafted.jpeg(), 'image image/jpeg'],
    ['png', crafted.png(), 'image image/png'],
    ['gif', crafted.gif(), 'image image/gif'],
    ['webp', crafted.toldWebp, 'image image/webp'],
    ['mp4', crafted.mp4(), 'video video/mp4'],
    ['3gp', crafted.mp4({ brand: '3gp4' }), 'video video/3gpp'],
    ['quicktime', crafted.mp4({ brand: 'qt  ' }), 'video video/quicktime'],
    ['quicktime of old, with no brand', crafted.box('moov', 'mvhd'), 'video video/quicktime'],
    ['m4a', crafted.mp4({ brand: 'M4A ' }), 'audio audio/mp4'],
    ['heic', crafted.mp4({ brand: 'heic' }), 'image image/heic'],
    ['avif', crafted.mp4({ brand: 'avif' }), 'image image/avif'],
    ['webm', crafted.webm, 'video video/webm'],
    ['matroska', crafted.matroska, 'video video/x-matroska'],
    ['opus', crafted.oggOpus(1), 'audio audio/ogg'],
    ['vorbis', crafted.oggVorbis, 'audio audio/ogg'],
    ['mp3 with a tag', start('ID3\x04\0'), 'audio audio/mpeg'],
    ['mp3 without', crafted.mp3, 'audio audio/mpeg'],
    ['aac', crafted.adts, 'audio audio/aac'],
    ['amr', start('#!AMR\n'), 'audio audio/amr'],
    ['wide-band amr', start('#!AMR-WB\n'), 'audio audio/amr-wb'],
    ['wav', start('RIFF\x24\0\0\0WAVEfmt '), 'audio audio/wav'],
    ['flac', start('fLaC'), 'audio audio/flac'],
    ['pdf', start('%PDF-1.7\n'), 'file application/pdf'],
    ['zip', start('PK\x03\x04'), 'file application/zip'],
    ['office files of old', start('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'), 'file application/x-ole-storage'],
    ['a contact', Buffer.from('BEGIN:VCARD\r\nVERSION:3.0\r\n'), 'file text/vcard'],
    ['a text', Buffer.from('Grüße aus Köln\n'), 'file text/plain'],
  ]
  for (const [name, bytes, expected] of known) it(`knows ${name}`, () => expect(seen(bytes)).to.equal(expected))

  it('tells Opus from Vorbis', () => {
    expect(sniff(crafted.oggOpus(1)).codec).to.equal('opus')
    expect(sniff(crafted.oggVorbis).codec).to.equal('vorbis')
  })
  it('takes what a browser would run for text', () => {
    expect(seen(Buffer.from('<html><script>alert(1)</script>'))).to.equal('file text/plain')
    expect(seen(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>'))).to.equal('file text/plain')
  })
  it('calls nothing by a name that it cannot see', () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(64),
      Buffer.from('ffd8', 'hex'),
      start('RIFF\0\0\0\0NONE'),
      start('\xff\xfe\x41\0\x42\0'),
    ]) {
      expect(seen(bytes), bytes.toString('hex')).to.equal('file application/octet-stream')
    }
  })
  it('takes one frame start without a second for no sound', () => {
    const lone = Buffer.from(crafted.mp3)
    lone[417] = 0
    expect(sniff(lone).mime).to.equal('application/octet-stream')
  })
  it('knows a text whose last character is cut off', () => {
    expect(sniff(Buffer.concat([Buffer.alloc(4095, 'a'), Buffer.from('é')])).mime).to.equal('text/plain')
  })
})

describe('settleType', () => {
  it('lets the bytes decide whatever is declared', () => {
    expect(settleType(sniff(crafted.jpeg()), 'text/html')).to.equal('image/jpeg')
    expect(settleType(sniff(Buffer.from('<html>')), 'text/html')).to.equal('text/plain')
    expect(settleType(sniff(Buffer.alloc(9)), 'image/svg+xml')).to.equal('application/octet-stream')
    expect(settleType(sniff(start('PK\x03\x04')), 'application/vnd.android.package-archive')).to.equal('application/zip')
  })
  it('lets a container of office files be called what it is', () => {
    const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
    expect(settleType(sniff(start('PK\x03\x04')), docx)).to.equal(docx)
    expect(settleType(sniff(start('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')), 'application/msword; x=y')).to.equal('application/msword')
    expect(settleType(sniff(Buffer.from('a,b\n')), 'text/csv')).to.equal('text/csv')
    expect(settleType(sniff(start('PK\x03\x04')), undefined)).to.equal('application/zip')
  })
})
