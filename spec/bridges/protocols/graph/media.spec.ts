import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { GraphFailure } from '../../../../bridges/protocols/graph/failure.ts'
import { createGraphClient, type GraphClient } from '../../../../bridges/protocols/graph/graph-client.ts'
import {
  createMediaFetcher,
  MediaError,
  type MediaFetcher,
  mediaHostsOf,
  type OpenedMedia,
} from '../../../../bridges/protocols/graph/media-fetcher.ts'
import { checkMedia, fittingKind } from '../../../../bridges/protocols/graph/media-limits.ts'
import type { OutgoingFile } from '../../../../bridges/protocols/graph/multipart.ts'
import { isPublicAddress, lookupPublic } from '../../../../bridges/protocols/graph/public-lookup.ts'
import {
  buildWhatsappContacts,
  buildWhatsappLocation,
  buildWhatsappMedia,
  buildWhatsappUpload,
} from '../../../../bridges/protocols/graph/whatsapp-media.ts'

const bytes = Buffer.from('a picture of a thousand words')
const sha256 = createHash('sha256').update(bytes).digest('hex')
const to = { phone: '1555' }

describe('files of the networks', () => {
  let server: Server
  let base: string
  let respond: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>
  let fetcher: MediaFetcher
  let client: GraphClient

  beforeEach(async () => {
    server = createServer((request, response) => void respond(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    fetcher = createMediaFetcher({ hosts: mediaHostsOf(base), accessToken: 'token' })
    client = createGraphClient({ baseUrl: base, accessToken: 'token' })
  })

  afterEach(async () => {
    await fetcher.close()
    await client.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  const read = async (opened: OpenedMedia | GraphFailure): Promise<Buffer | GraphFailure> => {
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
  const file = (more: Partial<OutgoingFile> = {}): OutgoingFile => ({
    ...{ name: 'ü "x"\r\n.png', mime: 'image/png' },
    async *open() {
      yield bytes.subarray(0, 5)
      yield bytes.subarray(5)
    },
    ...more,
  })

  it('come as they were sent, with the token only where it is wanted', async () => {
    const tokens: (string | undefined)[] = []
    respond = (request, response) => {
      tokens.push(request.headers.authorization)
      response.writeHead(200, { 'content-type': 'image/png', 'content-length': bytes.length }).end(bytes)
    }
    const opened = await fetcher.open(`${base}/a`, { maxBytes: bytes.length, sha256, withToken: true })
    expect(opened).to.include({ mime: 'image/png', size: bytes.length })
    expect(await read(opened)).to.deep.equal(bytes)
    await read(await fetcher.open(`${base}/a`, { maxBytes: 100 }))
    expect(tokens).to.deep.equal(['Bearer token', undefined])
  })

  it('are refused when too large, announced or not', async () => {
    respond = (request, response) => {
      if (request.url === '/announced') response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 9))
      response.end(bytes.subarray(9))
    }
    const bounds = { maxBytes: bytes.length - 1 }
    expect(await fetcher.open(`${base}/announced`, bounds)).to.include({ kind: 'refused', class: 'too_large' })
    const streamed = await fetcher.open(`${base}/streamed`, bounds)
    expect(streamed).to.include({ kind: 'open' })
    expect(await read(streamed)).to.include({ kind: 'refused', class: 'too_large' })
  })

  it('are damaged when the hash is another or the connection breaks', async () => {
    respond = (request, response) => {
      response.writeHead(200, { 'content-length': bytes.length + 1 })
      response.write(bytes, () => (request.url === '/cut' ? response.destroy() : response.end('!')))
    }
    expect(await read(await fetcher.open(`${base}/other`, { maxBytes: 100, sha256 }))).to.include({ kind: 'retry', class: 'damaged' })
    expect(await read(await fetcher.open(`${base}/cut`, { maxBytes: 100 }))).to.include({ kind: 'retry', class: 'damaged' })
  })

  it('are never fetched from hosts off the list, neither first nor after a redirect, and the token stays with the first', async () => {
    const asked: string[] = []
    let target = ''
    respond = (request, response) => {
      asked.push(`${request.url} ${request.headers.authorization}`)
      if (request.url === '/to') response.writeHead(302, { location: target }).end()
      else response.end(bytes)
    }
    const bounds = { maxBytes: 100, withToken: true }
    const { port } = new URL(base)
    const off = [
      ...['http://localhost:1/', `http://[::1]:${port}/a`, 'https://example.org/a', 'https://evilfbcdn.net/a', 'http://a.fbcdn.net/a'],
      ...['https://a.fbcdn.net:8443/a', 'file:///etc/passwd', 'https://169.254.169.254/', `http://u:p@127.0.0.1:${port}/a`, 'no url'],
    ]
    for (const url of off) expect(await fetcher.open(url, bounds), url).to.include({ kind: 'refused', class: 'media' })
    target = 'http://localhost:9/'
    expect(await fetcher.open(`${base}/to`, bounds)).to.include({ kind: 'refused', class: 'media' })
    target = '/a'
    expect(await read(await fetcher.open(`${base}/to`, bounds))).to.deep.equal(bytes)
    target = '/to'
    expect(await fetcher.open(`${base}/to`, bounds)).to.include({ kind: 'refused' })
    expect(asked.slice(0, 3)).to.deep.equal(['/to Bearer token', '/to Bearer token', '/a undefined'])
  })

  it('say what an address answered: gone, later, or never', async () => {
    for (const [status, expected] of [
      [404, { kind: 'refused', class: 'media_gone' }],
      [403, { kind: 'refused', class: 'media_gone' }],
      [429, { kind: 'retry', class: 'rate_limited' }],
      [503, { kind: 'retry', class: 'server' }],
      [400, { kind: 'refused', class: 'media' }],
    ] as const) {
      respond = (_, response) => void response.writeHead(status).end()
      expect(await fetcher.open(`${base}/a`, { maxBytes: 100 }), `${status}`).to.include(expected)
    }
  })

  it('go up as a form whose file is the bytes, with and without a known size', async () => {
    const seen: { length?: string; type: unknown; file: File; content: Buffer }[] = []
    respond = async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const form = await new Response(Buffer.concat(chunks), { headers: { 'content-type': request.headers['content-type']! } }).formData()
      const sent = form.get('file') as File
      const length = request.headers['content-length']
      seen.push({ ...(length ? { length } : {}), type: form.get('type'), file: sent, content: Buffer.from(await sent.arrayBuffer()) })
      response.end('{"id":"7"}')
    }
    for (const size of [undefined, bytes.length]) {
      const result = await client.call(buildWhatsappUpload('1065', 'image', file(size === undefined ? {} : { size })))
      expect(result).to.deep.equal({ kind: 'done', body: { id: '7' } })
    }
    expect(seen.map(({ length }) => length !== undefined)).to.deep.equal([false, true])
    for (const { type, file: sent, content } of seen) {
      expect(type).to.equal('image/png')
      expect(sent.name).to.equal('ü "x"\r\n.png')
      expect(content).to.deep.equal(bytes)
    }
  })

  it('stop on the way up when they are too large, shorter or longer than announced, or break off', async () => {
    respond = (request, response) => void request.resume().on('end', () => response.end('{"id":"7"}'))
    const upload = async (more: Partial<OutgoingFile>, maxBytes = 100) => {
      const request = buildWhatsappUpload('1065', 'image', file(more))
      return client.call({ ...request, multipart: { ...request.multipart!, maxBytes } })
    }
    expect(await upload({}, bytes.length - 1)).to.include({ kind: 'refused', class: 'too_large' })
    expect(await upload({ size: bytes.length + 1 })).to.include({ kind: 'retry', class: 'damaged' })
    expect(await upload({ size: bytes.length - 1 })).to.include({ kind: 'retry', class: 'damaged' })
    const broken = file({
      async *open() {
        yield bytes
        throw new Error('the disk is gone')
      },
    })
    expect(await upload(broken)).to.include({ kind: 'retry', class: 'damaged' })
    expect(await upload({})).to.have.property('kind', 'done')
  })

  it('may be uploaded again when the answer is lost: nobody sees an upload', async () => {
    respond = (request, response) => void request.resume().on('end', () => response.destroy())
    expect(await client.call(buildWhatsappUpload('1065', 'image', file()))).to.include({ kind: 'retry', class: 'network' })
  })
})

describe('limits of files', () => {
  it('tell a wrong type and size, and what a file may be sent as instead', () => {
    expect(checkMedia('whatsapp', 'image', { mime: 'image/png', size: 5_242_880 })).to.equal(undefined)
    expect(checkMedia('whatsapp', 'image', { mime: 'image/png', size: 5_242_881 })).to.include({ class: 'too_large' })
    expect(checkMedia('whatsapp', 'image', { mime: 'image/gif' })).to.include({ class: 'media_type' })
    expect(checkMedia('messenger', 'sticker', { mime: 'image/webp' })).to.include({ class: 'unsupported' })
    expect(checkMedia('whatsapp', 'voice', { mime: 'audio/ogg; codecs=opus' })).to.equal(undefined)
    expect(checkMedia('whatsapp', 'sticker', { mime: 'image/webp', size: 200_000 })).to.include({ class: 'too_large' })
    expect(checkMedia('whatsapp', 'sticker', { mime: 'image/webp', size: 200_000, animated: true })).to.equal(undefined)
    expect(fittingKind('whatsapp', 'image', { mime: 'image/gif' })).to.equal('file')
    expect(fittingKind('messenger', 'voice', { mime: 'audio/ogg' })).to.equal('audio')
    expect(fittingKind('messenger', 'sticker', { mime: 'image/webp' })).to.equal('image')
    expect(fittingKind('instagram', 'file', { mime: 'application/zip' })).to.include({ kind: 'refused', class: 'media_type' })
    expect(fittingKind('messenger', 'video', { mime: 'video/mp4', size: 30_000_000 })).to.include({ class: 'too_large' })
  })

  it('hold in builders: a caption has 1024 characters, and audio has none', () => {
    const media = { id: '7' }
    expect(() => buildWhatsappMedia('1', { to, kind: 'image', media, caption: 'x'.repeat(1025) })).to.throw(RangeError)
    expect(() => buildWhatsappMedia('1', { to, kind: 'voice', media, caption: 'x' })).to.throw(RangeError)
    const voice = buildWhatsappMedia('1', { to, kind: 'voice', media, replyTo: 'wamid.A', tag: 't' })
    expect(voice.json).to.deep.include({
      audio: { id: '7', voice: true },
      context: { message_id: 'wamid.A' },
      biz_opaque_callback_data: 't',
    })
    const place = buildWhatsappLocation('1', { to, location: { latitude: 1, longitude: 2, address: 'Street 1' } })
    expect(place.json).to.deep.include({ location: { latitude: 1, longitude: 2, name: 'Street 1' } })
    const card = buildWhatsappContacts('1', { to, contacts: [{ name: 'Bo', phones: [{ number: '+1' }], emails: [] }] })
    expect(card.json).to.have.nested.property('contacts[0].name.formatted_name', 'Bo')
  })

  it('let no private or reserved address pass for a public one', () => {
    const reserved = ['127.0.0.1', '10.1.2.3', '169.254.169.254', '192.168.0.1', '100.64.0.1', '0.0.0.0', '224.0.0.1']
    const reserved6 = ['::1', '::', 'fe80::1', 'fd00::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', 'ff02::1']
    for (const address of [...reserved, ...reserved6]) expect(isPublicAddress(address), address).to.equal(false)
    for (const address of ['157.240.1.1', '2a03:2880:f12f::1']) expect(isPublicAddress(address), address).to.equal(true)
  })

  for (const all of [true, false]) {
    it(`find no address for a name that leads to this machine (${all ? 'all' : 'one'})`, async () => {
      const code = await new Promise((resolve) => lookupPublic('localhost', { all }, (error, found) => resolve(error?.code ?? found)))
      expect(code).to.equal('ENOTFOUND')
    })
  }
})
