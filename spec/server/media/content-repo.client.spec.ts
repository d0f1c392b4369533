import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

/** More than what is read at once. */
const limit = 300_000
/** Servers sign what they ask of each other, at the old addresses too, where nobody looks at the signature. */
const signed: Record<string, string> = { Authorization: 'X-Matrix origin="a.test",destination="hs.test",key="ed25519:1",sig="c2ln"' }

for (const engine of engines) describe(`media on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let store: string
  before(async function () {
    const started = await startServer({ engine, config: { media: { max_upload_size: limit } } })
    if (!started) return this.skip()
    server = started
    store = server.config.media.store_path
    alice = await server.register('alice')
  })
  after(() => server?.close())

  const upload = (bytes: Uint8Array, type?: string, filename?: string) =>
    alice.request('POST', '/_matrix/media/v3/upload', bytes, {
      ...(filename === undefined ? {} : { query: { filename } }),
      headers: type === undefined ? {} : { 'Content-Type': type },
    })
  const idOf = ({ body }: { body: Body }) => String(body['content_uri']).slice('mxc://hs.test/'.length)
  const fetchMedia = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/_matrix/client/v1/media/${path}`, { headers: { Authorization: `Bearer ${alice.token}`, ...headers } })
  const download = (mediaId: string, headers?: Record<string, string>) => fetchMedia(`download/hs.test/${mediaId}`, headers)
  const files = () =>
    existsSync(store)
      ? readdirSync(store, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map(({ name }) => name)
      : []

  it('are given back byte for byte, with type and name, over a restart', async () => {
    const bytes = randomBytes(70_000)
    const mediaId = idOf(await upload(bytes, 'image/png', 'photo.png'))
    server = await server.restart()
    alice = { ...alice, ...server.as(alice.token) }
    const response = await download(mediaId)
    expect(response.status).to.equal(200)
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).to.equal(true)
    expect(response.headers.get('content-type')).to.equal('image/png')
    expect(response.headers.get('content-disposition')).to.equal('inline; filename="photo.png"')
    expect(response.headers.get('content-length')).to.equal('70000')
  })

  it('cannot do harm in a browser', async () => {
    const response = await download(idOf(await upload(Buffer.from('<script>alert(1)</script>'), 'text/html')))
    expect(response.headers.get('content-disposition')).to.equal('attachment')
    expect(response.headers.get('x-content-type-options')).to.equal('nosniff')
    expect(response.headers.get('content-security-policy')).to.match(/^sandbox; default-src 'none'/)
    expect(response.headers.get('cross-origin-resource-policy')).to.equal('cross-origin')
    expect(response.headers.get('access-control-allow-origin')).to.equal('*')
    await response.arrayBuffer()
  })

  it('can have another name on the way out, and no bytes at all', async () => {
    const mediaId = idOf(await upload(Buffer.alloc(0)))
    const response = await fetchMedia(`download/hs.test/${mediaId}/${encodeURIComponent('über.bin')}`)
    expect(response.headers.get('content-disposition')).to.equal("attachment; filename*=utf-8''%C3%BCber.bin")
    expect(response.headers.get('content-type')).to.equal('application/octet-stream')
    expect((await response.arrayBuffer()).byteLength).to.equal(0)
  })

  it('are kept once on the disk, under the hash of their bytes', async () => {
    const bytes = randomBytes(1000)
    const ids = [idOf(await upload(bytes, 'text/plain')), idOf(await upload(bytes, 'image/png'))]
    expect(new Set(ids).size).to.equal(2)
    const hash = createHash('sha256').update(bytes).digest('hex')
    expect(files().filter((name) => name === hash)).to.have.length(1)
    const types = await Promise.all(ids.map(async (id) => (await download(id)).headers.get('content-type')))
    expect(types).to.deep.equal(['text/plain', 'image/png'])
  })

  it('that are known already need not be sent again', async () => {
    const mediaId = idOf(await upload(randomBytes(10)))
    const etag = (await download(mediaId)).headers.get('etag')!
    const again = await download(mediaId, { 'If-None-Match': etag })
    expect([again.status, (await again.arrayBuffer()).byteLength]).to.deep.equal([304, 0])
  })

  it('are given in parts, small or large, and to who only asks for the head', async () => {
    for (const size of [1000, limit]) {
      const bytes = randomBytes(size)
      const mediaId = idOf(await upload(bytes, 'video/mp4'))
      const part = await download(mediaId, { Range: 'bytes=10-19' })
      expect([part.status, part.headers.get('content-range')]).to.deep.equal([206, `bytes 10-19/${size}`])
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20))).to.equal(true)
      const most = await download(mediaId, { Range: 'bytes=1-', 'If-Range': part.headers.get('etag')! })
      expect(Buffer.from(await most.arrayBuffer()).equals(bytes.subarray(1))).to.equal(true)
      const changed = await download(mediaId, { Range: 'bytes=1-', 'If-Range': '"other"' })
      expect([changed.status, (await changed.arrayBuffer()).byteLength]).to.deep.equal([200, size])
      const beyond = await download(mediaId, { Range: `bytes=${size}-` })
      expect([beyond.status, beyond.headers.get('content-range'), await beyond.text()]).to.deep.equal([416, `bytes */${size}`, ''])
      const { status, headers } = await alice.request('HEAD', `/_matrix/client/v1/media/download/hs.test/${mediaId}`)
      expect([status, headers.get('content-length'), headers.get('accept-ranges')]).to.deep.equal([200, String(size), 'bytes'])
    }
  })

  it('that are too large are refused, promised or not, and leave nothing behind', async () => {
    const before = files().sort()
    const promised = await upload(randomBytes(limit + 1))
    expect([promised.status, promised.body['errcode']]).to.deep.equal([413, 'M_TOO_LARGE'])
    expect(await uploadInChunks(limit + 1)).to.deep.equal([413, 'M_TOO_LARGE'])
    expect(files().sort()).to.deep.equal(before)
    expect((await upload(randomBytes(limit))).status).to.equal(200)
  })

  function uploadInChunks(size: number): Promise<[number, string]> {
    return new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${alice.token}`, 'Transfer-Encoding': 'chunked' }
      const sending = httpRequest(`${server.url}/_matrix/media/v3/upload`, { method: 'POST', headers }, async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        resolve([response.statusCode!, JSON.parse(text).errcode])
      })
      sending.on('error', reject)
      sending.write(randomBytes(size >> 1))
      sending.end(randomBytes(size - (size >> 1)))
    })
  }

  it('are nobody’s without a token, and not at the old addresses', async () => {
    const mediaId = idOf(await upload(randomBytes(10)))
    const anonymous = await server.anonymous.get(`/_matrix/client/v1/media/download/hs.test/${mediaId}`)
    expect([anonymous.status, anonymous.body['errcode']]).to.deep.equal([401, 'M_MISSING_TOKEN'])
    for (const version of ['v3', 'r0', 'v1']) {
      for (const headers of [{}, signed]) {
        const old = await server.anonymous.get(`/_matrix/media/${version}/download/hs.test/${mediaId}`, { headers })
        expect([old.status, old.body['errcode']]).to.deep.equal([404, 'M_NOT_FOUND'])
      }
    }
    expect((await server.anonymous.post('/_matrix/media/v3/upload', 'x')).status).to.equal(401)
  })

  it('of odd ids and servers are not found, and open no file', async () => {
    const odd = ['..%2f..%2fsigning.key', '..%5c..', '%2e%2e', 'x'.repeat(300), '%F0%9F%98%80', 'signing.key']
    for (const mediaId of odd) expect((await download(mediaId)).status, mediaId).to.equal(404)
    expect((await download('a%00b')).status).to.equal(400)
    expect((await fetchMedia('download/localhost:1/abc')).status).to.equal(502)
    expect((await fetchMedia('download/..%2f..%2fetc/abc')).status).to.equal(400)
  })

  it('can be asked for before they are there', async () => {
    const made = await alice.post('/_matrix/media/v1/create')
    const mediaId = idOf(made)
    expect(made.body['unused_expires_at']).to.be.a('number')
    const early = await fetchMedia(`download/hs.test/${mediaId}?timeout_ms=0`)
    expect([early.status, ((await early.json()) as Body)['errcode']]).to.deep.equal([504, 'M_NOT_YET_UPLOADED'])
    const waiting = fetchMedia(`download/hs.test/${mediaId}?timeout_ms=10000`)
    const put = (user: TestUser) =>
      user.request('PUT', `/_matrix/media/v3/upload/hs.test/${mediaId}`, Buffer.from('later'), {
        headers: { 'Content-Type': 'text/plain' },
      })
    const bob = await server.register('bob')
    expect((await put(bob)).status).to.equal(403)
    expect((await put(alice)).body).to.deep.equal({})
    expect(await (await waiting).text()).to.equal('later')
    const again = await put(alice)
    expect([again.status, again.body['errcode']]).to.deep.equal([409, 'M_CANNOT_OVERWRITE_MEDIA'])
    const unknown = await alice.request('PUT', '/_matrix/media/v3/upload/hs.test/unknown', Buffer.from('x'))
    expect([unknown.status, unknown.body['errcode']]).to.deep.equal([404, 'M_NOT_FOUND'])
  })

  it('may be awaited a hundred at a time', async () => {
    const carol = await server.register('carol')
    for (let n = 0; n < 100; n++) expect((await carol.post('/_matrix/media/v1/create')).status).to.equal(200)
    const { status, body } = await carol.post('/_matrix/media/v1/create')
    expect([status, body['errcode']]).to.deep.equal([429, 'M_LIMIT_EXCEEDED'])
  })

  it('have a limit that clients can ask for', async () => {
    for (const path of ['/_matrix/client/v1/media/config', '/_matrix/media/v3/config']) {
      expect((await alice.get(path)).body, path).to.deep.equal({ 'm.upload.size': limit })
    }
  })

  it('are served at the old addresses too where the configuration says so', async () => {
    const open = await startServer({ config: { media: { unauthenticated: true } } })
    try {
      const user = await open.register('alice')
      const { body } = await user.request('POST', '/_matrix/media/v3/upload', Buffer.from('open'), {
        headers: { 'Content-Type': 'text/plain' },
      })
      const path = `/_matrix/media/v3/download/${String(body['content_uri']).slice('mxc://'.length)}`
      for (const headers of [{}, signed]) {
        const answer = await open.anonymous.get(path, { headers })
        expect([answer.status, answer.text]).to.deep.equal([200, 'open'])
      }
    } finally {
      await open.close()
    }
  })
}
