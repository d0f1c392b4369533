import { connect } from 'node:net'
import { expect } from 'chai'
import { startServer, type TestServer, type TestUser } from '../../support/server.ts'

/** Sends bytes as they are and gives all that comes back. */
function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket
      .on('data', (chunk) => (answer += chunk))
      .on('end', () => resolve(answer))
      .on('error', reject)
  })
}

describe('the HTTP wall', () => {
  let server: TestServer
  let alice: TestUser
  before(async () => {
    server = await startServer()
    alice = await server.register('alice')
  })
  after(() => server.close())

  const anonymous = () => server.anonymous

  it('answers 404 M_UNRECOGNIZED for paths that nobody knows, under every prefix', async () => {
    const paths = [
      '/_matrix/client/v3/nonsense',
      '/_matrix/key/v2/nonsense',
      '/_matrix/media/v3/nonsense',
      '/_matrix',
      '/_matrix/client/v3/profile/a/b/c/d',
      '/_synapse/admin/v1/x',
      '/_matrix//client/versions',
    ]
    for (const path of paths) {
      const { status, body } = await anonymous().get(path)
      expect([status, body.errcode], path).to.deep.equal([404, 'M_UNRECOGNIZED'])
    }
  })
  it('answers 405 M_UNRECOGNIZED for a verb that a path does not know, and names those it does', async () => {
    for (const path of ['/_matrix/client/versions', '/_matrix/key/v2/server']) {
      const { status, body, headers } = await anonymous().post(path)
      expect([status, body.errcode, headers.get('allow')], path).to.deep.equal([405, 'M_UNRECOGNIZED', 'GET, OPTIONS'])
    }
  })
  it('answers preflights everywhere, and sends CORS headers with errors too', async () => {
    for (const path of ['/_matrix/client/v3/login', '/_matrix/client/v3/nonsense', '/']) {
      const { status, headers } = await anonymous().request('OPTIONS', path)
      expect([status, headers.get('access-control-allow-origin')], path).to.deep.equal([204, '*'])
      expect(headers.get('access-control-allow-headers')).to.contain('Authorization')
    }
    for (const path of ['/account/whoami', '/nonsense', '/profile/%zz']) {
      expect((await anonymous().get(path)).headers.get('access-control-allow-origin'), path).to.equal('*')
    }
  })
  it('answers HEAD as GET without the body', async () => {
    const { status, text, headers } = await anonymous().request('HEAD', '/_matrix/client/versions')
    expect([status, text]).to.deep.equal([200, ''])
    expect(Number(headers.get('content-length'))).to.be.above(100)
  })
  it('refuses broken percent-encoding', async () => {
    expect((await anonymous().get('/profile/%ff')).body.errcode).to.equal('M_INVALID_PARAM')
  })
  it('knows no path in absolute form and none by another header', async () => {
    const absolute = await raw(server.url, 'GET http://hs.test/_matrix/client/versions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(absolute).to.match(/^HTTP\/1.1 404 /)
    const { status } = await anonymous().get('/nonsense', { headers: { 'X-Original-URL': '/_matrix/client/versions' } })
    expect(status).to.equal(404)
  })
  it('answers a request without a body that does not say how long it is, whether it wants one or not', async () => {
    const { token } = await server.register('terse')
    const ask = (path: string) =>
      raw(server.url, `POST ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`)
    expect(await ask('/_matrix/client/v3/createRoom')).to.match(/^HTTP\/1.1 200 .*"room_id"/s)
    expect(await ask('/_matrix/media/v3/upload')).to.match(/^HTTP\/1.1 200 .*"content_uri"/s)
    expect(await ask('/_matrix/client/v3/login')).to.match(/^HTTP\/1.1 400 .*"M_NOT_JSON"/s)
  })
  it('asks for a token, and refuses what is none', async () => {
    const missing = await anonymous().get('/account/whoami')
    expect([missing.status, missing.body.errcode]).to.deep.equal([401, 'M_MISSING_TOKEN'])
    for (const token of ['x', 'a b', 'x'.repeat(5000), `${alice.token}x`, `${alice.token}, ${alice.token}`]) {
      const { status, body } = await server.as(token).get('/account/whoami')
      expect([status, body.errcode], token.slice(0, 60)).to.deep.equal([401, 'M_UNKNOWN_TOKEN'])
    }
    for (const Authorization of ['Bearer ', 'Basic abc', 'Bearer']) {
      const { body } = await anonymous().get('/account/whoami', { headers: { Authorization } })
      expect(body.errcode, Authorization).to.equal('M_MISSING_TOKEN')
    }
  })
  it('takes a token from the query too, but not from both places', async () => {
    const query = { access_token: alice.token }
    expect((await anonymous().get('/account/whoami', { query })).body.user_id).to.equal(alice.userId)
    expect((await alice.get('/account/whoami', { query })).status).to.equal(400)
  })
  it('refuses two Authorization headers', async () => {
    const header = `Authorization: Bearer ${alice.token}\r\n`
    const answer = await raw(
      server.url,
      `GET /_matrix/client/v3/account/whoami HTTP/1.1\r\nHost: a\r\n${header}${header}Connection: close\r\n\r\n`,
    )
    expect(answer).to.match(/^HTTP\/1.1 401 /)
  })
  it('takes JSON objects under any Content-Type, and says what is wrong with anything else', async () => {
    const path = '/profile/@alice:hs.test/displayname'
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'Application/JSON; charset=latin1']) {
      expect((await alice.put(path, { displayname: 'A' }, { headers: { 'Content-Type': type } })).status, type).to.equal(200)
    }
    const wrong: [string | Uint8Array, string][] = [
      ['', 'M_NOT_JSON'],
      ['{', 'M_NOT_JSON'],
      ['{"displayname":NaN}', 'M_NOT_JSON'],
      ['\ufeff{"displayname":"A"}', 'M_NOT_JSON'],
      [new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'M_NOT_JSON'],
      ['[]', 'M_BAD_JSON'],
      ['"text"', 'M_BAD_JSON'],
      ['null', 'M_BAD_JSON'],
      [`{"displayname":${'['.repeat(5000)}${']'.repeat(5000)}}`, 'M_BAD_JSON'],
      ['{"displayname":1}', 'M_BAD_JSON'],
      ['{"__proto__":{"displayname":"x"}}', 'M_MISSING_PARAM'],
    ]
    for (const [body, errcode] of wrong) {
      const answer = await alice.put(path, body)
      expect([answer.status, answer.body.errcode], String(body).slice(0, 40)).to.deep.equal([400, errcode])
    }
  })
  it('answers 413 M_TOO_LARGE for a body beyond the limit, announced or not', async () => {
    const path = '/profile/@alice:hs.test/org.example.big'
    const announced = await alice.put(path, { 'org.example.big': 'x'.repeat(2_000_000) })
    expect([announced.status, announced.body.errcode]).to.deep.equal([413, 'M_TOO_LARGE'])
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    const answer = await raw(
      server.url,
      `PUT /_matrix/client/v3${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${alice.token}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(3)}`,
    )
    expect(answer).to.match(/^HTTP\/1.1 413 /)
  })
  it('checks the token before it reads the body', async () => {
    const head = 'PUT /_matrix/client/v3/profile/@alice:hs.test/displayname HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer no\r\n'
    expect(await raw(server.url, `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":`)).to.match(/^HTTP\/1.1 401 /)
  })
  it('closes the connection on what is no HTTP', async () => {
    expect(await raw(server.url, 'nonsense\r\n\r\n')).to.match(/^HTTP\/1.1 400 /)
    const smuggled = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    expect(await raw(server.url, smuggled)).to.match(/^HTTP\/1.1 400 /)
  })
  it('compresses what is large for a client that takes gzip', async () => {
    await alice.put('/profile/@alice:hs.test/org.example.long', { 'org.example.long': 'x'.repeat(10_000) })
    const path = '/profile/@alice:hs.test'
    const packed = await anonymous().get(path, { headers: { 'Accept-Encoding': 'gzip' } })
    expect([packed.headers.get('content-encoding'), packed.headers.get('vary')]).to.deep.equal(['gzip', 'Accept-Encoding'])
    expect(packed.body['org.example.long']).to.have.length(10_000)
    const plain = await anonymous().get(path, { headers: { 'Accept-Encoding': 'gzip;q=0' } })
    expect(plain.headers.get('content-encoding')).to.equal(null)
  })
  it('logs a line for a request, with neither token nor query', async () => {
    await anonymous().get('/account/whoami', { query: { access_token: alice.token } })
    expect(server.log()).to.match(
      /info {2}request method=GET path=\/_matrix\/client\/v3\/account\/whoami status=200 ms=[\d.]+ user=@alice:hs.test/,
    )
    expect(server.log()).not.to.contain(alice.token)
    expect(server.log()).not.to.contain('error')
  })
  it('shows metrics to administrators alone', async () => {
    expect((await alice.get('/_tombolo/metrics')).status).to.equal(403)
    const { text } = await (await server.register('admin', { admin: true })).get('/_tombolo/metrics')
    expect(text).to.match(/synapse_http_server_response_time_seconds_count\{method="GET",servlet="getTokenOwner",tag=""\} \d+/)
    expect(text).not.to.contain(alice.token)
  })
})

