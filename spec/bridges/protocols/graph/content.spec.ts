import { expect } from 'chai'
import type { JsonObject } from '../../../../bridges/protocols/graph/read-json.ts'
import { readWhatsapp } from '../../../../bridges/protocols/graph/whatsapp.ts'
import { readMessaging } from '../../../../bridges/protocols/messaging/messaging.ts'
import { readMessageFiles } from '../../../../bridges/protocols/messaging/messaging-attachments.ts'

const person = { id: '1555', phone: '1555' }
const whatsapp = (message: JsonObject) =>
  readWhatsapp({ accountId: '1065', kind: 'message', at: 5, raw: { message: { id: 'wamid.A', from: '1555', ...message } } })
const said = { id: 'wamid.A', person, own: false, at: 5 }
const messaging = (message: JsonObject) =>
  readMessaging({
    accountId: 'page',
    kind: 'message',
    at: 5,
    raw: { sender: { id: 'psid' }, recipient: { id: 'page' }, message: { mid: 'm_1', ...message } },
  })
const wrote = { id: 'm_1', person: { id: 'psid' }, own: false, at: 5 }
const hex = 'f'.repeat(64)

describe('readWhatsapp of files, places and cards', () => {
  it('reads a picture with its caption, its hash as hex and its type without parameters', () => {
    const image = { id: '7', mime_type: 'image/JPEG; q=1', sha256: Buffer.from(hex, 'hex').toString('base64'), caption: 'look' }
    expect(whatsapp({ type: 'image', image })).to.deep.equal({
      ...{ type: 'media', text: 'look', ...said },
      media: [{ kind: 'image', source: { id: '7' }, mime: 'image/jpeg', sha256: hex }],
    })
  })

  const kinds: [string, JsonObject, JsonObject][] = [
    ['video', { id: '7' }, { kind: 'video' }],
    ['audio', { id: '7', voice: true, mime_type: 'audio/ogg; codecs=opus' }, { kind: 'voice', mime: 'audio/ogg' }],
    ['audio', { id: '7', voice: false }, { kind: 'audio' }],
    ['document', { id: '7', filename: 'a b.pdf', sha256: hex }, { kind: 'file', name: 'a b.pdf', sha256: hex }],
    ['sticker', { id: '7', animated: true }, { kind: 'sticker', animated: true }],
  ]
  for (const [type, body, expected] of kinds) {
    it(`reads ${type} ${JSON.stringify(body)}`, () => {
      expect(whatsapp({ type, [type]: body })).to.deep.equal({ type: 'media', media: [{ source: { id: '7' }, ...expected }], ...said })
    })
  }

  it('reads a place, and one that is not on earth as not carried', () => {
    const location = { latitude: 52.5, longitude: 13.4, name: 'Shop', address: 'Street 1' }
    expect(whatsapp({ type: 'location', location: { ...location, url: 'javascript:alert(1)' } })).to.deep.equal({
      ...{ type: 'location', location, ...said },
    })
    expect(whatsapp({ type: 'location', location: { latitude: 91, longitude: 0 } })).to.include({ type: 'unsupported' })
  })

  it('reads contact cards and leaves out empty ones', () => {
    const card = {
      name: { formatted_name: 'Bo Ek', first_name: 'Bo' },
      phones: [{ phone: '+1 555', wa_id: '1555', type: 'HOME' }, { phone: 7 }],
      emails: [{ email: 'bo@example.org' }],
      org: { company: 'Ek' },
    }
    expect(whatsapp({ type: 'contacts', contacts: [card, {}, 7] })).to.deep.equal({
      ...{ type: 'contacts', ...said },
      contacts: [
        { name: 'Bo Ek', phones: [{ number: '+1 555', type: 'HOME' }], emails: [{ address: 'bo@example.org' }], organisation: 'Ek' },
      ],
    })
    expect(whatsapp({ type: 'contacts', contacts: [{}] })).to.include({ type: 'unsupported', nativeType: 'contacts' })
  })

  it('reads how often it was forwarded and about which product it is', () => {
    const text = { type: 'text', text: { body: 'hi' } }
    expect(whatsapp({ ...text, context: { forwarded: true } })).to.include({ forwarded: 'once' })
    expect(whatsapp({ ...text, context: { forwarded: true, frequently_forwarded: true } })).to.include({ forwarded: 'often' })
    expect(whatsapp({ ...text, context: { referred_product: { product_retailer_id: 'bike' } } })).to.include({ product: 'bike' })
  })

  it('reads why the network withholds a file', () => {
    const record = whatsapp({
      type: 'unsupported',
      errors: [{ code: 131052, title: 'Media download error' }],
      unsupported: { type: 'image' },
    })
    expect(record).to.have.nested.property('failure.class', 'media')
    expect(record).to.include({ type: 'unsupported', nativeType: 'image' })
  })
})

