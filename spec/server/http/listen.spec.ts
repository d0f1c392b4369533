import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectSecurely } from 'node:tls'
import { expect } from 'chai'
import { listen } from '../../../server/http/listen.ts'
import { writeCertificate } from '../../support/certificates.ts'
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

  describe('over TLS', () => {
    let folder: string
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'listen-'))
    })
    after(() => rmSync(folder, { recursive: true }))

    /** Three clients: one that never shakes hands, one that asks nothing, and one that is owed an answer. */
    async function threeClients() {
      const { certificate, key } = writeCertificate(folder)
      const listener = { host: '127.0.0.1', port: 0, serves: ['client'] as const, tls_certificate: certificate, tls_key: key }
      const asked = Promise.withResolvers<ServerResponse>()
      const listening = await listen([listener], (_, response) => asked.resolve(response))
      const port = Number(new URL(listening.url).port)
      const [mute, ahead, asking] = [connect(port, '127.0.0.1'), secure(port), secure(port)]
      await Promise.all([once(mute, 'connect'), once(ahead, 'secureConnect')])
      asking.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      return { listening, mute, ahead, asking, response: await asked.promise }
    }

    function secure(port: number) {
      return connectSecurely({ host: '127.0.0.1', port, rejectUnauthorized: false }).on('error', () => {})
    }

    it('waits for an answer that is owed, and not for who shook no hands or asks nothing', async () => {
      const { listening, mute, ahead, asking, response } = await threeClients()
      const closed = listening.close(600_000)
      await Promise.all([once(mute, 'close'), once(ahead, 'close')])
      response.end('in time')
      expect(await text(asking)).to.match(/in time/)
      await closed
    })

    it('cuts all that is left once its time is over', async () => {
      const { listening, mute, ahead, asking } = await threeClients()
      const cut = Promise.all([mute, ahead, asking].map((client) => once(client, 'close')))
      await listening.close(0)
      await cut
    })
  })
})
