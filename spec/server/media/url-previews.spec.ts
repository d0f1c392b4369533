import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { selectPreview } from '../../../server/media/url-previews.store.ts'
import { createEgress, type Egress } from '../../../server/remote/egress.ts'
import type { Database } from '../../../server/storage/database.ts'
import { type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { photograph } from './pictures.ts'
import { steeredClock } from './steered-clock.ts'

for (const engine of engines) describe(`previews of links on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let web: Server
  let site: string
  let asked: string[]
  const clock = steeredClock()
  const pages = new Map<string, RequestListener>()
  let picture: Buffer
  before(async function () {
    picture = await photograph(30, 20).png().toBuffer()
    web = createServer((request, response) => {
      asked.push(request.url!)
      const page = pages.get(request.url!.split('?')[0]!)
      if (page) page(request, response)
      else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
    site = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
    const started = await startServer({
      engine,
      config: { url_preview: { enabled: true, allow_private_addresses: true } },
      overrides: { clock },
    })
    if (!started) return this.skip()
    server = started
    alice = await server.register('alice')
  })
  beforeEach(() => {
    asked = []
    pages.clear()
    pages.set('/test.png', (_, response) => response.writeHead(200, { 'Content-Type': 'image/png' }).end(picture))
  })
  after(async () => {
    await server?.close()
    web.closeAllConnections()
    await new Promise((resolve) => web.close(resolve))
  })

  const html =
    (text: string | Buffer, headers: Record<string, string> = {}): RequestListener =>
    (_, response) =>
      response.writeHead(200, { 'Content-Type': 'text/html', ...headers }).end(text)
  const preview = (path: string, more: Record<string, string> = {}) =>
    alice.get('/_matrix/client/v1/media/preview_url', { query: { url: site + path, ...more } })
  const title = (text: string) => `<meta property="og:title" content="${text}">`

  it('tell what a page tells, with its picture as a file of this server', async () => {
    pages.set(
      '/a/page.html',
      html(`<head>${title('The Rock')}<meta property="og:image" content="../test.png"><meta property="og:type" content="video.movie">`),
    )
    for (const path of ['/_matrix/client/v1/media/preview_url', '/_matrix/media/v3/preview_url']) {
      const { status, body } = await alice.get(path, { query: { url: `${site}/a/page.html#part` } })
      expect(status).to.equal(200)
      expect(body).to.deep.include({
        'og:title': 'The Rock',
        'og:type': 'video.movie',
        'og:image:type': 'image/png',
        'og:image:width': 30,
        'og:image:height': 20,
        'matrix:image:size': picture.length,
      })
      const headers = { Authorization: `Bearer ${alice.token}` }
      const image = await fetch(`${server.url}/_matrix/client/v1/media/download/${String(body['og:image']).slice('mxc://'.length)}`, {
        headers,
      })
      expect(Buffer.from(await image.arrayBuffer()).equals(picture)).to.equal(true)
    }
    expect(asked).to.deep.equal(['/a/page.html', '/test.png'])
  })

  it('are fetched once for all who ask at one time, kept for a while, and then anew', async () => {
    pages.set('/often', html(title('one'), { 'Cache-Control': 'max-age=1800' }))
    const first = clock.now()
    await Promise.all([preview('/often'), preview('/often'), preview('/often')])
    expect(asked).to.have.length(1)
    pages.set('/often', html(title('two')))
    clock.advance(29 * 60_000)
    expect((await preview('/often')).body['og:title']).to.equal('one')
    clock.advance(2 * 60_000)
    expect((await preview('/often')).body['og:title']).to.equal('two')
    expect((await preview('/often', { ts: String(first + 1) })).body['og:title']).to.equal('one')
    expect((await preview('/often', { ts: String(clock.now() + 1e9) })).body['og:title']).to.equal('two')
    expect(asked).to.have.length(2)
  })

  it('are not fetched anew for somebody who looked just before they were kept', async () => {
    pages.set('/late', html(title('one')))
    const database = server.server.home.database as { -readonly [K in keyof Database]: Database[K] }
    const { selectOne } = database
    const { promise: kept, resolve: goOn } = Promise.withResolvers<void>()
    const looked = new Promise<void>((resolve) => {
      database.selectOne = async (of, ...parameters) => {
        const found = await selectOne(of, ...parameters)
        if ((of as unknown) !== selectPreview) return found
        database.selectOne = selectOne
        resolve()
        await kept
        return found
      }
    })
    const late = preview('/late')
    await looked
    await preview('/late')
    goOn()
    expect((await late).body['og:title']).to.equal('one')
    expect(asked).to.deep.equal(['/late'])
  })

  it('follow redirects, but not for ever', async () => {
    const to =
      (location: string): RequestListener =>
      (_, response) =>
        response.writeHead(302, { Location: location }).end('x')
    pages.set('/old', to('/new'))
    pages.set('/new', html(title('here') + '<meta property="og:image" content="test.png">'))
    expect((await preview('/old')).body).to.include({ 'og:title': 'here', 'og:image:width': 30 })
    pages.set('/round', to('/round'))
    expect((await preview('/round')).status).to.equal(502)
    expect(asked.filter((path) => path === '/round')).to.have.length(6)
    for (const [path, location] of [
      ['/file', 'file:///etc/passwd'],
      ['/none', 'http://'],
      ['/secret', 'http://a:b@127.0.0.1/'],
    ] as const) {
      pages.set(path, to(location))
      expect((await preview(path)).status, location).to.equal(502)
    }
  })

  it('read what is packed, only its beginning when it is large, and what breaks off', async () => {
    pages.set('/gzip', html(gzipSync(title('packed')), { 'Content-Encoding': 'gzip' }))
    pages.set('/br', html(brotliCompressSync(Buffer.from(title('packed'))), { 'Content-Encoding': 'br' }))
    const bomb = gzipSync(Buffer.concat([Buffer.from(title('bomb')), Buffer.alloc(100_000_000, ' ')]))
    pages.set('/bomb', html(bomb, { 'Content-Encoding': 'gzip' }))
    pages.set('/cut', (request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Length': 9999 }).write(title('cut'))
      request.socket.end()
    })
    for (const encoding of ['constructor', 'zstd', 'gzip, gzip']) {
      pages.set('/odd', html(title('odd'), { 'Content-Encoding': encoding }))
      expect((await preview(`/odd?${encodeURIComponent(encoding)}`)).body, encoding).to.deep.equal({})
    }
    const titles = await Promise.all(['/gzip', '/br', '/bomb', '/cut'].map(async (path) => (await preview(path)).body['og:title']))
    expect(titles).to.deep.equal(['packed', 'packed', 'bomb', 'cut'])
  })

  it('are pictures themselves, or nothing for other files; a bad picture is left out', async () => {
    expect((await preview('/test.png')).body).to.include({ 'og:image:width': 30, 'matrix:image:size': picture.length })
    pages.set('/data', (_, response) => response.writeHead(200, { 'Content-Type': 'application/zip' }).end('PK'))
    expect((await preview('/data')).body).to.deep.equal({})
    for (const image of ['/nowhere.png', '/page', 'data:image/png;base64,AAAA', 'javascript:alert(1)', '/svg']) {
      pages.set('/svg', (_, response) => response.writeHead(200, { 'Content-Type': 'image/svg+xml' }).end('<svg/>'))
      pages.set('/page', html(`${title('t')}<meta property="og:image" content="${image}">`))
      expect((await preview(`/page?${encodeURIComponent(image)}`)).body, image).to.deep.equal({ 'og:title': 't' })
    }
  })

  it('that cannot be had are a bad gateway, and not asked for again at once', async () => {
    pages.set('/401', (_, response) => response.writeHead(401, { 'Content-Type': 'application/json' }).end('{"errcode":"M_UNKNOWN_TOKEN"}'))
    for (const path of ['/401', '/404', '/404']) {
      const { status, body } = await preview(path)
      expect([status, body['errcode']]).to.deep.equal([502, 'M_UNKNOWN'])
    }
    expect(asked).to.deep.equal(['/401', '/404'])
  })

  it('are of web addresses alone, asked for with a token', async () => {
    for (const url of ['ftp://a/', 'x', 'http://a:b@c/', 'javascript:1', `http://a/${'x'.repeat(3000)}`, 'http://']) {
      const { status, body } = await alice.get('/_matrix/client/v1/media/preview_url', { query: { url } })
      expect([status, body['errcode']], url).to.deep.equal([400, 'M_INVALID_PARAM'])
    }
    expect((await preview('/x', { ts: 'soon' })).body['errcode']).to.equal('M_INVALID_PARAM')
    expect((await alice.get('/_matrix/client/v1/media/preview_url')).body['errcode']).to.equal('M_MISSING_PARAM')
    expect((await server.anonymous.get(`/_matrix/media/v3/preview_url?url=${site}`)).status).to.equal(401)
  })

  it('reach nothing private: not at once, not by a redirect, not by a picture', async () => {
    const real = createEgress({ caFile: undefined, userAgent: 'Test/1' })
    // As if the site stood on the public internet under this name; all other addresses are checked.
    const stream: Egress['stream'] = (of) =>
      of.url.startsWith('http://public.test/')
        ? real.stream({ ...of, url: of.url.replace('http://public.test', site), allowPrivate: true })
        : real.stream(of)
    const guarded = await startServer({ config: { url_preview: { enabled: true } }, overrides: { egress: { ...real, stream } } })
    try {
      const bob = await guarded.register('bob')
      const ask = (url: string) => bob.get('/_matrix/client/v1/media/preview_url', { query: { url } })
      const { port } = new URL(site)
      const hosts = ['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '[::]']
      for (const host of hosts) expect((await ask(`http://${host}:${port}/test.png`)).status, host).to.equal(502)
      pages.set('/redirect', (_, response) => response.writeHead(302, { Location: `${site}/inside` }).end())
      expect((await ask('http://public.test/redirect')).status).to.equal(502)
      pages.set('/page', html(`${title('t')}<meta property="og:image" content="${site}/test.png">`))
      expect((await ask('http://public.test/page')).body).to.deep.equal({ 'og:title': 't' })
      expect(asked).to.deep.equal(['/redirect', '/page'])
    } finally {
      await guarded.close()
      await real.close()
    }
  })

  it('are not made where nobody switched them on', async () => {
    const plain = await startServer()
    try {
      const bob = await plain.register('bob')
      const { status, body } = await bob.get('/_matrix/client/v1/media/preview_url', { query: { url: site } })
      expect([status, body['errcode']]).to.deep.equal([404, 'M_UNRECOGNIZED'])
      expect(asked).to.deep.equal([])
    } finally {
      await plain.close()
    }
  })
}
