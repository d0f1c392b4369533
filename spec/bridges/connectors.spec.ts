import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { createInstagram } from '../../bridges/instagram/connector.ts'
import type { InboundEvent, NetworkConnector, RawItem } from '../../bridges/kit/connector.ts'
import { createMessenger } from '../../bridges/messenger/connector.ts'
import { splitText } from '../../bridges/protocols/graph/split-text.ts'
import { createWhatsApp } from '../../bridges/whatsapp/connector.ts'

const settings = { baseUrl: 'https://graph.example/', version: 'v25.0', appSecret: 'app secret', verifyToken: 'a word' }
const connectors: NetworkConnector[] = [createWhatsApp(settings), createMessenger(settings), createInstagram(settings)]
const [whatsapp, messenger, instagram] = connectors as [NetworkConnector, NetworkConnector, NetworkConnector]

function accepted({ webhook }: NetworkConnector, body: object): readonly RawItem[] {
  const bytes = Buffer.from(JSON.stringify(body))
  const answer = webhook.accept(bytes, `sha256=${createHmac('sha256', 'app secret').update(bytes).digest('hex')}`)
  if (answer.status !== 200) throw new Error('refused')
  return answer.items
}
const read = (connector: NetworkConnector, body: object): (InboundEvent | undefined)[] =>
  accepted(connector, body).map(({ raw }) => connector.webhook.read(raw))

const whatsappBody = (value: object) => ({
  object: 'whatsapp_business_account',
  entry: [
    { id: '1', changes: [{ field: 'messages', value: { messaging_product: 'whatsapp', metadata: { phone_number_id: '77' }, ...value } }] },
  ],
})
const messagingBody = (object: string, ...messaging: object[]) => ({ object, entry: [{ id: '88', time: 1, messaging }] })

