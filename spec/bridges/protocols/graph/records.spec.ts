import { expect } from 'chai'
import { parseWebhook } from '../../../../bridges/protocols/graph/webhook.ts'
import { buildWhatsappRead, buildWhatsappText, readWhatsapp, readWhatsappSent } from '../../../../bridges/protocols/graph/whatsapp.ts'
import { buildInstagramText, readInstagramProfile } from '../../../../bridges/protocols/messaging/instagram.ts'
import { buildReaction, buildSenderAction, readMessaging, readMessagingSent } from '../../../../bridges/protocols/messaging/messaging.ts'
import { buildMessengerText, readMessengerProfile } from '../../../../bridges/protocols/messaging/messenger.ts'

const itemOf = (body: object) => parseWebhook(Buffer.from(JSON.stringify(body))).items[0]!
const whatsappItem = (value: object) => {
  const shared = { messaging_product: 'whatsapp', metadata: { display_phone_number: '1', phone_number_id: '1065' } }
  return itemOf({
    object: 'whatsapp_business_account',
    entry: [{ id: 'waba', changes: [{ field: 'messages', value: { ...shared, ...value } }] }],
  })
}
const message = (change: object) => {
  const common = { from: '15551234567', from_user_id: 'US.abc', id: 'wamid.A', timestamp: '1770000000' }
  const contacts = [{ profile: { name: 'Ana', username: 'ana.b' }, wa_id: '15551234567', user_id: 'US.abc' }]
  return readWhatsapp(whatsappItem({ contacts, messages: [{ ...common, ...change }] }))
}
const event = (content: object, object = 'page', sender = 'psid-1', recipient = 'acct-1') =>
  readMessaging(
    itemOf({
      object,
      entry: [{ id: 'acct-1', time: 9, messaging: [{ sender: { id: sender }, recipient: { id: recipient }, timestamp: 5, ...content }] }],
    }),
  )

const ana = { id: 'US.abc', phone: '15551234567', name: 'Ana', username: 'ana.b' }
const said = { id: 'wamid.A', person: ana, own: false, at: 1770000000000 }
const wrote = { person: { id: 'psid-1' }, own: false, at: 5 }

describe('readWhatsapp', () => {
  const cases: [string, object, object][] = [
    [
      'a text that answers another',
      { type: 'text', text: { body: 'hi' }, context: { from: '1', id: 'wamid.Z' } },
      { type: 'text', text: 'hi', replyTo: 'wamid.Z', ...said },
    ],
    [
      'a tapped button as the text on it',
      { type: 'interactive', interactive: { type: 'button_reply', button_reply: { id: 'y', title: 'Yes' } } },
      { type: 'text', text: 'Yes', ...said },
    ],
    ['a template quick reply as its text', { type: 'button', button: { text: 'Go', payload: 'p' } }, { type: 'text', text: 'Go', ...said }],
    [
      'an image without an id as not carried, with its caption',
      { type: 'image', image: { caption: 'look' } },
      { type: 'unsupported', nativeType: 'image', text: 'look', ...said },
    ],
    [
      'the original type of what the API withholds',
      { type: 'unsupported', unsupported: { type: 'poll_creation' } },
      { type: 'unsupported', nativeType: 'poll_creation', ...said },
    ],
    [
      'a reaction',
      { type: 'reaction', reaction: { message_id: 'wamid.B', emoji: '🎉' } },
      { type: 'reaction', target: 'wamid.B', emoji: '🎉', person: ana, own: false, at: said.at },
    ],
    [
      'a reaction taken back',
      { type: 'reaction', reaction: { message_id: 'wamid.B' } },
      { type: 'reaction', target: 'wamid.B', person: ana, own: false, at: said.at },
    ],
    [
      'an edit',
      { type: 'edit', edit: { original_message_id: 'wamid.B', message: { type: 'text', text: { body: 'new' } } } },
      { type: 'edit', target: 'wamid.B', text: 'new', person: ana, own: false, at: said.at },
    ],
    [
      'a withdrawal',
      { type: 'revoke', revoke: { original_message_id: 'wamid.B' } },
      { type: 'deleted', target: 'wamid.B', person: ana, own: false, at: said.at },
    ],
    ['a type named like a property of every object', { type: 'constructor' }, { type: 'unsupported', nativeType: 'constructor', ...said }],
  ]
  for (const [name, given, expected] of cases) it(`reads ${name}`, () => expect(message(given)).to.deep.equal(expected))

  it('knows a person who hides their number by their user id', () => {
    const hidden = { from_user_id: 'US.abc', id: 'wamid.A', timestamp: '1770000000', type: 'text', text: { body: 'hi' } }
    const record = readWhatsapp(whatsappItem({ contacts: [{ profile: { name: 'Ana' }, user_id: 'US.abc' }], messages: [hidden] }))
    expect(record).to.deep.include({ person: { id: 'US.abc', name: 'Ana' } })
  })

  it('reads a status with its tag, and a failure with its class', () => {
    const status = { id: 'wamid.B', status: 'failed', timestamp: '1770000000', biz_opaque_callback_data: 't', errors: [{ code: 131047 }] }
    const record = readWhatsapp(whatsappItem({ statuses: [status] }))
    expect(record).to.deep.include({ type: 'status', id: 'wamid.B', state: 'failed', tag: 't', at: 1770000000000 })
    expect(record).to.have.nested.property('failure.class', 'window_closed')
  })
})

