import { WhatsAppClient } from '@kapso/whatsapp-cloud-api'
import { normalizeWebhook, verifySignature } from '@kapso/whatsapp-cloud-api/server'
import { expect } from 'chai'
import { WhatsAppAPI } from 'whatsapp-api-js'
import {
  Audio,
  BodyComponent,
  BodyParameter,
  Contacts,
  Document,
  Image,
  Language,
  Location,
  Name,
  Phone,
  Reaction,
  Sticker,
  Template,
  Text,
  Video,
} from 'whatsapp-api-js/messages'
import type { ClientMessage, PostData } from 'whatsapp-api-js/types'
import type { GraphRequest } from '../../../bridges/protocols/graph/graph-client.ts'
import { buildWhatsappReaction, buildWhatsappRead, buildWhatsappText } from '../../../bridges/protocols/graph/whatsapp.ts'
import { buildWhatsappContacts, buildWhatsappLocation, buildWhatsappMedia } from '../../../bridges/protocols/graph/whatsapp-media.ts'
import { buildWhatsappTemplate } from '../../../bridges/protocols/graph/whatsapp-templates.ts'
import { createClock } from '../../../bridges/sandbox/clock.ts'
import type { ScriptedPerson } from '../../../bridges/sandbox/people.ts'
import { type Sandbox, startSandbox } from '../../../bridges/sandbox/sandbox.ts'
import { type Receiver, startReceiver } from './receiver.ts'

const bytes = Buffer.from('a picture of a thousand words')
const data = bytes.toString('base64')
const phone = '15551234567'
const place = { latitude: 52.5, longitude: 13.4, name: 'Shop', address: 'Street 1' }