describe('listeners', () => {
  it('serve what they are told to, and nothing else', async () => {
    const listener = { host: '127.0.0.1', port: 0, tls_certificate: undefined, tls_key: undefined }
    const server = await startServer({ config: { listeners: [{ ...listener, serves: ['federation'] }] } })
    const statuses = await Promise.all(
      ['/_matrix/key/v2/server', '/_matrix/federation/v1/version', '/health', '/_matrix/client/versions', '/', '/_tombolo/first-admin'].map(
        async (path) => (await server.anonymous.get(path)).status,
      ),
    )
    await server.close()
    expect(statuses).to.deep.equal([200, 200, 200, 404, 404, 404])
  })
})

describe('rate limits', () => {
  it('answer 429 M_LIMIT_EXCEEDED with the time to wait, in the body and as a header', async () => {
    const server = await startServer({ config: { rate_limits: 'defaults' } })
    const answers = []
    for (let time = 0; time < 14; time++) answers.push(await server.anonymous.post('/login', { type: 'm.login.none' }))
    await server.close()
    const last = answers.at(-1)!
    expect(last.status).to.equal(429)
    expect(last.body.errcode).to.equal('M_LIMIT_EXCEEDED')
    expect(Number(last.headers.get('retry-after'))).to.equal(Math.ceil(last.body.retry_after_ms / 1000))
    expect(answers[0]!.status).to.equal(400)
  })
})