describe('the connectors', () => {
  for (const connector of connectors) {
    const { title } = connector.info
    it(`of ${title}: take only what is signed, and keep what they cannot read`, () => {
      const body = Buffer.from('{"object":"other","entry":[{"id":"1","changes":[{"field":"x","value":{}}]}]}')
      const signature = `sha256=${createHmac('sha256', 'app secret').update(body).digest('hex')}`
      for (const wrong of [
        undefined,
        '',
        'sha256=',
        signature.toUpperCase(),
        signature.replace('sha256', 'sha1'),
        `sha256=${'0'.repeat(64)}`,
      ])
        expect(connector.webhook.accept(body, wrong), String(wrong)).to.deep.equal({ status: 401 })
      const answer = connector.webhook.accept(body, signature)
      expect(answer).to.have.property('status', 200)
      for (const text of ['no json', '{}', '[]', '{"object":7}']) {
        const bytes = Buffer.from(text)
        const signed = connector.webhook.accept(bytes, `sha256=${createHmac('sha256', 'app secret').update(bytes).digest('hex')}`)
        if (signed.status === 200) for (const { raw } of signed.items) expect(connector.webhook.read(raw), text).to.equal(undefined)
      }
    })

    it(`of ${title}: answer the challenge for the right word alone`, () => {
      const query = { 'hub.mode': 'subscribe', 'hub.verify_token': 'a word', 'hub.challenge': '1158201444' }
      expect(connector.webhook.challenge(query)).to.deep.equal({ status: 200, body: '1158201444' })
      expect(connector.webhook.challenge({ ...query, 'hub.verify_token': 'another' })).to.deep.equal({ status: 403 })
    })

    it(`of ${title}: cut a text into parts that are the text again`, () => {
      for (const text of ['a', 'wörter '.repeat(1000), '👩‍👩‍👧‍👦'.repeat(400)]) {
        const parts = connector.split(text)
        expect(parts.join('')).to.equal(text)
        expect(parts).to.deep.equal(parts.flatMap((part) => connector.split(part)))
      }
    })
  }

  it('give each network its own limit', () => {
    expect(whatsapp.split('x'.repeat(4088))).to.have.length(1)
    expect(whatsapp.split('x'.repeat(4097)).every((part) => part.length <= 4096)).to.equal(true)
    expect(messenger.split('x'.repeat(2001)).every((part) => part.length <= 2000)).to.equal(true)
    expect(instagram.split('ü'.repeat(600)).every((part) => Buffer.byteLength(part) <= 1000)).to.equal(true)
    expect(splitText('x', 10, (text) => text.length)).to.deep.equal(['x'])
  })

  it('read a text of WhatsApp: the user id before the number, and the name', () => {
    const contact = { profile: { name: 'Ana' }, wa_id: '15551234567', user_id: 'US.abc' }
    const message = {
      id: 'wamid.1',
      from: '15551234567',
      from_user_id: 'US.abc',
      timestamp: '1760000000',
      type: 'text',
      text: { body: 'hi' },
    }
    expect(read(whatsapp, whatsappBody({ contacts: [contact], messages: [message] }))).to.deep.equal([
      {
        type: 'message',
        text: 'hi',
        account: '77',
        chat: {
          ids: [
            { kind: 'bsuid', value: 'US.abc' },
            { kind: 'phone', value: '15551234567' },
          ],
          name: 'Ana',
        },
        id: 'wamid.1',
        own: false,
        at: 1760000000000,
      },
    ])
  })

  it('read states of WhatsApp with the tag that came back, and why it failed', () => {
    const status = { id: 'wamid.2', status: 'failed', timestamp: '1760000000', recipient_id: '1555', biz_opaque_callback_data: 'key' }
    const [event] = read(whatsapp, whatsappBody({ statuses: [{ ...status, errors: [{ code: 131047, title: 'x' }] }] }))
    expect(event).to.deep.include({ type: 'status', account: '77', id: 'wamid.2', tag: 'key', state: 'failed' })
    expect(event).to.have.nested.property('failure.class', 'window_closed')
    expect(JSON.stringify(event)).not.to.include('1555')
    expect(read(whatsapp, whatsappBody({ statuses: [{ ...status, status: 'played' }] }))[0]).to.include({ state: 'read' })
  })

  it('read a changed number of WhatsApp as the same person under new ids', () => {
    const system = { body: 'x', type: 'user_changed_user_id', wa_id: '2', user_id: 'US.new', previous_user_id: 'US.old' }
    const message = { id: 'wamid.3', from: '1', timestamp: '1', type: 'system', system }
    const [event] = read(whatsapp, whatsappBody({ messages: [message] }))
    expect(event).to.deep.include({ type: 'identity', was: { ids: [{ kind: 'bsuid', value: 'US.old' }] } })
  })

  it('read texts, echoes and watermarks of Messenger', () => {
    const theirs = { sender: { id: '5' }, recipient: { id: '88' }, timestamp: 9, message: { mid: 'm_1', text: 'hi' } }
    const echo = {
      sender: { id: '88' },
      recipient: { id: '5' },
      timestamp: 9,
      message: { mid: 'm_2', text: 'yo', is_echo: true, metadata: 'key' },
    }
    const readMark = { sender: { id: '5' }, recipient: { id: '88' }, timestamp: 9, read: { watermark: 8 } }
    const chat = { ids: [{ kind: 'psid', value: '5' }] }
    expect(read(messenger, messagingBody('page', theirs, echo, readMark))).to.deep.equal([
      { type: 'message', text: 'hi', account: '88', chat, id: 'm_1', own: false, at: 9 },
      { type: 'message', text: 'yo', account: '88', chat, id: 'm_2', own: true, at: 9, tag: 'key' },
      { type: 'watermark', account: '88', chat, state: 'read', ids: [], upTo: 8, at: 9 },
    ])
  })

  it('read what Instagram cannot carry as such, and a read message by its id', () => {
    const odd = { sender: { id: '5' }, recipient: { id: '88' }, timestamp: 9, message: { mid: 'm_1', is_unsupported: true } }
    const seen = { sender: { id: '5' }, recipient: { id: '88' }, timestamp: 9, read: { mid: 'm_2' } }
    const [first, second] = read(instagram, messagingBody('instagram', odd, seen))
    expect(first).to.deep.include({ type: 'unsupported', nativeType: 'unknown', chat: { ids: [{ kind: 'igsid', value: '5' }] } })
    expect(second).to.deep.include({ type: 'watermark', state: 'read', ids: ['m_2'] })
  })

  it('read reactions, corrections and withdrawals as being about a message', () => {
    const from = { sender: { id: '5' }, recipient: { id: '88' }, timestamp: 9 }
    const reaction = { ...from, reaction: { mid: 'm_1', action: 'react', reaction: 'love', emoji: '❤' } }
    const unreact = { ...from, reaction: { mid: 'm_1', action: 'unreact' } }
    const edit = { ...from, message_edit: { mid: 'm_1', text: 'new', num_edit: 1 } }
    const about = { account: '88', chat: { ids: [{ kind: 'psid', value: '5' }] }, target: 'm_1', own: false, at: 9 }
    expect(read(messenger, messagingBody('page', reaction, unreact, edit))).to.deep.equal([
      { type: 'reaction', emoji: '❤', ...about },
      { type: 'reaction', ...about },
      { type: 'edit', text: 'new', ...about },
    ])
    const unsent = { ...from, message: { mid: 'm_1', is_deleted: true } }
    const igsid = { ids: [{ kind: 'igsid', value: '5' }] }
    expect(read(instagram, messagingBody('instagram', unsent))).to.deep.equal([{ type: 'deleted', ...about, chat: igsid }])
  })

  it('read answers, files and places of WhatsApp', () => {
    const from = { from: '1', from_user_id: 'US.abc', timestamp: '1' }
    const image = { ...from, id: 'w1', type: 'image', image: { id: 'f1', mime_type: 'image/jpeg', caption: 'bike' }, context: { id: 'w0' } }
    const place = { ...from, id: 'w2', type: 'location', location: { latitude: 1.5, longitude: 2.5, name: 'Bridge' } }
    const [first, second] = read(whatsapp, whatsappBody({ messages: [image, place] }))
    expect(first).to.deep.include({ type: 'media', text: 'bike', replyTo: 'w0' })
    expect(first).to.have.nested.property('media[0].source.id', 'f1')
    expect(second).to.have.nested.property('location.latitude', 1.5)
  })

  it('take nothing for theirs that came for another network', () => {
    const theirs = { sender: { id: '5' }, recipient: { id: '88' }, timestamp: 9, message: { mid: 'm_1', text: 'hi' } }
    expect(read(instagram, messagingBody('page', theirs))).to.deep.equal([undefined])
    expect(read(messenger, messagingBody('instagram', theirs))).to.deep.equal([undefined])
  })

  it('give one happening the same key in whatever batch it comes', () => {
    const event = (mid: string) => ({ sender: { id: '5' }, recipient: { id: '88' }, timestamp: 9, message: { mid, text: 'hi' } })
    const [alone] = accepted(messenger, messagingBody('page', event('m_1')))
    const [, second] = accepted(messenger, messagingBody('page', event('m_0'), event('m_1')))
    expect(second!.dedupKey).to.equal(alone!.dedupKey)
  })
})