describe('third-party SDKs of WhatsApp and the sandbox', () => {
  let sandbox: Sandbox
  let receiver: Receiver
  let ana: ScriptedPerson
  let sdk: WhatsAppAPI
  let kapso: WhatsAppClient
  let number: string
  /** What the SDKs sent to `/messages`, in order. */
  let sent: Record<string, unknown>[]

  beforeEach(async () => {
    sandbox = await startSandbox({ clock: createClock(1_770_000_000_000) })
    const { accessToken, appSecret, id } = sandbox.accounts.whatsapp
    number = id
    sent = []
    const toSandbox: typeof fetch = (input, init) => {
      if (typeof init?.body === 'string') sent.push(JSON.parse(init.body) as Record<string, unknown>)
      return fetch(String(input).replace('https://graph.facebook.com', sandbox.url), init)
    }
    sdk = new WhatsAppAPI({ token: accessToken, appSecret, v: 'v25.0', ponyfill: { fetch: toSandbox } })
    kapso = new WhatsAppClient({ accessToken, baseUrl: sandbox.url, graphVersion: 'v25.0', fetch: toSandbox })
    receiver = await startReceiver(appSecret, 'verify me')
    await sandbox.control.setWebhook({ object: 'whatsapp_business_account', url: receiver.url, verifyToken: 'verify me' })
    ana = await sandbox.person({ network: 'whatsapp', name: 'Ana', phone })
  })

  afterEach(async () => {
    await sandbox.close()
    await receiver.close()
  })

  const pushed = async () => {
    await sandbox.control.settle({ network: 'whatsapp' })
    return receiver.bodies.map((body, at) => ({ body, signature: receiver.signatures[at]!, json: JSON.parse(body.toString()) as PostData }))
  }
  const recipient = () => ({ phone, bsuid: ana.info.userId! })
  const upload = async () => (await kapso.media.upload({ phoneNumberId: number, type: 'image/png', file: new Blob([bytes]) })).id

  it('verify and read every kind of message that a person sends', async () => {
    const said = await ana.says('Grüße 👋')
    await ana.says('again', { replyTo: said })
    await ana.reacts(said, '🎉')
    await ana.sends({ files: [{ kind: 'image', mime: 'image/png', data }], text: 'look' })
    await ana.sends({ files: [{ kind: 'voice', mime: 'audio/ogg', data }] })
    await ana.sends({ files: [{ kind: 'file', mime: 'application/pdf', data, name: 'a.pdf' }] })
    await ana.sends({ files: [{ kind: 'sticker', mime: 'image/webp', data }], forwarded: 'once' })
    await ana.sends({ place })
    await ana.sends({ cards: [{ name: { formatted_name: 'Bo', first_name: 'Bo' }, phones: [{ phone: '+1' }] }] })
    await ana.says('', { unsupported: 'poll_creation' })
    const types: string[] = []
    sdk.on.message = ({ phoneID, from, name, message, contact }) => {
      expect({ phoneID, from, name, user: contact.user_id }).to.deep.equal({
        phoneID: number,
        from: phone,
        name: 'Ana',
        user: ana.info.userId,
      })
      types.push(message.type)
    }
    const normalized: string[] = []
    for (const { body, signature, json } of await pushed()) {
      await sdk.post(json, body.toString('latin1'), signature)
      expect(verifySignature({ appSecret: sandbox.accounts.whatsapp.appSecret, rawBody: body, signatureHeader: signature })).to.equal(true)
      const { object, phoneNumberId, contacts, messages } = normalizeWebhook(json)
      expect([object, phoneNumberId, contacts[0]?.userId]).to.deep.equal(['whatsapp_business_account', number, ana.info.userId])
      normalized.push(...messages.map((message) => `${message.type} ${message.kapso?.direction}`))
    }
    const expected = ['text', 'text', 'reaction', 'image', 'audio', 'document', 'sticker', 'location', 'contacts', 'unsupported']
    expect(types).to.deep.equal(expected)
    expect(normalized).to.deep.equal(expected.map((type) => `${type} inbound`))
  })

  it('refuse what the sandbox signs wrongly on purpose', async () => {
    await sandbox.control.setDelivery({ network: 'whatsapp', forgeNext: 1 })
    await ana.says('forged')
    await ana.says('true')
    const [forged, real] = await pushed()
    expect(await sdk.verifyRequestSignature(forged!.body.toString('latin1'), forged!.signature)).to.equal(false)
    expect(await sdk.verifyRequestSignature(real!.body.toString('latin1'), real!.signature)).to.equal(true)
    expect(receiver.items).to.have.length(1)
    expect(receiver.badSignatures).to.equal(1)
  })

  it('read statuses with the tag that they sent along, and failures with their code', async () => {
    await ana.says('hi')
    const answer = await sdk.sendMessage(number, recipient(), new Text('hello'), undefined, 'tag-1')
    await ana.reads()
    const image = await upload()
    await kapso.messages.sendVideo({ phoneNumberId: number, to: phone, video: { id: image } })
    const seen: unknown[] = []
    sdk.on.status = ({ id, status, type, biz_opaque_callback_data: tag, error }) =>
      void seen.push([id === sentId(answer), status, type, tag, error?.code])
    for (const { body, signature, json } of await pushed()) await sdk.post(json, body.toString('latin1'), signature)
    expect(seen).to.deep.equal([
      ...['sent', 'delivered', 'read'].map((status) => [true, status, 'individual', 'tag-1', undefined]),
      ...[
        [false, 'sent', 'individual', undefined, undefined],
        [false, 'failed', 'individual', undefined, 131053],
      ],
    ])
    const statuses = receiver.bodies.flatMap((body) => normalizeWebhook(JSON.parse(body.toString())).statuses)
    expect(statuses.map(({ status }) => status)).to.deep.equal(['sent', 'delivered', 'read', 'sent', 'failed'])
  })

  it('send every kind, and the person sees it', async () => {
    const asked = await ana.says('hi')
    const form = new FormData()
    form.set('file', new Blob([bytes], { type: 'image/png' }), 'a.png')
    form.set('type', 'image/png')
    const uploaded = await sdk.uploadMedia(number, form)
    const id = 'id' in uploaded ? uploaded.id : ''
    const cards = new Contacts([new Name('Bo', 'Bo'), new Phone('+1')])
    const there = new Location(place.longitude, place.latitude, place.name, place.address)
    const messages: ClientMessage[] = [
      new Text('hello'),
      new Image(id, true, 'look'),
      new Document(id, true, 'read', 'a.pdf'),
      there,
      cards,
    ]
    for (const message of messages) expect(sentId(await sdk.sendMessage(number, recipient(), message))).to.match(/^wamid\./)
    await sdk.sendMessage(number, { bsuid: ana.info.userId! }, new Reaction(asked, '🎉'))
    await sdk.markAsRead(number, asked, 'text')
    await kapso.messages.sendImage({ phoneNumberId: number, to: phone, image: { id: await upload(), caption: 'kapso' } })
    const seen = await ana.sees()
    expect(
      seen.map(({ text, files, place: where, cards: shown }) => [text, files?.[0]?.kind ?? (where ? 'place' : shown ? 'cards' : 'text')]),
    ).to.deep.equal([
      ['hi', 'text'],
      ['hello', 'text'],
      ['look', 'image'],
      ['read', 'file'],
      ['', 'place'],
      ['', 'cards'],
      ['kapso', 'image'],
    ])
    expect(seen[0]).to.deep.include({ seen: true, reactions: [{ from: 'Tombolo Bikes', emoji: '🎉' }] })
    expect((await ana.view()).typing).to.equal(false)
  })

  it('fetch a file of a person by its id', async () => {
    await ana.sends({ files: [{ kind: 'image', mime: 'image/png', data }] })
    const [{ json } = { json: {} as PostData }] = await pushed()
    const id = String(normalizeWebhook(json).messages[0]?.image?.id)
    const node = await sdk.retrieveMedia(id, number)
    if (!('url' in node)) throw new Error('no address')
    const file = await sdk.fetchMedia(node.url)
    expect(Buffer.from(await file.arrayBuffer())).to.deep.equal(bytes)
    const again = await kapso.media.download({ mediaId: id, phoneNumberId: number, auth: 'always' })
    expect(Buffer.from(again as ArrayBuffer)).to.deep.equal(bytes)
  })

  it('write the same requests as our builders', async () => {
    const asked = await ana.says('hi')
    const to = { phone }
    const id = await upload()
    const target = { phoneNumberId: number, to: phone }
    const media = { id }
    const pairs: [() => Promise<unknown>, GraphRequest][] = [
      [() => kapso.messages.sendText({ ...target, body: 'hi', previewUrl: false }), buildWhatsappText(number, { to, text: 'hi' })],
      [
        () => kapso.messages.sendImage({ ...target, image: { id, caption: 'c' } }),
        buildWhatsappMedia(number, { to, kind: 'image', media, caption: 'c' }),
      ],
      [
        () => kapso.messages.sendDocument({ ...target, document: { id, filename: 'f' } }),
        buildWhatsappMedia(number, { to, kind: 'file', media, name: 'f' }),
      ],
      [() => kapso.messages.sendLocation({ ...target, location: place }), buildWhatsappLocation(number, { to, location: place })],
      [
        () => kapso.messages.sendReaction({ ...target, reaction: { messageId: asked, emoji: '🎉' } }),
        buildWhatsappReaction(number, to, asked, '🎉'),
      ],
      [
        () =>
          kapso.messages.sendContacts({
            ...target,
            contacts: [{ name: { formattedName: 'Bo', firstName: 'Bo' }, phones: [{ phone: '+1' }], emails: [] }],
          }),
        buildWhatsappContacts(number, { to, contacts: [{ name: 'Bo', phones: [{ number: '+1' }], emails: [] }] }),
      ],
      [
        () => kapso.messages.markRead({ phoneNumberId: number, messageId: asked, typingIndicator: { type: 'text' } }),
        buildWhatsappRead(number, asked, true),
      ],
    ]
    const bsuid = ana.info.userId!
    const byId = { userId: bsuid }
    const also: [ClientMessage, GraphRequest][] = [
      [new Audio(id, true, true), buildWhatsappMedia(number, { to: byId, kind: 'voice', media, replyTo: asked, tag: 'tag' })],
      [new Video(id, true, 'c'), buildWhatsappMedia(number, { to: byId, kind: 'video', media, caption: 'c', replyTo: asked, tag: 'tag' })],
      [new Sticker(id, true), buildWhatsappMedia(number, { to: byId, kind: 'sticker', media, replyTo: asked, tag: 'tag' })],
    ]
    for (const [message, request] of also) pairs.push([() => sdk.sendMessage(number, { bsuid }, message, asked, 'tag'), request])
    for (const [perform, request] of pairs) {
      sent = []
      await perform()
      expect(sent[0]).to.deep.equal(JSON.parse(JSON.stringify(request.json)))
    }
  })

  it('write a template as our builder does, with numbers and with names', async () => {
    const numbered = { name: 'order_update', language: 'en', slots: ['1', '2'] }
    const body = new BodyComponent(new BodyParameter('a'), new BodyParameter('b'))
    await sdk.sendMessage(number, { bsuid: ana.info.userId! }, new Template('order_update', new Language('en'), body), undefined, 'tag')
    const request = buildWhatsappTemplate(number, { to: { userId: ana.info.userId! }, template: numbered, values: ['a', 'b'], tag: 'tag' })
    expect(sent.pop()).to.deep.equal(JSON.parse(JSON.stringify(withPolicy(request).json)))
    const filled = (name: string, text: string) => ({ type: 'text' as const, parameterName: name, text })
    const components = [{ type: 'body' as const, parameters: [filled('first_name', 'a'), filled('day', 'b')] }]
    await kapso.messages.sendTemplate({
      phoneNumberId: number,
      to: phone,
      template: { name: 'tour_day', language: { code: 'de' }, components },
    })
    const named = { name: 'tour_day', language: 'de', slots: ['first_name', 'day'] }
    const other = buildWhatsappTemplate(number, { to: { phone }, template: named, values: ['a', 'b'] })
    expect(sent.pop()).to.deep.equal(JSON.parse(JSON.stringify(other.json)))
  })

  it('list the templates page by page, and send one when nothing else may be sent', async () => {
    const { entryId } = sandbox.accounts.whatsapp
    const first = await kapso.templates.list({ businessAccountId: entryId, limit: 4, status: 'APPROVED' })
    const names = (first as { data: { name: string }[] }).data.map(({ name }) => name)
    expect(names).to.deep.equal(['answer_ready', 'order_update', 'tour_day', 'offer_with_picture'])
    const order = new Template('order_update', 'en', new BodyComponent(new BodyParameter('Ana'), new BodyParameter('7')))
    expect(sentId(await sdk.sendMessage(number, recipient(), order))).to.match(/^wamid\./)
    const named = [
      {
        type: 'body' as const,
        parameters: ['Ana', 'Samstag'].map((text, at) => ({ type: 'text' as const, parameterName: ['first_name', 'day'][at], text })),
      },
    ]
    await kapso.messages.sendTemplate({
      phoneNumberId: number,
      to: phone,
      template: { name: 'tour_day', language: { code: 'de' }, components: named },
    })
    expect((await ana.sees()).map(({ text }) => text)).to.deep.equal(['Hi Ana, your order 7 is ready.', 'Hallo Ana, bis Samstag!'])
    const plain = (name: string) => sdk.sendMessage(number, recipient(), new Template(name, 'en')) as Promise<unknown>
    const codes: unknown[] = []
    for (const name of ['order_update', 'summer_sale', 'spring_sale', 'no_such'])
      codes.push(((await plain(name)) as { error: { code: number } }).error.code)
    expect(codes).to.deep.equal([132000, 132001, 132015, 132001])
  })

  it('understand the errors of the sandbox', async () => {
    const closed = await kapso.messages.sendText({ phoneNumberId: number, to: phone, body: 'hi' }).catch((error: unknown) => error)
    expect(closed).to.include({ name: 'GraphApiError', code: 131047 })
    await ana.says('hi')
    await sandbox.control.setFault({ network: 'whatsapp', kind: 'rate_limit' })
    const limited = await kapso.messages.sendText({ phoneNumberId: number, to: phone, body: 'hi' }).catch((error: unknown) => error)
    expect(limited).to.include({ name: 'GraphApiError', code: 130429, category: 'throttling' })
    await sandbox.control.setFault({ network: 'whatsapp', kind: 'revoke' })
    await kapso.messages.sendText({ phoneNumberId: number, to: phone, body: 'hi' }).catch(() => undefined)
    const revoked = await kapso.messages.sendText({ phoneNumberId: number, to: phone, body: 'hi' }).catch((error: unknown) => error)
    expect(revoked).to.include({ name: 'GraphApiError', code: 190, category: 'authorization' })
  })
})

/** The SDK names the only policy that there is. */
function withPolicy(request: GraphRequest): GraphRequest {
  const { template, ...json } = request.json as { template: { language: object } }
  return { ...request, json: { ...json, template: { ...template, language: { ...template.language, policy: 'deterministic' } } } }
}

function sentId(answer: unknown): string | undefined {
  return (answer as { messages?: { id: string }[] }).messages?.[0]?.id
}
