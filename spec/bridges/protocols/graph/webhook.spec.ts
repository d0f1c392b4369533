import { expect } from 'chai'
import { parseWebhook } from '../../../../bridges/protocols/graph/webhook.ts'
import { readWhatsapp } from '../../../../bridges/protocols/graph/whatsapp.ts'
import { readMessaging } from '../../../../bridges/protocols/messaging/messaging.ts'

const parse = (value: unknown) => parseWebhook(Buffer.from(JSON.stringify(value)))
const metadata = { display_phone_number: '15550783881', phone_number_id: '1065' }
const contacts = [{ profile: { name: 'Ana' }, wa_id: '15551234567', user_id: 'US.abc' }]
const hello = { from: '15551234567', from_user_id: 'US.abc', id: 'wamid.A', timestamp: '1770000000', type: 'text', text: { body: 'hello' } }
const sent = { id: 'wamid.B', status: 'sent', timestamp: '1770000001', recipient_id: '15551234567', biz_opaque_callback_data: 'tag-1' }
const whatsapp = (...values: object[]) => ({
  object: 'whatsapp_business_account',
  entry: [
    { id: 'waba', changes: values.map((value) => ({ field: 'messages', value: { messaging_product: 'whatsapp', metadata, ...value } })) },
  ],
})
const page = (...messaging: unknown[]) => ({ object: 'page', entry: [{ id: 'page-1', time: 1770000000123, messaging }] })
const fromAna = (content: object, timestamp = 1770000000000) => ({
  sender: { id: 'psid-1' },
  recipient: { id: 'page-1' },
  timestamp,
  ...content,
})
const keysOf = (value: unknown) => parse(value).items.map(({ dedupKey }) => dedupKey)

