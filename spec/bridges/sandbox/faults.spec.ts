import { expect } from 'chai'
import { createGraphClient, type GraphClient } from '../../../bridges/protocols/graph/graph-client.ts'
import { buildWhatsappAccount, buildWhatsappText, readWhatsapp } from '../../../bridges/protocols/graph/whatsapp.ts'
import { readMessaging } from '../../../bridges/protocols/messaging/messaging.ts'
import { buildMessengerText } from '../../../bridges/protocols/messaging/messenger.ts'
import { type Network, objectOf } from '../../../bridges/sandbox/accounts.ts'
import { createClock } from '../../../bridges/sandbox/clock.ts'
import type { ScriptedPerson } from '../../../bridges/sandbox/people.ts'
import { type Sandbox, startSandbox } from '../../../bridges/sandbox/sandbox.ts'
import { createSandboxClient } from '../../../bridges/sandbox/sandbox-client.ts'
import { type Receiver, startReceiver } from './receiver.ts'

describe('the fault switches of the sandbox', () => {
  let sandbox: Sandbox
  let receiver: Receiver
  let client: GraphClient
  let ana: ScriptedPerson
  let network: Network

  async function open(chosen: Network): Promise<void> {
    network = chosen
    sandbox = await startSandbox({ clock: createClock(1_770_000_000_000), firstRetryMs: 5, longestRetryMs: 20 })
    const { appSecret, accessToken } = sandbox.accounts[network]
    receiver = await startReceiver(appSecret, 'verify me')
    client = createGraphClient({ baseUrl: sandbox.url, accessToken })
    await sandbox.control.setWebhook({ object: objectOf[network], url: receiver.url, verifyToken: 'verify me' })
    ana = await sandbox.person({ network, name: 'Ana', ...(network === 'whatsapp' ? { phone: '15551234567' } : {}) })
  }

  afterEach(async () => {
    await Promise.all([client.close(), sandbox.close(), receiver.close()])
  })

  const records = async () => {
    await sandbox.control.settle({ network })
    return receiver.items.map((item) => (network === 'whatsapp' ? readWhatsapp(item) : readMessaging(item)))
  }
  const texts = async () => (await records()).map((record) => (record.type === 'text' ? record.text : record.type))
  const send = (text: string) => {
    const { id } = sandbox.accounts[network]
    const request =
      network === 'whatsapp'
        ? buildWhatsappText(id, { to: { phone: '15551234567' }, text })
        : buildMessengerText(id, { to: ana.info.id, text })
    return client.call(request)
  }

  it('lose so many webhooks and no more', async () => {
    await open('messenger')
    await sandbox.control.setDelivery({ network, dropNext: 2 })
    for (const text of ['one', 'two', 'three']) await ana.says(text)
    expect(await texts()).to.deep.equal(['three'])
  })

  it('hold webhooks back for a while, in their order', async () => {
    await open('messenger')
    await sandbox.control.setDelivery({ network, delayMs: 30 })
    const from = performance.now()
    for (const text of ['one', 'two']) await ana.says(text)
    expect(await texts()).to.deep.equal(['one', 'two'])
    // A timer may be early by a part of a millisecond.
    expect(performance.now() - from).to.be.at.least(2 * 30 - 2)
  })

  it('sign webhooks wrongly: they have no effect, and the sandbox tells when one was accepted all the same', async () => {
    await open('whatsapp')
    await sandbox.control.setDelivery({ network, forgeNext: 2 })
    for (const text of ['one', 'two', 'three']) await ana.says(text)
    expect(await texts()).to.deep.equal(['three'])
    expect(receiver.badSignatures).to.equal(2)
    // The receiver of this spec answers 200 to what it throws away; a bridge answers 401.
    expect(await sandbox.control.stats({ network })).to.include({ forgedAccepted: 2, accepted: 1 })
  })

  for (const each of ['whatsapp', 'messenger'] as const) {
    it(`limit the rate of ${each} as the network says it`, async () => {
      await open(each)
      await ana.says('hi')
      await sandbox.control.setFault({ network, kind: 'rate_limit', times: 2 })
      for (const text of ['one', 'two']) expect(await send(text)).to.include({ kind: 'retry', class: 'rate_limited' })
      expect(await send('three')).to.have.property('kind', 'done')
      expect((await ana.sees()).map(({ text }) => text)).to.deep.equal(['hi', 'three'])
    })

    it(`revoke the token of ${each} with a call, until it is made good again`, async () => {
      await open(each)
      await ana.says('hi')
      await sandbox.control.setFault({ network, kind: 'revoke' })
      for (const text of ['one', 'two']) expect(await send(text)).to.include({ kind: 'refused', class: 'credentials', subcode: 460 })
      await sandbox.control.setToken({ network, expired: false })
      expect(await send('three')).to.have.property('kind', 'done')
    })
  }

  it('let a token end by the clock', async () => {
    await open('whatsapp')
    await sandbox.control.setToken({ network, expiresInMs: 60_000 })
    const ask = () => client.call(buildWhatsappAccount(sandbox.accounts.whatsapp.id))
    const { appId, appSecret, accessToken } = sandbox.accounts.whatsapp
    const inspect = async () => {
      const url = `${sandbox.url}/v25.0/debug_token?input_token=${accessToken}&access_token=${appId}|${appSecret}`
      return ((await (await fetch(url)).json()) as { data: object }).data
    }
    expect(await ask()).to.have.property('kind', 'done')
    expect(await inspect()).to.include({ is_valid: true, expires_at: 1_770_000_060 })
    await sandbox.control.advance({ ms: 60_000 })
    expect(await ask()).to.include({ kind: 'refused', class: 'credentials', subcode: 463 })
    expect(await inspect()).to.include({ is_valid: false })
  })

  it('withhold edits and withdrawals from a number that is used with the API alone, and tell them in coexistence', async () => {
    await open('whatsapp')
    const id = await ana.says('helo')
    await ana.edits(id, 'hello')
    expect((await records())[1]).to.include({ type: 'unsupported', nativeType: 'edit' })
    await sandbox.control.setCoexistence({ on: true })
    await ana.edits(id, 'hello!')
    await ana.unsends(id)
    const typed = await sandbox.control.sayFromInbox({ network, person: 'Ana', text: 'from the app' })
    const all = await records()
    expect(all[2]).to.deep.include({ type: 'edit', target: id, text: 'hello!', own: false })
    expect(all[3]).to.deep.include({ type: 'deleted', target: id, own: false })
    expect(all[4]).to.deep.include({ type: 'text', id: typed.id, text: 'from the app', own: true })
    expect(all[4]).to.have.nested.property('person.phone', '15551234567')
    await sandbox.control.setCoexistence({ on: false })
    const refused = await sandbox.control.sayFromInbox({ network, person: 'Ana', text: 'x' }).catch((error: Error) => error.message)
    expect(refused).to.contain('WhatsApp')
  })

  it('work over HTTP as in the process, and refuse what is none', async () => {
    await open('messenger')
    const control = createSandboxClient(sandbox.url)
    const who = { network, person: 'Ana' }
    const files = [{ kind: 'image' as const, mime: 'image/png', data: Buffer.alloc(1_500_000, 1).toString('base64') }]
    await control.send({ ...who, files, text: 'large' })
    expect((await ana.sees())[0]?.files?.[0]).to.include({ size: 1_500_000 })
    await control.setFault({ network, kind: 'expire', at: 'download' })
    await control.setDelivery({ network, dropNext: 1, forgeNext: 0, delayMs: 0 })
    const refused = async (promise: Promise<unknown>) => promise.then(() => 'taken').catch((error: Error) => error.message)
    expect(await refused(control.send({ ...who }))).to.equal('there is nothing to send')
    expect(await refused(control.send({ ...who, files: [{ kind: 'x' as never, mime: 'a/b', data: '' }] }))).to.equal('this is no file')
    expect(await refused(control.send({ ...who, files: 'x' as never }))).to.equal('files must be a list')
    expect(await refused(control.setFault({ network, kind: 'cut', at: 'nowhere' as never }))).to.equal('there is no such fault')
    expect(await refused(control.setToken({ network, expiresInMs: -1 }))).to.equal('expiresInMs must be a number')
  })
})