describe('readMessaging', () => {
  const cases: [string, ReturnType<typeof event>, object][] = [
    [
      'a text',
      event({ message: { mid: 'm_1', text: 'hi', reply_to: { mid: 'm_0' } } }),
      { type: 'text', id: 'm_1', text: 'hi', replyTo: 'm_0', ...wrote },
    ],
    [
      'an echo of our own send, in the chat of its recipient',
      event({ message: { mid: 'm_1', text: 'hi', is_echo: true, app_id: 42, metadata: 'tag-1' } }, 'page', 'acct-1', 'psid-1'),
      { type: 'text', id: 'm_1', text: 'hi', person: { id: 'psid-1' }, own: true, at: 5, tag: 'tag-1', appId: '42' },
    ],
    [
      'a delivery watermark',
      event({ delivery: { mids: ['m_1', 7], watermark: 4 } }),
      { type: 'watermark', state: 'delivered', person: { id: 'psid-1' }, ids: ['m_1'], upTo: 4, at: 5 },
    ],
    [
      'a read watermark',
      event({ read: { watermark: 4 } }),
      { type: 'watermark', state: 'read', person: { id: 'psid-1' }, ids: [], upTo: 4, at: 5 },
    ],
    [
      'the read message of Instagram',
      event({ read: { mid: 'm_1' } }, 'instagram'),
      { type: 'watermark', state: 'read', person: { id: 'psid-1' }, ids: ['m_1'], at: 5 },
    ],
    [
      'an unsent message of Instagram',
      event({ message: { mid: 'm_1', is_deleted: true } }, 'instagram'),
      { type: 'deleted', target: 'm_1', ...wrote },
    ],
    [
      'a reaction that has a name only',
      event({ reaction: { mid: 'm_1', action: 'react', reaction: 'sad' } }),
      { type: 'reaction', target: 'm_1', emoji: '😢', ...wrote },
    ],
    ['a reaction taken back', event({ reaction: { mid: 'm_1', action: 'unreact' } }), { type: 'reaction', target: 'm_1', ...wrote }],
    ['an edit', event({ message_edit: { mid: 'm_1', text: 'new', num_edit: 1 } }), { type: 'edit', target: 'm_1', text: 'new', ...wrote }],
    [
      'a tapped button',
      event({ postback: { mid: 'm_1', title: 'Start', payload: 'p' } }),
      { type: 'text', id: 'm_1', text: 'Start', ...wrote },
    ],
    [
      'an attachment without an address as not carried',
      event({ message: { mid: 'm_1', attachments: [{ type: 'image' }] } }),
      { type: 'unsupported', id: 'm_1', nativeType: 'image', ...wrote },
    ],
    [
      'what the platform withholds',
      event({ message: { mid: 'm_1', is_unsupported: true } }, 'instagram'),
      { type: 'unsupported', id: 'm_1', nativeType: 'unknown', ...wrote },
    ],
  ]
  for (const [name, record, expected] of cases) it(`reads ${name}`, () => expect(record).to.deep.equal(expected))
})