describe('parseWebhook', () => {
  it('cuts a message out with its account, time and the contact that wrote it', () => {
    const { items, parked } = parse(whatsapp({ contacts, messages: [hello] }))
    expect(parked).to.deep.equal([])
    expect(items).to.have.length(1)
    expect(items[0]).to.include({
      object: 'whatsapp_business_account',
      entryId: 'waba',
      accountId: '1065',
      kind: 'message',
      at: 1770000000000,
    })
    expect(items[0]!.raw).to.deep.equal({ field: 'messages', metadata, contact: contacts[0], message: hello })
  })

  it('gives a happening the same key alone, in a batch, and in another order', () => {
    const alone = [...keysOf(whatsapp({ contacts, messages: [hello] })), ...keysOf(whatsapp({ statuses: [sent] }))]
    expect(keysOf(whatsapp({ contacts, messages: [hello], statuses: [sent] }))).to.deep.equal(alone)
    expect(keysOf(whatsapp({ statuses: [sent] }, { contacts, messages: [hello] }))).to.have.members(alone)
    expect(new Set(alone)).to.have.length(2)
  })

  it('tells the states of one message, its echo and its deletion apart', () => {
    const states = ['sent', 'delivered', 'read', 'failed'].map((status) => ({ ...sent, status }))
    expect(new Set(keysOf(whatsapp({ statuses: states })))).to.have.length(4)
    const marks = [{}, { is_echo: true }, { is_deleted: true }, { is_unsupported: true }]
    expect(new Set(keysOf(page(...marks.map((mark) => fromAna({ message: { mid: 'm_1', text: 'x', ...mark } })))))).to.have.length(4)
  })

  it('does not take a placeholder for the content that follows it under the same id', () => {
    const placeholder = { ...hello, type: 'unsupported', unsupported: { type: 'media_placeholder' } }
    expect(new Set(keysOf(whatsapp({ messages: [placeholder, hello] })))).to.have.length(2)
  })

  it('takes the same reaction, taken back and given again, for three happenings', () => {
    const react = (action: string, at: number) => fromAna({ reaction: { mid: 'm_1', action, reaction: 'love', emoji: '❤' } }, at)
    expect(new Set(keysOf(page(react('react', 1), react('unreact', 2), react('react', 3))))).to.have.length(3)
  })

  it('hides phone numbers in its keys', () => {
    for (const key of keysOf(whatsapp({ contacts, messages: [hello], statuses: [sent] }))) expect(key).to.match(/^[A-Za-z0-9_-]{43}$/)
  })

  it('keeps fields, events and objects that it does not know', () => {
    const field = {
      object: 'whatsapp_business_account',
      entry: [{ id: 'waba', changes: [{ field: 'account_update', value: { event: 'X' } }] }],
    }
    const object = { object: 'permissions', entry: [{ id: '7', changes: [{ field: 'f', value: 1 }] }] }
    for (const body of [field, page(fromAna({ hologram: { id: 1 } })), object]) {
      const { items, parked } = parse(body)
      expect(parked).to.deep.equal([])
      expect(items.map(({ kind }) => kind)).to.deep.equal(['unknown'])
    }
    expect(parse(field).items[0]!.raw).to.deep.equal({ field: 'account_update', value: { event: 'X' } })
  })

  it('parks the bad element of a batch and keeps the others', () => {
    const good = fromAna({ message: { mid: 'm_1', text: 'one' } })
    const { items, parked } = parse(page(good, null, 'junk', fromAna({ message: { mid: 'm_2', text: 'two' } })))
    expect(items.map(({ raw }) => readText(raw))).to.deep.equal(['one', 'two'])
    expect(parked).to.have.length(2)
    const entries = { object: 'page', entry: [{ time: 1 }, page(good).entry[0], 7] }
    expect(parse(entries).items).to.have.length(1)
    expect(parse(entries).parked).to.have.length(2)
  })

  it('parks what is no webhook body at all', () => {
    const bodies = [
      '',
      '[]',
      'null',
      '{"object":"page"}',
      '{"object":"page","entry":{}}',
      '\xff\xfe',
      '['.repeat(200_000),
      '{"object":null,"entry":[]}',
    ]
    for (const body of bodies) {
      const { items, parked } = parseWebhook(Buffer.from(body, 'latin1'))
      expect(items).to.deep.equal([])
      expect(parked).to.have.length(1)
    }
  })

  it('never throws, whatever 3,000 mutations make of real bodies, nor do the readers of its items', () => {
    const seeds = [
      whatsapp({ contacts, messages: [hello], statuses: [sent] }),
      page(fromAna({ message: { mid: 'm_1', text: 'x' } }), fromAna({ read: { watermark: 5 } })),
    ]
    const values = [null, true, 0, -1, 1e308, '', 'constructor', '__proto__', [], {}, [null], { id: {} }, '\ud800', 'x'.repeat(600)]
    let state = 7
    const pick = (count: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return (state >>> 8) % count
    }
    for (let round = 0; round < 3_000; round++) {
      const body = structuredClone(seeds[round % 2]) as object
      for (let change = 0; change <= pick(3); change++) mutate(body, pick, values)
      const text = JSON.stringify(body)
      const cut = round % 5 === 0 ? text.slice(0, pick(text.length)) : text
      for (const item of parseWebhook(Buffer.from(cut)).items) {
        expect(item.dedupKey).to.have.length(43)
        for (const read of [readWhatsapp, readMessaging]) expect(read(item).type).to.be.a('string')
      }
    }
  })
})

function readText(raw: object): unknown {
  return (raw as { message: { text: string } }).message.text
}

/** Replaces, removes or renames something at a random depth. */
function mutate(body: object, pick: (count: number) => number, values: unknown[]): void {
  let at = body as Record<string, unknown>
  for (;;) {
    const keys = Object.keys(at)
    const key = keys[pick(Math.max(1, keys.length))]
    if (key === undefined) return
    const below = at[key]
    if (typeof below === 'object' && below !== null && pick(4) > 0) {
      at = below as Record<string, unknown>
      continue
    }
    if (pick(4) === 0) delete at[key]
    else at[key] = values[pick(values.length)]
    return
  }
}
