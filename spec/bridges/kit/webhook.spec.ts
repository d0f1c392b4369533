import { join } from 'node:path'
import { expect } from 'chai'
import { accept, forgetMalformed } from '../../../bridges/kit/inbox.ts'
import { DurableAppService } from '../../../bridges/kit/matrix/appservice.ts'
import { countAside } from '../../../bridges/kit/store/inbox.store.ts'
import { openStore, type Store } from '../../../bridges/kit/store/store.ts'
import { openVault, type Vault } from '../../../bridges/kit/vault.ts'
import { mountWebhook } from '../../../bridges/kit/webhook.ts'
import { createMessenger } from '../../../bridges/messenger/connector.ts'
import { encodeEnvelope, signatureHeaders } from '../../../bridges/sandbox/envelope.ts'
import { type Sandbox, startSandbox } from '../../../bridges/sandbox/sandbox.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { selectNewInbox } from './queues.ts'

describe('the webhook', () => {
  let folder: string
  let store: Store
  let vault: Vault
  let sandbox: Sandbox
  let service: DurableAppService
  let url: string

  beforeEach(async () => {
    folder = temporaryFolder()
    store = openStore(join(folder, 'bridge.db'))
    vault = openVault('messenger', join(folder, 'vault.key'))
    sandbox = await startSandbox({ firstRetryMs: 5, longestRetryMs: 20 })
    service = new DurableAppService()
    const connector = createConnector()
    mountWebhook(service.app, connector.webhook, (items) => void accept({ store, vault, connector, clock: Date.now }, items))
    await service.listen(0, '127.0.0.1')
    url = `http://127.0.0.1:${service.port}/webhook`
  })
  afterEach(async () => {
    await sandbox.close()
    await service.close()
    store.close()
    removeFolder(folder)
  })

  const createConnector = () => {
    const { appSecret } = sandbox.accounts.messenger
    return createMessenger({ baseUrl: sandbox.url, version: 'v25.0', appSecret, verifyToken: 'a word' })
  }
  const kept = () => selectNewInbox(store, 0, 1000).length
  const post = (body: Buffer, headers: Record<string, string>) => fetch(url, { method: 'POST', body, headers })
  const text = (mid: string) => ({
    ...{ sender: { id: '5' }, recipient: { id: sandbox.accounts.messenger.id }, timestamp: 1 },
    message: { mid, text: 'Grüße' },
  })
  const signed = (...mids: string[]) => {
    const body = encodeEnvelope(sandbox.accounts.messenger, mids.map(text), 1)
    return { body, headers: signatureHeaders(body, sandbox.accounts.messenger.appSecret) }
  }

  it('is set up with the right word, and has then what people write on disk', async () => {
    await sandbox.control.setWebhook({ object: 'page', url, verifyToken: 'a word' })
    const ana = await sandbox.person({ network: 'messenger', name: 'Ana' })
    await ana.says('hello')
    await ana.says('again')
    await sandbox.control.settle({ network: 'messenger' })
    expect(kept()).to.equal(2)
  })

  it('is not set up with another word', async () => {
    const error = await sandbox.control.setWebhook({ object: 'page', url, verifyToken: 'wrong' }).then(
      () => undefined,
      (caught: unknown) => caught,
    )
    expect(error).to.be.an('error')
  })

  it('keeps each of a batch once, however often it comes', async () => {
    const { body, headers } = signed('m1', 'm2')
    for (let n = 0; n < 20; n++) expect((await post(body, headers)).status).to.equal(200)
    expect((await post(signed('m2', 'm3').body, signed('m2', 'm3').headers)).status).to.equal(200)
    expect(kept()).to.equal(3)
  })

  it('refuses what is not signed over these very bytes, before reading it', async () => {
    const { body, headers } = signed('m1')
    const again = Buffer.from(JSON.stringify(JSON.parse(body.toString())))
    expect(again.equals(body)).to.equal(false)
    expect((await post(again, headers)).status).to.equal(401)
    expect((await post(body, {})).status).to.equal(401)
    expect((await post(body, { 'x-hub-signature': headers['x-hub-signature']! })).status).to.equal(401)
    expect((await post(Buffer.from('not json'), headers)).status).to.equal(401)
    expect(kept()).to.equal(0)
  })

  it('refuses a body beyond three megabytes', async () => {
    const body = Buffer.alloc(3 * 1024 * 1024 + 1, 32)
    expect((await post(body, signatureHeaders(body, sandbox.accounts.messenger.appSecret))).status).to.equal(413)
  })

  it('F-21: keeps the good ones of a batch with bad entries, and the bad ones aside with what they said, for three days, a thousand of them and 64 MB', async () => {
    const { messenger } = sandbox.accounts
    const good = { id: messenger.id, time: 1, messaging: [text('m1')] }
    const body = Buffer.from(JSON.stringify({ object: 'page', entry: [7, good, { id: messenger.id, messaging: ['x'] }] }))
    const headers = signatureHeaders(body, messenger.appSecret)
    for (let n = 0; n < 3; n++) expect((await post(body, headers)).status).to.equal(200)
    expect([kept(), countAside(store)]).to.deep.equal([1, 2])
    const [row] = store.database.prepare<[], { dedup: string; raw: Buffer }>("SELECT dedup, raw FROM inbox WHERE state = 'malformed'").all()
    expect(vault.open(row!.raw, `inbox ${row!.dedup}`)).to.include('entry\\":7')
    const clock = () => Date.now()
    const items = Array.from({ length: 1100 }, (_, n) => ({ dedupKey: `bad ${n}`, raw: '{}', malformed: true as const }))
    accept({ store, vault, connector: createConnector(), clock }, items)
    expect(countAside(store)).to.equal(1000)
    const large = Array.from({ length: 30 }, (_, n) => ({ dedupKey: `large ${n}`, raw: 'x'.repeat(3_000_000), malformed: true as const }))
    for (const item of large) accept({ store, vault, connector: createConnector(), clock }, [item])
    const left = store.database.prepare("SELECT count(*) AS count, sum(length(raw)) AS bytes FROM inbox WHERE state = 'malformed'").get()
    expect(left).to.have.property('count', 22)
    expect(left)
      .to.have.property('bytes')
      .that.is.below(64 * 1024 * 1024)
    forgetMalformed({ store, clock: () => Date.now() + 73 * 3_600_000 })
    expect([countAside(store), kept()]).to.deep.equal([0, 1])
    expect(accept({ store, vault, connector: createConnector(), clock }, items)).to.equal(0)
  })
})
