import {
  extractMessageContext,
  extractMessageEditContext,
  extractWebhookEvents,
  getAttachmentUrls,
  getWebhookEventType,
  type MessageEditWebhookEvent,
  type MessageWebhookEvent,
  Messenger,
  verifyWebhookSignature,
  verifyWebhookSubscription,
  WebhookEventType,
} from '@warriorteam/messenger-sdk'
import { expect } from 'chai'
import { answerChallenge } from '../../../bridges/protocols/graph/challenge.ts'
import { createGraphClient } from '../../../bridges/protocols/graph/graph-client.ts'
import { parseWebhook } from '../../../bridges/protocols/graph/webhook.ts'
import { buildReaction, buildSenderAction } from '../../../bridges/protocols/messaging/messaging.ts'
import { buildAttachment, buildAttachmentUpload, readAttachmentUploaded } from '../../../bridges/protocols/messaging/messaging-media.ts'
import { buildMessengerText } from '../../../bridges/protocols/messaging/messenger.ts'
import { createClock } from '../../../bridges/sandbox/clock.ts'
import { encodeEnvelope } from '../../../bridges/sandbox/envelope.ts'
import type { ScriptedPerson } from '../../../bridges/sandbox/people.ts'
import { type Sandbox, startSandbox } from '../../../bridges/sandbox/sandbox.ts'
import { type Receiver, startReceiver } from './receiver.ts'

type Payload = Parameters<typeof extractWebhookEvents>[0]
type BaseEvent = ReturnType<typeof extractWebhookEvents>[number]

const bytes = Buffer.from('a picture of a thousand words')
const data = bytes.toString('base64')