describe('readMessaging of attachments', () => {
  const url = 'https://scontent.example/a.jpg?oe=1'
  const attachment = (type: string, payload: JsonObject = { url }) => ({ type, payload })

  it('reads an album with its text', () => {
    expect(messaging({ text: 'two', attachments: [attachment('image'), attachment('video', { url: `${url}2` })] })).to.deep.equal({
      ...{ type: 'media', text: 'two', ...wrote },
      media: [
        { kind: 'image', source: { url } },
        { kind: 'video', source: { url: `${url}2` } },
      ],
    })
  })

  it('reads a sticker once, also when an image of it comes along', () => {
    const sticker = { url, sticker_id: 369239263222822 }
    expect(messaging({ attachments: [attachment('image', sticker), attachment('sticker', sticker)] })).to.deep.equal({
      ...{ type: 'media', media: [{ kind: 'sticker', source: { url } }], ...wrote },
    })
  })

  it('reads what is shared by its address and title', () => {
    expect(messaging({ attachments: [attachment('fallback', { url, title: 'News' })] })).to.deep.equal({
      ...{ type: 'share', nativeType: 'fallback', url, title: 'News', ...wrote },
    })
    expect(messaging({ attachments: [attachment('story_mention')] })).to.include({ type: 'share', nativeType: 'story_mention', url })
    expect(messaging({ attachments: [attachment('ig_reel', {})] })).to.include({ type: 'unsupported', nativeType: 'ig_reel' })
  })

  it('reads a place of old clients and a reply to a story', () => {
    const place = messaging({ attachments: [attachment('location', { coordinates: { lat: 1.5, long: 2 } })] })
    expect(place).to.deep.include({ type: 'location', location: { latitude: 1.5, longitude: 2 } })
    expect(messaging({ text: 'wow', reply_to: { story: { url, id: '1' } } })).to.include({ type: 'text', story: url })
  })

  for (const bad of ['file:///etc/passwd', 'https://me:pw@host/', 7, null, 'x'.repeat(5000)]) {
    it(`takes no file from ${String(bad).slice(0, 30)}`, () => {
      expect(messaging({ attachments: [attachment('image', { url: bad })] })).to.include({ type: 'unsupported', nativeType: 'image' })
    })
  }

  it('reads the files again from the node of the message', () => {
    const data = [
      { id: '1', mime_type: 'image/png', name: 'a.png', image_data: { url, width: 1 } },
      { id: '2', mime_type: 'audio/mp4', file_url: url },
      { id: '3', mime_type: 'video/mp4', video_data: { url } },
      { id: '4' },
      7,
    ]
    expect(readMessageFiles({ id: 'm_1', attachments: { data } }).map(({ kind, mime }) => [kind, mime])).to.deep.equal([
      ['image', 'image/png'],
      ['audio', 'audio/mp4'],
      ['video', 'video/mp4'],
    ])
    expect(readMessageFiles({})).to.deep.equal([])
  })
})
