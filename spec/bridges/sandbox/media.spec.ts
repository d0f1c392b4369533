import { createHash } from 'node:crypto'
import { expect } from 'chai'
import type { GraphFailure } from '../../../bridges/protocols/graph/failure.ts'
import { createGraphClient, type GraphClient, type GraphRequest } from '../../../bridges/protocols/graph/graph-client.ts'
import {
  createMediaFetcher,
  MediaError,
  type MediaFetcher,
  mediaHostsOf,
  type OpenedMedia,
} from '../../../bridges/protocols/graph/media-fetcher.ts'
import type { OutgoingFile } from '../../../bridges/protocols/graph/multipart.ts'
import { openMedia } from '../../../bridges/protocols/graph/open-media.ts'
import type { MediaKind, NetworkRecord } from '../../../bridges/protocols/graph/record.ts'
import { readWhatsapp } from '../../../bridges/protocols/graph/whatsapp.ts'
import {
  buildWhatsappContacts,
  buildWhatsappLocation,
  buildWhatsappMedia,
  buildWhatsappUpload,
} from '../../../bridges/protocols/graph/whatsapp-media.ts'
import { readMessaging } from '../../../bridges/protocols/messaging/messaging.ts'
import { buildAttachment, buildAttachmentUpload, readAttachmentUploaded } from '../../../bridges/protocols/messaging/messaging-media.ts'
import { type Network, objectOf } from '../../../bridges/sandbox/accounts.ts'
import { createClock } from '../../../bridges/sandbox/clock.ts'
import type { ScriptedPerson } from '../../../bridges/sandbox/people.ts'
import { type Sandbox, startSandbox } from '../../../bridges/sandbox/sandbox.ts'
import { type Receiver, startReceiver } from './receiver.ts'

const minute = 60_000
const day = 24 * 60 * minute
const bytes = Buffer.from('\u0089PNG and so on, a picture of a thousand words', 'latin1')
const sha256 = createHash('sha256').update(bytes).digest('hex')
const data = bytes.toString('base64')

