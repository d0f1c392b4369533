import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import { type AddressInfo, connect, createServer as listen, type Socket } from 'node:net'
import { expect } from 'chai'
import { SpelledNumber } from '../../../server/core/json.ts'
import { createEgress, type Egress } from '../../../server/remote/egress.ts'
import { writeCertificate } from '../../support/certificates.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'

describe('createEgress', () => {
  let egress: Egress
  let server: Server
  let url: string
  let connections: number
  let answer: RequestListener
  beforeEach(async () => {
    connections = 0
    server = createServer((request, response) => answer(request, response)).on('connection', () => connections++)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    egress = createEgress({ caFile: undefined, userAgent: 'Test/1' })
  })
  afterEach(async () => {
    await egress.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const reason = async (of: Parameters<Egress['request']>[0]) => {
    const result = await egress.fetchJson(of)
    return result.ok ? result.status : result.reason
  }

  it('opens no connection to a private address, however it is written', async () => {
    answer = (_, response) => response.end('{}')
    const { port } = new URL(url)
    const hosts = [
      '127.0.0.1',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '127.1',
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
      '[::]',
    ]
    for (const host of hosts) expect(await reason({ url: `http://${host}:${port}/` }), host).to.equal('forbidden')
    expect(connections).to.equal(0)
  })
  it('reaches a private address where that is allowed', async () => {
    answer = (request, response) => response.end(JSON.stringify({ agent: request.headers['user-agent'], verb: request.method }))
    const result = await egress.fetchJson({ url, method: 'PUT', body: '{}', allowPrivate: true })
    expect(result).to.deep.include({ ok: true, status: 200, body: { agent: 'Test/1', verb: 'PUT' } })
  })
  it('asks http and https alone, and no address with a password in it', async () => {
    for (const bad of ['file:///etc/passwd', 'gopher://a', 'http://user:secret@example.org/', 'nonsense']) {
      expect(await reason({ url: bad, allowPrivate: true }), bad).to.equal('forbidden')
    }
  })
  it('does not follow a redirect', async () => {
    answer = (request, response) => {
      if (request.url === '/') response.writeHead(302, { Location: '/elsewhere' }).end('{"here":1}')
      else response.end('{"elsewhere":1}')
    }
    expect(await egress.fetchJson({ url, allowPrivate: true })).to.deep.include({ status: 302, body: { here: 1 } })
  })
  it('stops reading an answer beyond its limit, whether it was announced or not', async () => {
    let sent = 0
    answer = (_, response) => {
      const more = () => {
        if (response.destroyed) return
        sent += 65_536
        response.write(Buffer.alloc(65_536), more)
      }
      more()
    }
    expect(await reason({ url, limit: 100_000, allowPrivate: true })).to.equal('too large')
    expect(sent).to.be.below(50_000_000)
    answer = (_, response) => response.writeHead(200, { 'Content-Length': 200_000 }).end(Buffer.alloc(200_000))
    expect(await reason({ url, limit: 100_000, allowPrivate: true })).to.equal('too large')
  })
  it('hands an answer on as it comes, and checks the address all the same', async () => {
    answer = (_, response) => response.writeHead(200, { 'Content-Type': 'text/plain' }).end('streamed')
    expect(await egress.stream({ url })).to.include({ ok: false, reason: 'forbidden' })
    const result = await egress.stream({ url, allowPrivate: true })
    if (!result.ok) throw new Error(result.words)
    let text = ''
    for await (const chunk of result.body) text += chunk
    expect([result.status, text]).to.deep.equal([200, 'streamed'])
  })
  it('ends a stream that takes too long, also when nobody reads it', async () => {
    answer = (_, response) => response.writeHead(200).write('some')
    let result = await egress.stream({ url, allowPrivate: true, timeoutMs: 200 })
    // On a machine that stood still the time was over before anything came.
    for (const timeoutMs of [2000, 10_000]) if (!result.ok) result = await egress.stream({ url, allowPrivate: true, timeoutMs })
    if (!result.ok) throw new Error(result.words)
    await new Promise((resolve) => result.body.once('close', resolve))
    expect(result.body.destroyed).to.equal(true)
  })
  it('keeps numbers as they are spelled where that is asked for, in answers of any length', async () => {
    for (const padding of [1, 200_000]) {
      answer = (_, response) => response.end(`{"padding":["${'x'.repeat(padding)}"],"depth":9007199254740993,"ts":1.0}`)
      const exact = await egress.fetchJson({ url, allowPrivate: true, exact: true })
      expect(exact.ok && [exact.body['depth'], exact.body['ts']]).to.deep.equal([9007199254740993n, new SpelledNumber('1.0')])
      const rounded = await egress.fetchJson({ url, allowPrivate: true })
      expect(rounded.ok && rounded.body['ts']).to.equal(1)
    }
  })
  it('says why there is no answer', async () => {
    answer = (_, response) => response.end('[1]')
    expect(await reason({ url, allowPrivate: true })).to.equal('not json')
    answer = () => {}
    expect(await reason({ url, timeoutMs: 50, allowPrivate: true })).to.equal('timeout')
    expect(await reason({ url, signal: AbortSignal.abort(), allowPrivate: true })).to.equal('aborted')
    answer = (request) => void request.socket.destroy()
    expect(await reason({ url, allowPrivate: true })).to.equal('unreachable')
  })

  it('asks nobody after its end, however many are named', async () => {
    const unheard: unknown[] = []
    const note = (reason: unknown) => void unheard.push(reason)
    process.on('unhandledRejection', note)
    await egress.close()
    for (let n = 0; n <= 1000; n++) expect(await reason({ url: `http://server${n}.test/` })).to.equal('unreachable')
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unheard).to.deep.equal([])
  })

  it('answers what has connections of its own however much else the same server leaves unanswered', async () => {
    const waiting: string[] = []
    answer = ({ url: path = '' }, response) => void (path === '/own' ? response.end('{}') : waiting.push(path))
    const end = new AbortController()
    const others = Array.from({ length: 40 }, () => egress.request({ url, allowPrivate: true, signal: end.signal, timeoutMs: 2 ** 31 - 1 }))
    while (waiting.length < 32) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(await reason({ url: `${url}/own`, allowPrivate: true, apart: true, method: 'PUT' })).to.equal(200)
    end.abort()
    await Promise.all(others)
    expect(waiting).to.have.length(32)
  })

  it('asks over another connection where one has gone dead, whatever the server speaks', async () => {
    const folder = temporaryFolder('tombolo-egress')
    const { certificate, key } = writeCertificate(folder)
    const both = createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key), allowHTTP1: true })
    both.on('request', (request, response) => response.end(JSON.stringify({ spoken: request.httpVersion })))
    await new Promise<void>((resolve) => both.listen(0, '127.0.0.1', resolve))
    const sockets: Socket[] = []
    const between = listen((near) => {
      const far = connect((both.address() as AddressInfo).port, '127.0.0.1')
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const)
        one.on('error', () => other.destroy()).on('close', () => other.destroy())
      near.pipe(far).pipe(near)
      sockets.push(near)
    })
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve))
    const over = createEgress({ caFile: certificate, userAgent: 'Test/1' })
    const of = { url: `https://localhost:${(between.address() as AddressInfo).port}/`, allowPrivate: true }
    expect(await over.fetchJson(of)).to.deep.include({ ok: true, body: { spoken: '1.1' } })
    await new Promise((resolve) => setTimeout(resolve, 10))
    for (const socket of sockets) socket.unpipe().resume()
    await over.fetchJson({ ...of, timeoutMs: 200 })
    expect(await over.fetchJson(of)).to.include({ ok: true })
    await over.close()
    for (const each of [between, both]) await new Promise((resolve) => each.close(resolve))
    removeFolder(folder)
  })
})
