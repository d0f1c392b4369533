import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { listen } from '../../../server/http/listen.ts'
import { startServer, type TestServer } from '../../support/server.ts'

describe('what cannot be read as a request', () => {
  let server: TestServer
  before(async () => {
    server = await startServer()
  })
  after(() => server.close())

  /** What comes back for bytes as they are, until the connection ends. */
  async function answerTo(bytes: string): Promise<{ head: string; body: unknown }> {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.write(bytes)
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
    expect(Number(/Content-Length: (\d+)/.exec(head)?.[1])).to.equal(Buffer.byteLength(body))
    return { head, body: JSON.parse(body) }
  }

  it('is refused in Matrix’s form when it is no HTTP', async () => {
    const { head, body } = await answerTo('\u0016\u0003\u0001 GET\r\n\r\n')
    expect(head)
      .to.match(/^HTTP\/1\.1 400 Bad Request\r\n/)
      .and.contain('Access-Control-Allow-Origin: *')
    expect(body).to.deep.equal({ errcode: 'M_UNKNOWN', error: 'this is no HTTP request' })
  })

  it('is refused in Matrix’s form when its address or headers are too long, and others are served', async () => {
    for (const bytes of [
      `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    ]) {
      const { head, body } = await answerTo(bytes)
      expect(head).to.match(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/)
      expect(body).to.have.property('errcode', 'M_TOO_LARGE')
    }
    expect((await server.anonymous.get('/_matrix/client/versions')).status).to.equal(200)
  })
})

describe('a server that closes', () => {
  it('waits for an answer that is owed, and not for a connection that was opened ahead and asks nothing', async () => {
    const asked = Promise.withResolvers<ServerResponse>()
    const plain = { tls_certificate: undefined, tls_key: undefined }
    const listener = { host: '127.0.0.1', port: 0, serves: ['client'] as const, ...plain }
    const listening = await listen([listener], (_, response) => asked.resolve(response))
    const ahead = connect(Number(new URL(listening.url).port), '127.0.0.1')
    await once(ahead, 'connect')
    const answer = fetch(listening.url)
    const response = await asked.promise
    const closed = listening.close(600_000)
    await once(ahead, 'close')
    response.end('in time')
    expect(await (await answer).text()).to.equal('in time')
    await closed
  })
})