describe('files in the sandbox', () => {
  let sandbox: Sandbox
  let receiver: Receiver
  let client: GraphClient
  let fetcher: MediaFetcher
  let ana: ScriptedPerson
  let network: Network

  async function open(chosen: Network): Promise<void> {
    network = chosen
    sandbox = await startSandbox({ clock: createClock(1_770_000_000_000), firstRetryMs: 5, longestRetryMs: 20 })
    const { appSecret, accessToken } = sandbox.accounts[network]
    receiver = await startReceiver(appSecret, 'verify me')
    client = createGraphClient({ baseUrl: sandbox.url, accessToken })
    fetcher = createMediaFetcher({ hosts: mediaHostsOf(sandbox.url), accessToken })
    await sandbox.control.setWebhook({ object: objectOf[network], url: receiver.url, verifyToken: 'verify me' })
    ana = await sandbox.person({ network, name: 'Ana', ...(network === 'whatsapp' ? { phone: '15551234567' } : {}) })
  }

  afterEach(async () => {
    await Promise.all([client.close(), fetcher.close(), sandbox.close(), receiver.close()])
  })

  const records = async (): Promise<NetworkRecord[]> => {
    await sandbox.control.settle({ network })
    expect([receiver.badSignatures, receiver.parked]).to.deep.equal([0, 0])
    return receiver.items.map((item) => (network === 'whatsapp' ? readWhatsapp(item) : readMessaging(item)))
  }
  const mediaOf = (record: NetworkRecord | undefined) => {
    if (record?.type !== 'media') throw new Error(`no media but ${record?.type}`)
    return record
  }
  const load = async (record: NetworkRecord | undefined, index = 0, maxBytes = 1_000): Promise<Buffer | GraphFailure> => {
    const { id: messageId, media } = mediaOf(record)
    return read(
      await openMedia({ client, fetcher }, media[index]!, { messageId, index, phoneNumberId: sandbox.accounts[network].id }, maxBytes),
    )
  }
  const file = (mime = 'image/png', content = bytes): OutgoingFile => ({
    ...{ name: 'a.png', mime, size: content.length },
    async *open() {
      yield content.subarray(0, content.length >> 1)
      yield content.subarray(content.length >> 1)
    },
  })
  const upload = (kind: MediaKind, outgoing = file()) => {
    const { id } = sandbox.accounts[network]
    const request = network === 'whatsapp' ? buildWhatsappUpload(id, kind, outgoing) : buildAttachmentUpload(network, id, kind, outgoing)
    return client.call(request)
  }
  const sendFile = async (kind: MediaKind, outgoing = file(), more: { caption?: string } = {}) => {
    const uploaded = await upload(kind, outgoing)
    if (uploaded.kind !== 'done') return uploaded
    const { id } = sandbox.accounts[network]
    const media = network === 'whatsapp' ? { id: String(uploaded.body['id']) } : readAttachmentUploaded(uploaded.body)!
    const build: Record<Network, () => GraphRequest> = {
      whatsapp: () => buildWhatsappMedia(id, { to: { phone: '15551234567' }, kind, media, name: 'a.png', tag: 't', ...more }),
      messenger: () => buildAttachment(id, { to: ana.info.id, kind, media, tag: 't' }),
      instagram: () => buildAttachment(id, { to: ana.info.id, kind, media }),
    }
    return client.call(build[network]())
  }

  for (const each of ['whatsapp', 'messenger', 'instagram'] as const) {
    it(`bring a person's picture of ${each} byte for byte, with its caption`, async () => {
      await open(each)
      await ana.sends({ files: [{ kind: 'image', mime: 'image/png', data }], text: 'look' })
      const [record] = await records()
      expect(mediaOf(record)).to.include({ text: 'look', own: false })
      expect(mediaOf(record).media[0].kind).to.equal('image')
      expect(await load(record)).to.deep.equal(bytes)
      expect(await load(record, 0, bytes.length - 1)).to.include({ kind: 'refused', class: 'too_large' })
    })

    it(`carry a picture of the business to a person of ${each}, and their echo or status back`, async () => {
      await open(each)
      await ana.says('hi')
      expect(await sendFile('image')).to.have.property('kind', 'done')
      expect((await ana.sees())[1]?.files).to.deep.equal([{ kind: 'image', mime: 'image/png', name: 'a.png', size: bytes.length, sha256 }])
      const echo = (await records())[1]
      if (each === 'whatsapp') expect(echo).to.include({ type: 'status', state: 'sent', tag: 't' })
      else expect(await load(echo)).to.deep.equal(bytes)
    })

    it(`ask again for an address of ${each} that has expired`, async () => {
      await open(each)
      await ana.sends({ files: [{ kind: 'file', mime: 'application/pdf', data, name: 'a.pdf' }] })
      const [record] = await records()
      await sandbox.control.setFault({ network, kind: 'expire', at: 'download' })
      expect(await load(record)).to.deep.equal(bytes)
      await sandbox.control.advance({ ms: 3 * day })
      expect(await load(record)).to.deep.equal(bytes)
      await sandbox.control.advance({ ms: 5 * day })
      if (each === 'whatsapp') expect(await load(record)).to.include({ kind: 'refused', class: 'media_gone' })
    })

    it(`show damage on the way down from ${each} and recover with the next try`, async () => {
      await open(each)
      await ana.sends({ files: [{ kind: 'video', mime: 'video/mp4', data }] })
      const [record] = await records()
      for (const [kind, expected] of [
        ['cut', { kind: 'retry', class: 'damaged' }],
        ['gateway', { kind: 'retry', class: 'server' }],
        ['rate_limit', { kind: 'retry', class: 'rate_limited' }],
      ] as const) {
        await sandbox.control.setFault({ network, kind, at: 'download' })
        expect(await load(record), kind).to.include(expected)
      }
      expect(await load(record)).to.deep.equal(bytes)
    })

    it(`let an upload to ${each} that is cut in the middle be made again, with one message in the end`, async () => {
      await open(each)
      await ana.says('hi')
      await sandbox.control.setFault({ network, kind: 'cut', at: 'upload' })
      expect(await sendFile('image', file('image/png', Buffer.alloc(2_000_000, 1)))).to.include({ kind: 'retry', class: 'network' })
      await sandbox.control.setFault({ network, kind: 'cut', at: 'upload', when: 'after' })
      expect(await sendFile('image')).to.include({ kind: 'retry', class: 'network' })
      await sandbox.control.setFault({ network, kind: 'rate_limit', at: 'upload' })
      expect(await sendFile('image')).to.include({ kind: 'retry', class: 'rate_limited' })
      expect(await sendFile('image')).to.have.property('kind', 'done')
      expect(await ana.sees()).to.have.length(2)
    })
  }

  it('are noticed on WhatsApp when other bytes come than were announced', async () => {
    await open('whatsapp')
    await ana.sends({ files: [{ kind: 'image', mime: 'image/png', data }] })
    await sandbox.control.setFault({ network, kind: 'corrupt', at: 'download' })
    expect(await load((await records())[0])).to.include({ kind: 'retry', class: 'damaged' })
  })

  it('keep their kinds on WhatsApp: voice, document with name, sticker that moves, forwarded', async () => {
    await open('whatsapp')
    await ana.sends({ files: [{ kind: 'voice', mime: 'audio/ogg', data }], forwarded: 'often' })
    await ana.sends({ files: [{ kind: 'file', mime: 'application/pdf', data, name: 'Ü.pdf' }] })
    await ana.sends({ files: [{ kind: 'sticker', mime: 'image/webp', data, animated: true }] })
    const all = (await records()).map(mediaOf)
    expect(all.map(({ media: [{ source, ...media }] }) => media)).to.deep.equal([
      { kind: 'voice', mime: 'audio/ogg', sha256 },
      { kind: 'file', mime: 'application/pdf', sha256, name: 'Ü.pdf' },
      { kind: 'sticker', mime: 'image/webp', sha256, animated: true },
    ])
    expect(all[0]).to.include({ forwarded: 'often' })
  })

  it('come as an album on Messenger, each with its own bytes', async () => {
    await open('messenger')
    const other = Buffer.from('another')
    const second = { kind: 'image' as const, mime: 'image/jpeg', data: other.toString('base64') }
    await ana.sends({ files: [{ kind: 'image', mime: 'image/png', data }, second] })
    const [record] = await records()
    expect(await load(record, 1)).to.deep.equal(other)
    await sandbox.control.advance({ ms: 3 * day })
    expect(await load(record, 1)).to.deep.equal(other)
  })

  it('carry places and cards both ways on WhatsApp', async () => {
    await open('whatsapp')
    await ana.sends({ place: { latitude: 52.5, longitude: 13.4, name: 'Shop' } })
    await ana.sends({ cards: [{ name: { formatted_name: 'Bo', first_name: 'Bo' }, phones: [{ phone: '+1' }] }] })
    const [place, cards] = await records()
    expect(place).to.deep.include({ type: 'location', location: { latitude: 52.5, longitude: 13.4, name: 'Shop' } })
    expect(cards).to.deep.include({ type: 'contacts', contacts: [{ name: 'Bo', phones: [{ number: '+1' }], emails: [] }] })
    if (place?.type !== 'location' || cards?.type !== 'contacts') throw new Error('other kinds')
    const { id } = sandbox.accounts.whatsapp
    const to = { phone: '15551234567' }
    expect(await client.call(buildWhatsappLocation(id, { to, location: place.location }))).to.have.property('kind', 'done')
    expect(await client.call(buildWhatsappContacts(id, { to, contacts: cards.contacts }))).to.have.property('kind', 'done')
    const seen = await ana.sees()
    expect(seen[2]?.place).to.deep.equal({ latitude: 52.5, longitude: 13.4, name: 'Shop' })
    expect(seen[3]).to.have.nested.property('cards[0].name.formatted_name', 'Bo')
  })

  it('say in the words of the network what it does not take', async () => {
    await open('whatsapp')
    await ana.says('hi')
    expect(await sendFile('image', file('application/x-evil'))).to.include({ kind: 'refused', class: 'parameter', code: 100 })
    expect(await sendFile('image', file('image/gif'))).to.include({ code: 100 })
    expect(await sendFile('video', file('image/png'))).to.have.property('kind', 'done')
    const failed = (await records()).at(-1)
    expect(failed).to.include({ type: 'status', state: 'failed' }).and.to.have.nested.property('failure.class', 'media')
    const media = { id: '12345' }
    const unknown = buildWhatsappMedia(sandbox.accounts.whatsapp.id, { to: { phone: '15551234567' }, kind: 'image', media })
    expect(await client.call(unknown)).to.include({ kind: 'refused', code: 131009 })
    await ana.sends({ files: [{ kind: 'image', mime: 'image/png', data }], withheld: true })
    const withheld = (await records()).at(-1)
    expect(withheld).to.include({ type: 'unsupported', nativeType: 'image' }).and.to.have.nested.property('failure.code', 131052)
    expect((await ana.sees()).map(({ files }) => files?.length ?? 0)).to.deep.equal([0, 1])
  })

  it('are refused by Messenger and Instagram beyond their types and sizes', async () => {
    await open('instagram')
    await ana.says('hi')
    expect(await sendFile('image', file('image/gif'))).to.include({ kind: 'refused', class: 'media', subcode: 2018047 })
    expect(await sendFile('file', file('application/zip'))).to.include({ kind: 'refused', class: 'media' })
    const id = sandbox.accounts.instagram.id
    const unknown = buildAttachment(id, { to: ana.info.id, kind: 'image', media: { id: '12345' } })
    expect(await client.call(unknown)).to.include({ kind: 'refused', class: 'media', subcode: 2018074 })
  })

  it('are given to nobody without the token, without the signed address or after its time', async () => {
    await open('whatsapp')
    await ana.sends({ files: [{ kind: 'image', mime: 'image/png', data }] })
    const { source } = mediaOf((await records())[0]).media[0]
    const node = await client.call({ method: 'GET', path: `/${'id' in source ? source.id : ''}` })
    if (node.kind !== 'done') throw new Error(node.words)
    const url = String(node.body['url'])
    const bearer = { headers: { authorization: `Bearer ${sandbox.accounts.whatsapp.accessToken}` } }
    const status = async (address: string, init = {}) => (await fetch(address, init)).status
    expect(await status(url, bearer)).to.equal(200)
    expect(await status(url)).to.equal(401)
    expect(await status(url.replace(/oe=[0-9a-f]+/, 'oe=ffffffff'), bearer)).to.equal(404)
    await sandbox.control.advance({ ms: 5 * minute + 1_000 })
    expect(await status(url, bearer)).to.equal(403)
  })
})

async function read(opened: OpenedMedia | GraphFailure): Promise<Buffer | GraphFailure> {
  if (opened.kind !== 'open') return opened
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of opened.body) chunks.push(chunk)
  } catch (error) {
    if (error instanceof MediaError) return error.failure
    throw error
  }
  return Buffer.concat(chunks)
}
