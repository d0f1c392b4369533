import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { expect } from 'chai'
import { createFetcher, type Fetcher, type FetchRules, type Wanted } from '../../../../bridges/kit/media/safe-fetch.ts'
import { collect, failing } from './sources.ts'

describe('createFetcher', () => {
  let server: Server
  let port: number
  let connections: number
  let answer: RequestListener
  let fetchers: Fetcher[]
  beforeEach(async () => {
    connections = 0
    fetchers = []
    server = createServer((request, response) => answer(request, response)).on('connection', () => connections++)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterEach(async () => {
    for (const fetcher of fetchers) await fetcher.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const fetcher = (rules: Partial<FetchRules> = {}) => {
    const made = createFetcher({ hosts: ['127.0.0.1', 'localhost'], userAgent: 'Test/1', allowLoopback: true, ...rules })
    fetchers.push(made)
    return made
  }
  const here = (path = '/') => `http://127.0.0.1:${port}${path}`
  const get = async (wanted: Partial<Wanted> = {}, rules?: Partial<FetchRules>) => {
    const incoming = await fetcher(rules).fetch({ url: here(), limit: 1000, ...wanted })
    return { ...incoming, bytes: await collect(incoming.stream) }
  }
  /** Every name leads to these addresses. */
  const leadsTo =
    (...addresses: string[]): LookupFunction =>
    (_, options, callback) => {
      const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      if (options.all) callback(null, found)
      else callback(null, found[0]!.address, found[0]!.family)
    }

  it('gives the bytes, with what the other side says of them', async () => {
    answer = (request, response) => {
      response.setHeader('Content-Type', 'image/jpeg').setHeader('Content-Length', 7).end(`${request.headers['x-token']} ${request.url}`)
    }
    const { bytes, length, declaredType } = await get({ url: here('/abc'), headers: { 'X-Token': 'ab' } })
    expect([bytes.toString(), length, declaredType]).to.deep.equal(['ab /abc', 7, 'image/jpeg'])
  })
  it('asks no host that is not on the list, and no name that only looks like one', async () => {
    const rules = { hosts: ['example.org', '.cdn.example'], lookup: leadsTo('127.0.0.1') }
    for (const url of [
      'https://example.com/',
      'https://sub.example.org/',
      'https://example.org.evil.example/',
      'https://evilcdn.example/',
      'https://cdn.example/',
      'https://user:password@example.org/',
      'https://example.org:8443/',
      'http://example.org/',
      'ftp://example.org/',
      'file:///etc/passwd',
      'data:,x',
      'nonsense',
      '',
      here(),
    ]) {
      expect(await failing(get({ url }, rules)), url).to.include({ class: 'forbidden' })
    }
    expect(connections).to.equal(0)
  })
  it('dials no address inside, though a listed name leads there', async () => {
    const inside = [
      '127.0.0.1',
      '10.0.0.1',
      '169.254.169.254',
      '::1',
      '::ffff:127.0.0.1',
      '64:ff9b::7f00:1',
      'fe80::1',
      'fc00::1',
      '0.0.0.0',
    ]
    for (const address of inside) {
      const rules = { hosts: ['media.example'], allowLoopback: false, lookup: leadsTo(address) }
      expect(await failing(get({ url: 'https://media.example/' }, rules)), address).to.include({ class: 'forbidden', transient: false })
    }
    expect(connections).to.equal(0)
  })
  it('dials the address that it checked: a name is looked up once', async () => {
    let asked = 0
    const lookup: LookupFunction = (name, options, callback) => leadsTo(asked++ === 0 ? '10.0.0.1' : '127.0.0.1')(name, options, callback)
    const rules = { hosts: ['media.example'], allowLoopback: false, lookup }
    expect(await failing(get({ url: 'https://media.example/' }, rules))).to.include({ class: 'forbidden' })
    expect([asked, connections]).to.deep.equal([1, 0])
  })
  it('dials no literal address inside, however it is written, even on the list', async () => {
    for (const host of ['127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '[::]']) {
      const { hostname } = new URL(`https://${host}/`)
      expect(await failing(get({ url: `https://${host}/` }, { hosts: [hostname], allowLoopback: false })), host).to.include({
        class: 'forbidden',
      })
    }
    expect(connections).to.equal(0)
  })
  it('with loopback allowed, still reaches no other private address', async () => {
    const rules = { hosts: ['media.example', '10.0.0.1'], lookup: leadsTo('192.168.0.1') }
    for (const url of ['https://media.example/', 'http://10.0.0.1/', 'https://10.0.0.1/'])
      expect(await failing(get({ url }, rules)), url).to.include({ class: 'forbidden' })
  })
  it('follows a redirect on the list, and takes the headers to no other origin', async () => {
    const seen: unknown[] = []
    answer = (request, response) => {
      seen.push([request.headers.host, request.headers['authorization']])
      if (request.url === '/') response.writeHead(302, { Location: '/next' }).end('there')
      else if (request.url === '/next') response.writeHead(307, { Location: `http://localhost:${port}/last` }).end()
      else response.end('found')
    }
    expect((await get({ headers: { Authorization: 'Bearer secret' } })).bytes.toString()).to.equal('found')
    expect(seen).to.deep.equal([
      [`127.0.0.1:${port}`, 'Bearer secret'],
      [`127.0.0.1:${port}`, 'Bearer secret'],
      [`localhost:${port}`, undefined],
    ])
  })
  it('follows no redirect off the list, inwards, or without end', async () => {
    for (const [location, expected] of [
      ['https://evil.example/', 'forbidden'],
      ['http://[::1]:1/', 'forbidden'],
      ['file:///etc/passwd', 'forbidden'],
      ['/', 'refused'],
    ]) {
      answer = (_, response) => response.writeHead(302, { Location: location }).end()
      expect(await failing(get()), location).to.include({ class: expected })
    }
  })
  it('refuses what says that it is too large, and breaks off what becomes it', async () => {
    answer = (_, response) => response.setHeader('Content-Length', 1001).end(Buffer.alloc(1001))
    expect(await failing(fetcher().fetch({ url: here(), limit: 1000 }))).to.include({ class: 'too large' })
    let isCut = false
    answer = (_, response) => {
      const more = () => void (response.destroyed || response.write(Buffer.alloc(400), () => setImmediate(more)))
      response.on('close', () => (isCut = true))
      more()
    }
    expect(await failing(get())).to.include({ class: 'too large' })
    while (!isCut) await new Promise((resolve) => setImmediate(resolve))
  })
  it('takes no compressed body', async () => {
    answer = (_, response) => response.setHeader('Content-Encoding', 'gzip').end('x')
    expect(await failing(get())).to.include({ class: 'refused' })
  })
  it('tells a body that breaks off from one that ended', async () => {
    answer = (_, response) => {
      response.setHeader('Content-Length', 100)
      response.write('half', () => response.destroy())
    }
    expect(await failing(get())).to.include({ class: 'unreachable', transient: true })
  })
  it('bounds the time of an answer that never comes, or never ends', async () => {
    answer = () => undefined
    expect(await failing(get({ timeoutMs: 50 }))).to.include({ class: 'timeout', transient: true })
    answer = (_, response) => response.write('a')
    expect(await failing(get({ timeoutMs: 50 }))).to.include({ class: 'timeout' })
  })
  it('ends when it is no longer wanted', async () => {
    const controller = new AbortController()
    answer = () => controller.abort()
    expect(await failing(get({ signal: controller.signal }))).to.include({ class: 'aborted', transient: false })
  })
  it('says in words what an answer means, and quotes no address', async () => {
    for (const [status, expected] of [
      [404, 'gone'],
      [403, 'gone'],
      [410, 'gone'],
      [401, 'refused'],
      [206, 'refused'],
      [429, 'unreachable'],
      [500, 'unreachable'],
    ] as const) {
      answer = (_, response) => response.writeHead(status).end()
      const failure = await failing(get())
      expect(failure, String(status)).to.include({ class: expected, transient: expected === 'unreachable' })
      expect(failure.message).not.to.contain('127.0.0.1')
    }
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    expect(await failing(get())).to.include({ class: 'unreachable', transient: true })
  })
})