describe('builders', () => {
  it('write a text of WhatsApp with its tag, to the number or to the user id', () => {
    const request = buildWhatsappText('1065', { to: { phone: '15551234567' }, text: 'hi', tag: 'tag-1', replyTo: 'wamid.A' })
    expect(request.path).to.equal('/1065/messages')
    expect(request.json).to.include({ messaging_product: 'whatsapp', to: '15551234567', type: 'text', biz_opaque_callback_data: 'tag-1' })
    expect(request.json).to.deep.include({ context: { message_id: 'wamid.A' } })
    expect(buildWhatsappText('1065', { to: { userId: 'US.abc' }, text: 'hi' }).json)
      .to.include({ recipient: 'US.abc' })
      .and.not.have.property('to')
    expect(buildWhatsappRead('1065', 'wamid.A', true).json).to.deep.include({
      status: 'read',
      message_id: 'wamid.A',
      typing_indicator: { type: 'text' },
    })
  })

  it('write a text of Messenger with metadata, persona and window', () => {
    const { json } = buildMessengerText('acct-1', { to: 'psid-1', text: 'hi', tag: 'tag-1', persona: '7', replyTo: 'm_1' })
    expect(json).to.deep.equal({
      recipient: { id: 'psid-1' },
      message: { text: 'hi', metadata: 'tag-1' },
      messaging_type: 'RESPONSE',
      reply_to: { mid: 'm_1' },
      persona_id: '7',
    })
    expect(buildMessengerText('acct-1', { to: 'psid-1', text: 'hi', humanAgent: true }).json).to.include({
      messaging_type: 'MESSAGE_TAG',
      tag: 'HUMAN_AGENT',
    })
    expect(buildSenderAction('acct-1', 'psid-1', 'mark_seen').json).to.deep.equal({
      recipient: { id: 'psid-1' },
      sender_action: 'mark_seen',
    })
    expect(buildReaction('acct-1', 'psid-1', 'm_1', undefined).json).to.deep.include({
      sender_action: 'unreact',
      payload: { message_id: 'm_1' },
    })
  })

  it('refuse what is longer than the network takes', () => {
    expect(() => buildWhatsappText('1', { to: { phone: '1' }, text: 'x'.repeat(4097) })).to.throw(RangeError)
    expect(() => buildWhatsappText('1', { to: { phone: '1' }, text: 'x', tag: 'x'.repeat(513) })).to.throw(RangeError)
    expect(() => buildMessengerText('1', { to: '1', text: 'x'.repeat(2001) })).to.throw(RangeError)
    expect(() => buildInstagramText('1', { to: '1', text: 'é'.repeat(501) })).to.throw(RangeError)
    expect(buildInstagramText('1', { to: '1', text: 'é'.repeat(500) }).json).to.have.property('message')
  })

  it('read the answers of the three networks', () => {
    expect(readWhatsappSent({ contacts: [{ wa_id: '1555', user_id: 'US.a' }], messages: [{ id: 'wamid.A' }] })).to.deep.equal({
      id: 'wamid.A',
      phone: '1555',
      userId: 'US.a',
    })
    expect(readWhatsappSent({ messages: [] })).to.equal(undefined)
    expect(readMessagingSent({ recipient_id: '1', message_id: 'm_1' })).to.deep.equal({ id: 'm_1' })
    expect(readMessengerProfile({ id: '1', first_name: 'Ana', last_name: 'B' })).to.deep.equal({ id: '1', name: 'Ana B' })
    expect(readInstagramProfile({ id: '1', username: 'ana' })).to.deep.equal({ id: '1', username: 'ana' })
  })
})
