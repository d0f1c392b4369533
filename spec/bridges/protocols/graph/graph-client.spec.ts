import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { createGraphClient, type GraphClient, type GraphResult } from '../../../../bridges/protocols/graph/graph-client.ts'

const token = 'EAAcanary'
const silent = 'an answer that never comes'
const closers: (() => Promise<unknown>)[] = []

/** A server on loopback that answers as told, and a client for it. */
async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void, options: object = {}): Promise<GraphClient> {
  const server = createServer(handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = createGraphClient({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accessToken: token,
    ...options,
  })
  closers.push(() => client.close())
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return client
}

const post = { method: 'POST' as const, path: '/1/messages', json: { a: 1 } }
const get = { method: 'GET' as const, path: '/1' }
const outcome = (result: GraphResult) => (result.kind === 'done' ? 'done' : `${result.kind} ${result.class}`)

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

describe('createGraphClient', () => {
  it('puts the version into the path and the token into a header only', async () => {
    const seen: IncomingMessage[] = []
    const reply = (request: IncomingMessage, response: ServerResponse) => {
      seen.push(request)
      response.end('{"id":"1"}')
    }
    const client = await serve(reply, { version: 'v26.0' })
    expect(await client.call({ ...get, query: { fields: 'id,name' } })).to.deep.equal({ kind: 'done', body: { id: '1' } })
    expect(seen[0]!.url).to.equal('/v26.0/1?fields=id%2Cname')
    expect(seen[0]!.headers.authorization).to.equal(`Bearer ${token}`)
    await (await serve(reply)).call(get)
    expect(seen[1]!.url).to.equal('/v25.0/1')
  })

  it('calls a refused connection a retry: nothing reached the network', async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const client = createGraphClient({ baseUrl: `http://127.0.0.1:${port}`, accessToken: token })
    expect(outcome(await client.call(post))).to.equal('retry network')
    await client.close()
  })

  it('calls a name that does not resolve a retry', async () => {
    const client = createGraphClient({ baseUrl: 'https://graph.invalid', accessToken: token })
    expect(outcome(await client.call(post))).to.equal('retry network')
    await client.close()
  })

  it('calls a server that does not speak TLS a retry: the request is only written after the handshake', async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = createGraphClient({ baseUrl: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, accessToken: token })
    expect(outcome(await client.call(post))).to.equal('retry network')
    await client.close()
    await new Promise((resolve) => server.close(resolve))
  })

  const lost: [string, (request: IncomingMessage, response: ServerResponse) => void, string][] = [
    ['a socket cut after the request', (request) => request.socket.destroy(), 'unknown network'],
    [silent, () => undefined, 'unknown network'],
    ['a gateway page', (_, response) => response.writeHead(502).end('<html>'), 'unknown server'],
    ['half an answer', (_, response) => response.end('{"messages":[{"id":'), 'unknown server'],
    ['an answer that is no object', (_, response) => response.end('"ok"'), 'unknown server'],
    ['an answer without end', (_, response) => response.end(`{"x":"${'x'.repeat(9_000)}"}`), 'unknown server'],
    ['an answer nested too deep', (_, response) => response.end('{"x":'.repeat(500) + '1' + '}'.repeat(500)), 'unknown server'],
    ['an answer cut in the middle', (request, response) => cutAnswer(request, response), 'unknown server'],
    ['a redirect', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(), 'unknown server'],
  ]
  for (const [name, handle, expected] of lost) {
    it(`calls ${name} unknown for a send and a retry for a read`, async () => {
      const client = await serve(handle, { timeoutMs: name === silent ? 300 : 20_000, maxReplyBytes: 8_192 })
      expect(outcome(await client.call(post))).to.equal(expected)
      expect(outcome(await client.call(get))).to.equal(expected.replace('unknown', 'retry'))
    })
  }

  it('takes an error body under status 200 for the error that it is', async () => {
    const client = await serve((_, response) => response.end('{"error":{"code":190}}'))
    expect(outcome(await client.call(post))).to.equal('refused credentials')
  })

  it('waits as long as the network asks', async () => {
    const usage = JSON.stringify({ 1065: [{ type: 'whatsapp', estimated_time_to_regain_access: 3 }] })
    const headers = [{ 'retry-after': '7' }, { 'x-business-use-case-usage': usage }, {}]
    const client = await serve((_, response) => response.writeHead(400, headers.shift()).end('{"error":{"code":80007}}'))
    const waits = []
    for (let call = 0; call < 3; call++) waits.push((await client.call(post)) as { retryAfterMs?: number })
    expect(waits.map(({ retryAfterMs }) => retryAfterMs)).to.deep.equal([7_000, 180_000, undefined])
  })

  it('never shows the token in a failure, whatever the network writes', async () => {
    const client = await serve((_, response) =>
      response.writeHead(400).end(JSON.stringify({ error: { code: 190, message: token, fbtrace_id: `${token} x` } })),
    )
    expect(JSON.stringify(await client.call(post))).to.not.contain(token)
  })

  it('refuses paths that leave their version, secrets in a URL, and tokens in the clear', async () => {
    const client = createGraphClient({ baseUrl: 'https://graph.facebook.com', accessToken: token })
    for (const path of ['/../v1.0/me', '/1/../2', '/1?x=1', '//host/x', 'me', '/1#x', '/a b', '/.']) {
      expect(await thrown(client.call({ method: 'GET', path })), path).to.be.instanceOf(TypeError)
    }
    expect(await thrown(client.call({ ...get, query: { input_token: token } }))).to.be.instanceOf(TypeError)
    await client.close()
    for (const baseUrl of [
      'http://graph.facebook.com',
      'http://127.0.0.1.evil.example',
      'https://u:p@graph.facebook.com',
      'ftp://x',
      'nonsense',
    ]) {
      expect(() => createGraphClient({ baseUrl, accessToken: token }), baseUrl).to.throw(TypeError)
    }
    expect(() => createGraphClient({ baseUrl: 'https://graph.facebook.com', accessToken: 'a\r\nb' })).to.throw(TypeError, /printable/)
    expect(() => createGraphClient({ baseUrl: 'https://graph.facebook.com', accessToken: token, version: '../x' })).to.throw(TypeError)
  })
})

function cutAnswer(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '100' })
  response.write('{"id":', () => request.socket.destroy())
}

async function thrown(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}
