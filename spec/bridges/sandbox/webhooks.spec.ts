import { expect } from 'chai'
import { createGraphClient, type GraphClient, type GraphRequest } from '../../../bridges/protocols/graph/graph-client.ts'
import type { NetworkRecord } from '../../../bridges/protocols/graph/record.ts'
import { buildWhatsappText, readWhatsapp } from '../../../bridges/protocols/graph/whatsapp.ts'
import { buildInstagramText } from '../../../bridges/protocols/messaging/instagram.ts'
import { readMessaging } from '../../../bridges/protocols/messaging/messaging.ts'
import { buildMessengerText } from '../../../bridges/protocols/messaging/messenger.ts'
import { type Network, objectOf } from '../../../bridges/sandbox/accounts.ts'
import { createClock } from '../../../bridges/sandbox/clock.ts'
import type { ScriptedPerson } from '../../../bridges/sandbox/people.ts'
import { type Sandbox, startSandbox } from '../../../bridges/sandbox/sandbox.ts'
import { type Receiver, startReceiver } from './receiver.ts'

const start = 1_770_000_000_000

describe('the webhooks of the sandbox', () => {
  let sandbox: Sandbox
  let receiver: Receiver
  let client: GraphClient
  let ana: ScriptedPerson
  let network: Network

  async function open(chosen: Network): Promise<void> {
    network = chosen
    sandbox = await startSandbox({ clock: createClock(start), firstRetryMs: 5, longestRetryMs: 20 })
    const account = sandbox.accounts[network]
    receiver = await startReceiver(account.appSecret, 'verify me')
    client = createGraphClient({ baseUrl: sandbox.url, accessToken: account.accessToken })
    await sandbox.control.setWebhook({ object: objectOf[network], url: receiver.url, verifyToken: 'verify me' })
    ana = await sandbox.person({ network, name: 'Ana', ...(network === 'whatsapp' ? { phone: '15551234567' } : {}) })
  }

  afterEach(async () => {
    await client.close()
    await sandbox.close()
    await receiver.close()
  })

  const records = async (): Promise<NetworkRecord[]> => {
    await sandbox.control.settle({ network })
    expect(receiver.badSignatures).to.equal(0)
    expect(receiver.parked).to.equal(0)
    return receiver.items.map((item) => (network === 'whatsapp' ? readWhatsapp(item) : readMessaging(item)))
  }
  const send = (text: string, tag = 'tag-1') => {
    const { id } = sandbox.accounts[network]
    const requests: Record<Network, () => GraphRequest> = {
      whatsapp: () => buildWhatsappText(id, { to: { phone: ana.info.phone! }, text, tag }),
      messenger: () => buildMessengerText(id, { to: ana.info.id, text, tag }),
      instagram: () => buildInstagramText(id, { to: ana.info.id, text }),
    }
    return client.call(requests[network]())
  }
  const brief = (record: NetworkRecord) =>
    record.type === 'status' || record.type === 'watermark' ? record.state : record.type === 'text' && record.own ? 'echo' : record.type

  it('bring a text of WhatsApp signed over its escaped bytes, with name, number and user id', async () => {
    await open('whatsapp')
    const id = await ana.says('Grüße 👋 </script>')
    expect(await records()).to.deep.equal([
      {
        type: 'text',
        text: 'Grüße 👋 </script>',
        id,
        person: { id: ana.info.userId, phone: '15551234567', name: 'Ana' },
        own: false,
        at: start,
      },
    ])
    const body = receiver.bodies[0]!.toString('latin1')
    expect(body).to.contain('Gr\\u00fc\\u00dfe \\ud83d\\udc4b <\\/script>')
    expect(receiver.items[0]).to.include({ object: 'whatsapp_business_account', accountId: sandbox.accounts.whatsapp.id, kind: 'message' })
  })

  it('report a send of WhatsApp as sent, delivered once the phone is on, read once looked at, each with the tag', async () => {
    await open('whatsapp')
    await ana.says('hi')
    await ana.becomes({ online: false })
    await send('x')
    expect((await records()).map(brief)).to.deep.equal(['text', 'sent'])
    await ana.reads()
    expect((await records()).map(brief)).to.deep.equal(['text', 'sent'])
    await ana.becomes({ online: true })
    await ana.reads()
    expect((await records()).map(brief)).to.deep.equal(['text', 'sent', 'delivered', 'read'])
    for (const record of (await records()).slice(1)) expect(record).to.include({ type: 'status', tag: 'tag-1' })
  })

  it('report a send of Messenger by an echo with its metadata and by watermarks', async () => {
    await open('messenger')
    await ana.says('hi')
    await send('x')
    await ana.reads()
    const all = await records()
    expect(all.map(brief)).to.deep.equal(['text', 'echo', 'delivered', 'read'])
    expect(all[1]).to.deep.include({ text: 'x', tag: 'tag-1', appId: sandbox.accounts.messenger.appId, person: { id: ana.info.id } })
    expect(all[3]).to.include({ upTo: start })
  })

  it('report a send of Instagram by an echo without metadata and by the message read, never as delivered', async () => {
    await open('instagram')
    await ana.says('hi')
    const sent = await send('x')
    await ana.reads()
    const all = await records()
    expect(all.map(brief)).to.deep.equal(['text', 'echo', 'read'])
    expect(all[1]).to.not.have.property('tag')
    expect(all[2]).to.deep.include({ ids: [sent.kind === 'done' && sent.body['message_id']] })
  })

  it('tell what else a person does on Instagram, and what the owner types in the inbox', async () => {
    await open('instagram')
    const id = await ana.says('hi')
    await ana.edits(id, 'hi!')
    await ana.reacts(id, '❤')
    await ana.reacts(id)
    await ana.unsends(id)
    await ana.says('', { unsupported: 'view_once' })
    const own = await sandbox.control.sayFromInbox({ network, person: 'Ana', text: 'typed' })
    const all = await records()
    expect(all.map(brief)).to.deep.equal(['text', 'edit', 'reaction', 'reaction', 'deleted', 'unsupported', 'echo'])
    expect(all[6]).to.include({ id: own.id, text: 'typed' }).and.not.have.property('appId')
    expect((await ana.sees())[0]).to.include({ text: '', deleted: true })
  })

  it('tell of a message that failed after it was accepted', async () => {
    await open('whatsapp')
    await ana.says('hi')
    const error = { status: 400, code: 131026, message: '(#131026) Message undeliverable' }
    await sandbox.control.setFault({ network, kind: 'fail_later', error })
    expect(await send('x')).to.have.property('kind', 'done')
    const all = await records()
    expect(all.map(brief)).to.deep.equal(['text', 'sent', 'failed'])
    expect(all[2]).to.have.nested.property('failure.class', 'recipient_unreachable')
    expect(await ana.sees()).to.have.length(1)
  })

  it('keep coming until they are answered with 200, the same bytes, in their order', async () => {
    await open('messenger')
    receiver.refuseNext(3)
    await ana.says('one')
    await ana.says('two')
    const all = await records()
    expect(all.map((record) => record.type === 'text' && record.text)).to.deep.equal(['one', 'two'])
    expect(receiver.bodies).to.have.length(5)
    for (const body of receiver.bodies.slice(1, 4)) expect(body.equals(receiver.bodies[0]!)).to.equal(true)
    expect(await sandbox.control.stats({ network })).to.deep.equal({ waiting: 0, posts: 5, accepted: 2, forgedAccepted: 0 })
  })

  it('wait for a bridge that is down and find it at its new address', async () => {
    await open('messenger')
    await receiver.close()
    await ana.says('anybody there?')
    await ana.says('hello?')
    const { appSecret } = sandbox.accounts.messenger
    receiver = await startReceiver(appSecret, 'again')
    await sandbox.control.setWebhook({ object: 'page', url: receiver.url, verifyToken: 'again' })
    expect((await records()).map((record) => record.type === 'text' && record.text)).to.deep.equal(['anybody there?', 'hello?'])
  })

  it('name the listing from which a buyer writes', async () => {
    await open('messenger')
    await ana.says('is the bike still there?', { product: 'bike-7' })
    expect((await records())[0]).to.include({ type: 'text', product: 'bike-7' })
  })

  it('come twice, batched and newest first when asked, and carry the same keys as ever', async () => {
    await open('messenger')
    await sandbox.control.setDelivery({ network, held: true, extraCopies: 1, batch: 2, reversed: true })
    for (const text of ['one', 'two', 'three']) await ana.says(text)
    expect(receiver.bodies).to.have.length(0)
    await sandbox.control.setDelivery({ network, held: false })
    const written = (await records()).map((record) => record.type === 'text' && record.text)
    expect(written).to.deep.equal(['three', 'two', 'three', 'two', 'one', 'one'])
    expect(new Set(receiver.items.map(({ dedupKey }) => dedupKey))).to.have.length(3)
  })

  it('overtake the answer of the send that caused them when asked', async () => {
    await open('messenger')
    await ana.says('hi')
    await sandbox.control.settle({ network })
    await sandbox.control.setDelivery({ network, early: true })
    await send('x')
    expect(receiver.items.map(({ kind }) => kind)).to.deep.equal(['message', 'echo', 'delivery'])
  })

  it('are not taken by an endpoint that fails the challenge', async () => {
    await open('messenger')
    const refused = await sandbox.control
      .setWebhook({ object: 'page', url: receiver.url, verifyToken: 'wrong' })
      .catch((error: Error) => error.message)
    expect(refused).to.contain('403')
    const { appId, appSecret } = sandbox.accounts.messenger
    const app = createGraphClient({ baseUrl: sandbox.url, accessToken: `${appId}|${appSecret}` })
    const subscribe = (verify_token: string) =>
      app.call({ method: 'POST', path: `/${appId}/subscriptions`, form: { object: 'page', callback_url: receiver.url, verify_token } })
    expect(await subscribe('wrong')).to.include({ kind: 'refused', code: 2200 })
    expect(await subscribe('verify me')).to.deep.equal({ kind: 'done', body: { success: true } })
    await app.close()
  })
})