describe('a third-party SDK of Messenger and the sandbox', () => {
  let sandbox: Sandbox
  let receiver: Receiver
  let ana: ScriptedPerson
  let sdk: Messenger

  beforeEach(async () => {
    sandbox = await startSandbox({ clock: createClock(1_770_000_000_000) })
    const { accessToken, appSecret } = sandbox.accounts.messenger
    sdk = new Messenger({ accessToken, version: 'v25.0', baseUrl: sandbox.url, maxRetries: 1 })
    receiver = await startReceiver(appSecret, 'verify me')
    await sandbox.control.setWebhook({ object: 'page', url: receiver.url, verifyToken: 'verify me' })
    ana = await sandbox.person({ network: 'messenger', name: 'Ana Bell' })
  })

  afterEach(async () => {
    await sandbox.close()
    await receiver.close()
  })

  const events = async () => {
    await sandbox.control.settle({ network: 'messenger' })
    const all: BaseEvent[] = []
    for (const [at, body] of receiver.bodies.entries()) {
      const { isValid } = await verifyWebhookSignature(body, receiver.signatures[at], sandbox.accounts.messenger.appSecret)
      expect(isValid).to.equal(true)
      all.push(...extractWebhookEvents(JSON.parse(body.toString()) as Payload))
    }
    return all
  }
  const upload = async () => {
    const { id, accessToken } = sandbox.accounts.messenger
    const client = createGraphClient({ baseUrl: sandbox.url, accessToken })
    const file = {
      name: 'a.png',
      mime: 'image/png',
      open: async function* () {
        yield bytes
      },
    }
    const result = await client.call(buildAttachmentUpload('messenger', id, 'image', file))
    await client.close()
    if (result.kind !== 'done') throw new Error(result.words)
    return readAttachmentUploaded(result.body)!.id
  }

  it('verifies and sorts what a person does', async () => {
    const said = await ana.says('Grüße 👋')
    await ana.says('again', { replyTo: said })
    await ana.edits(said, 'Grüße!')
    await ana.reacts(said, '❤')
    await ana.sends({ files: [{ kind: 'image', mime: 'image/png', data }], text: 'look' })
    await sdk.send.message({ recipient: { id: ana.info.id }, messaging_type: 'RESPONSE', message: { text: 'hello', metadata: 'tag-1' } })
    await ana.reads()
    const all = await events()
    const types = all.map((event) => getWebhookEventType(event))
    const { MESSAGE, MESSAGE_EDIT, MESSAGE_REACTION, MESSAGE_ECHO, MESSAGE_READ } = WebhookEventType
    // The SDK knows no deliveries.
    expect(types).to.deep.equal([MESSAGE, MESSAGE, MESSAGE_EDIT, MESSAGE_REACTION, MESSAGE, MESSAGE_ECHO, null, MESSAGE_READ])
    const reply = extractMessageContext(all[1] as unknown as MessageWebhookEvent)
    expect(reply).to.include({ senderId: ana.info.id, text: 'again', isReply: true, repliedToMessageId: said, hasAttachments: false })
    expect(extractMessageEditContext(all[2] as unknown as MessageEditWebhookEvent)).to.include({
      messageId: said,
      updatedText: 'Grüße!',
      editCount: 1,
    })
    const [url] = getAttachmentUrls((all[4] as unknown as MessageWebhookEvent).message)
    expect(Buffer.from(await (await fetch(url!)).arrayBuffer())).to.deep.equal(bytes)
  })

  it('does not take what is signed wrongly on purpose, and neither does our webhook', async () => {
    await sandbox.control.setDelivery({ network: 'messenger', forgeNext: 1 })
    await ana.says('forged')
    await sandbox.control.settle({ network: 'messenger' })
    const { isValid } = await verifyWebhookSignature(receiver.bodies[0]!, receiver.signatures[0], sandbox.accounts.messenger.appSecret)
    expect([isValid, receiver.badSignatures, receiver.items.length]).to.deep.equal([false, 1, 0])
  })

  it('answers the challenge as our webhook does', () => {
    const query = { 'hub.mode': 'subscribe', 'hub.challenge': '1158201444', 'hub.verify_token': 'secret' }
    const answer = answerChallenge(query, 'secret')
    expect(answer).to.deep.equal({ status: 200, body: verifyWebhookSubscription(query as never, 'secret') })
    expect(verifyWebhookSubscription(query as never, 'other')).to.equal(null)
    expect(answerChallenge(query, 'other')).to.deep.equal({ status: 403 })
  })

  it('sends texts, files, marks and reactions, and the person sees them', async () => {
    const said = await ana.says('hi')
    const to = ana.info.id
    const attachment = await upload()
    const sent = await sdk.send.message({ recipient: { id: to }, messaging_type: 'RESPONSE', message: { text: 'hello' } })
    await sdk.send.attachment({ recipient: { id: to }, type: 'image', attachment_id: attachment })
    await sdk.send.markSeen(to)
    await sdk.send.addReaction(to, { messageId: said, emoji: '❤' })
    await sdk.send.typingOn(to)
    const { messages, typing } = await ana.view()
    expect(messages[0]).to.deep.include({ seen: true, reactions: [{ from: 'Tombolo Bikes', emoji: '❤' }] })
    expect(messages[1]).to.include({ id: sent.message_id, text: 'hello' })
    expect(messages[2]?.files?.[0]).to.include({ kind: 'image', size: bytes.length })
    expect(typing).to.equal(true)
    await sdk.send.removeReaction(to, said)
    await sdk.send.typingOff(to)
    expect((await ana.view()).typing).to.equal(false)
    expect((await ana.sees())[0]).to.not.have.property('reactions')
    expect(await sdk.profile.getBasic(to)).to.include({ first_name: 'Ana', last_name: 'Bell' })
  })

  it('understands the errors of the sandbox', async () => {
    const send = () => sdk.send.message({ recipient: { id: ana.info.id }, messaging_type: 'RESPONSE', message: { text: 'hi' } })
    const failing = () => send().catch((error: unknown) => error)
    expect(await failing()).to.include({ name: 'MessengerAPIError', code: 100, subcode: 2018001 })
    await ana.says('hi')
    await sandbox.control.advance({ ms: 25 * 3_600_000 })
    expect(await failing()).to.include({ code: 10, subcode: 2018278 })
    const asHuman = { recipient: { id: ana.info.id }, messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT', message: { text: 'I am one' } }
    await sdk.send.message(asHuman as never)
    expect((await ana.sees()).at(-1)?.text).to.equal('I am one')
    await sandbox.control.setToken({ network: 'messenger', revoked: true })
    expect(await failing()).to.include({ code: 190, subcode: 460 })
  })

  it('writes the same requests as our builders', async () => {
    const bodies: unknown[] = []
    const real = globalThis.fetch
    globalThis.fetch = (async (_input: unknown, init?: RequestInit) => {
      bodies.push(JSON.parse(String(init?.body)))
      return new Response('{"recipient_id":"1","message_id":"m_1"}', { headers: { 'content-type': 'application/json' } })
    }) as typeof fetch
    try {
      await sdk.send.message({ recipient: { id: '1' }, messaging_type: 'RESPONSE', message: { text: 'hi', metadata: 'tag' } })
      await sdk.send.message({
        recipient: { id: '1' },
        messaging_type: 'MESSAGE_TAG',
        tag: 'HUMAN_AGENT',
        message: { text: 'hi' },
      } as never)
      await sdk.send.attachment({ recipient: { id: '1' }, type: 'image', attachment_id: '7' })
      await sdk.send.markSeen('1')
      await sdk.send.addReaction('1', { messageId: 'm_1', emoji: '❤' })
      await sdk.send.removeReaction('1', 'm_1')
    } finally {
      globalThis.fetch = real
    }
    const ours = [
      buildMessengerText('me', { to: '1', text: 'hi', tag: 'tag' }),
      buildMessengerText('me', { to: '1', text: 'hi', humanAgent: true }),
      buildAttachment('me', { to: '1', kind: 'image', media: { id: '7' } }),
      buildSenderAction('me', '1', 'mark_seen'),
      buildReaction('me', '1', 'm_1', '❤'),
      buildReaction('me', '1', 'm_1', undefined),
    ]
    // The SDK says with actions, too, that they are a response; the documentation does not ask for it.
    const expected = ours.map(({ json }) => ({ messaging_type: 'RESPONSE', ...json }))
    expect(bodies).to.deep.equal(expected)
  })

  it('agrees with our reader on how many events a body holds', () => {
    const account = sandbox.accounts.messenger
    const event = (mid: string) => ({ sender: { id: '1' }, recipient: { id: account.id }, timestamp: 1, message: { mid, text: mid } })
    const body = encodeEnvelope(account, [event('m_1'), event('m_2')], 2)
    const theirs = extractWebhookEvents(JSON.parse(body.toString()) as Payload)
    expect(theirs).to.have.length(2)
    expect(parseWebhook(body).items).to.have.length(2)
  })
})
