import { expect } from 'chai'
import { createGraphClient, type GraphClient, type GraphRequest } from '../../../bridges/protocols/graph/graph-client.ts'
import { buildWhatsappMedia, buildWhatsappUpload } from '../../../bridges/protocols/graph/whatsapp-media.ts'
import { buildAttachment, buildAttachmentUpload } from '../../../bridges/protocols/messaging/messaging-media.ts'
import type { Network } from '../../../bridges/sandbox/accounts.ts'
import { type Sandbox, startSandbox } from '../../../bridges/sandbox/sandbox.ts'

const values = [
  null,
  7,
  '',
  'x',
  [],
  {},
  [[]],
  [7],
  { id: {} },
  { id: '1' },
  { link: 'http://127.0.0.1/' },
  { payload: [] },
  true,
  '[',
  { latitude: 'x' },
]

describe('the sandbox under malformed files', () => {
  let sandbox: Sandbox
  let client: GraphClient
  let person: string

  async function open(network: Network): Promise<void> {
    sandbox = await startSandbox()
    client = createGraphClient({ baseUrl: sandbox.url, accessToken: sandbox.accounts[network].accessToken })
    const ana = await sandbox.person({ network, name: 'Ana', ...(network === 'whatsapp' ? { phone: '1555' } : {}) })
    await ana.says('hi')
    person = ana.info.id
  }

  afterEach(async () => {
    await client.close()
    await sandbox.close()
  })

  const expectAnswer = async (request: GraphRequest, what: unknown) => {
    const result = await client.call(request)
    if (result.kind !== 'done') expect([400, 401, 403, 501], JSON.stringify(what)).to.include(result.status)
  }

  it('answers every shape of a file, place or card of WhatsApp with an error of the documentation or a status', async () => {
    await open('whatsapp')
    const { json, ...request } = buildWhatsappMedia(sandbox.accounts.whatsapp.id, {
      to: { phone: '1555' },
      kind: 'image',
      media: { id: '1' },
    })
    for (const type of ['image', 'video', 'audio', 'document', 'sticker', 'location', 'contacts', 'constructor', '__proto__']) {
      for (const value of values) await expectAnswer({ ...request, json: { ...json, type, [type]: value } }, [type, value])
      await sandbox.control.advance({ ms: 10 * 60_000 })
    }
  })

  it('answers every shape of an attachment of Messenger with an error of the documentation', async () => {
    await open('messenger')
    const { json, ...request } = buildAttachment(sandbox.accounts.messenger.id, { to: person, kind: 'image', media: { id: '1' } })
    for (const value of values) {
      await expectAnswer({ ...request, json: { ...json, message: value } }, ['message', value])
      await expectAnswer({ ...request, json: { ...json, message: { attachment: value } } }, ['attachment', value])
      await expectAnswer({ ...request, json: { ...json, message: { attachment: { type: 'image', payload: value } } } }, ['payload', value])
    }
  })

  it('answers forms that are none, empty or without their fields', async () => {
    await open('whatsapp')
    const { id, accessToken } = sandbox.accounts.whatsapp
    const post = async (body: string, type: string) => {
      const headers = { authorization: `Bearer ${accessToken}`, 'content-type': type }
      return (await fetch(`${sandbox.url}/v25.0/${id}/media`, { method: 'POST', headers, body })).status
    }
    expect(await post('nonsense', 'multipart/form-data; boundary=x')).to.equal(400)
    expect(await post('nonsense', 'multipart/form-data')).to.equal(400)
    expect(await post('--x--\r\n', 'multipart/form-data; boundary=x')).to.equal(400)
    expect(await post('{}', 'application/json')).to.equal(400)
    expect(await post('{"messaging_product":"whatsapp","file":"x"}', 'application/json')).to.equal(400)
  })

  it('refuses files beyond their size in the words of the network', async () => {
    await open('whatsapp')
    const upload = async (network: Network, bytes: number) => {
      const file = {
        name: 'a.png',
        mime: 'image/png',
        size: bytes,
        open: async function* () {
          yield Buffer.alloc(bytes, 1)
        },
      }
      const { id } = sandbox.accounts[network]
      const built = network === 'whatsapp' ? buildWhatsappUpload(id, 'file', file) : buildAttachmentUpload('messenger', id, 'image', file)
      // Past our own bound, which would not let it go out.
      return { ...built, multipart: { ...built.multipart!, maxBytes: Number.POSITIVE_INFINITY } }
    }
    const fits = await client.call(await upload('whatsapp', 5 * 1_048_576))
    const large = await client.call(await upload('whatsapp', 5 * 1_048_576 + 1))
    for (const [result, expected] of [
      [fits, 1],
      [large, 1],
    ] as const) {
      if (result.kind !== 'done') throw new Error(result.words)
      const media = { id: String(result.body['id']) }
      await client.call(buildWhatsappMedia(sandbox.accounts.whatsapp.id, { to: { phone: '1555' }, kind: 'image', media }))
      const seen = await sandbox.control.view({ network: 'whatsapp', person: 'Ana' })
      expect(seen.messages.filter(({ files }) => files)).to.have.length(expected)
    }
    const page = createGraphClient({ baseUrl: sandbox.url, accessToken: sandbox.accounts.messenger.accessToken })
    expect(await page.call(await upload('messenger', 8 * 1_048_576 + 1))).to.include({ kind: 'refused', class: 'media', subcode: 2018047 })
    expect(await page.call(await upload('messenger', 8 * 1_048_576))).to.have.property('kind', 'done')
    await page.close()
  })
})
