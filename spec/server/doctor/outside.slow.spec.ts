import { expect } from 'chai'
import { type Front, type Said, startFront } from '../../support/doctor/front.ts'
import { anotherCertificate, type Examined, type Patient, startPatient } from '../../support/doctor/patient.ts'
import type { Files } from '../../support/peers/tls-server.ts'
import { freePort } from '../../support/processes.ts'

type Fault = Partial<Pick<Front, 'answer' | 'rewrite' | 'adds'>> & { readonly files?: Files; readonly args?: readonly string[] }

const names = ['tombolo.test:443', 'matrix.tombolo.test:443']
const serverFile = '/.well-known/matrix/server'
const clientFile = '/.well-known/matrix/client'
const page: Said = { body: '<!doctype html><title>Welcome</title>', headers: { 'Content-Type': 'text/html' } }
const json = (body: unknown): Said => ({ body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })
const only = (at: string, said: Said) => (path: string) => (path.startsWith(at) ? said : undefined)
const inUtc = (days: number) => {
  const date = new Date(Date.now() + days * 86_400_000).toISOString()
  return `${date.slice(2, 19).replace(/[-T:]/g, '')}Z`
}

describe('the doctor looks at a server from outside and says what to change', () => {
  let patient: Patient
  before(async () => {
    patient = await startPatient()
  })
  after(() => patient.close())

  /** What is found where the server stands behind a front with a fault. */
  const behind = async ({ files = patient.trusted, args = [], ...rules }: Fault): Promise<Examined> => {
    const front = Object.assign(await startFront(files, patient.port), rules)
    const found = await patient.examine(...names.flatMap((name) => patient.leads(name, front)), ...args)
    await front.down()
    return found
  }
  const expectWrong = (found: Examined, check: string, ...texts: readonly string[]) => {
    const { level, text } = found.of(check)
    expect(level, `${check}: ${text}\n${found.errors}`).to.equal('wrong')
    for (const part of texts) expect(text).to.contain(part)
    expect(found.code).to.equal(1)
  }

  it('nothing, where all is well', async () => {
    const [found, read] = await Promise.all([patient.examine(), patient.read()])
    expect(found.findings.filter(({ level }) => level === 'wrong' || level === 'attention')).to.deep.equal([])
    expect([found.code, read.code]).to.deep.equal([0, 0])
    expect(read.output)
      .to.match(/\n {2}ok {8}certificate {8}for matrix\.tombolo\.test, .*\n/)
      .and.contain('0 wrong. All is well.')
    expect(read.output.split('\n').filter((line) => line.length > 110)).to.deep.equal([])
    expect(read.output).not.to.contain('\x1b')
  })

  it('a certificate that has expired, is for another name, is believed by nobody, or ends soon', async () => {
    const [expired, other, unknown, soon] = await Promise.all(
      [
        anotherCertificate(patient, { until: '250101000000Z', isTrusted: true }),
        anotherCertificate(patient, { name: 'www.tombolo.test', isTrusted: true }),
        anotherCertificate(patient, { isTrusted: false }),
        anotherCertificate(patient, { until: inUtc(5), isTrusted: true }),
      ].map(async (files) => {
        const front = await startFront(files, patient.port)
        const found = await patient.examine(...patient.leads('matrix.tombolo.test:443', front))
        await front.down()
        return found
      }),
    )
    expectWrong(expired!, 'certificate', 'has expired: it ended on 2025-01-01', 'certbot renew')
    expect(expired!.of('answers').level).to.equal('skipped')
    expectWrong(expired!, 'clients', 'its certificate has expired (CERT_HAS_EXPIRED)')
    expectWrong(other!, 'certificate', 'is for www.tombolo.test', 'not for matrix.tombolo.test', 'certbot certonly -d matrix.tombolo.test')
    expectWrong(unknown!, 'certificate', 'vouches for itself (DEPTH_ZERO_SELF_SIGNED_CERT)', 'ca_file:')
    expect(soon!.of('certificate')).to.deep.include({ level: 'attention' })
    expect(soon!.of('certificate').text)
      .to.match(/ends soon: .*\(4 days\)/)
      .and.contain('certbot renew --dry-run')
    expect(soon!.code).to.equal(0)
  })

  it('a well-known file that fails, is a page, or does not name a server', async () => {
    const asked = [{ status: 500, body: 'oops' }, page, json({ server: 'x' }), json({ 'm.server': 'https://matrix.tombolo.test' })]
    const [failing, html, without, strange] = await Promise.all(asked.map((said) => behind({ answer: only(serverFile, said) })))
    const snippet = [`location = ${serverFile} {`, `return 200 '{"m.server": "matrix.tombolo.test:443"}';`]
    expectWrong(failing!, 'well-known server', 'it answers 500', ...snippet)
    expectWrong(html!, 'well-known server', 'it is no JSON (text/html)', ...snippet)
    for (const found of [without!, strange!]) expectWrong(found, 'well-known server', 'it has no m.server', ...snippet)
    expect(failing!.of('way here').text).to.contain('others connect to tombolo.test:8448')
  })

  it('a well-known file that redirects in a ring is of no use; one that redirects once is', async () => {
    const to = (Location: string): Said => ({ status: 302, headers: { Location } })
    const [ring, once] = await Promise.all([
      behind({ answer: only(serverFile, to(serverFile)) }),
      behind({
        answer: only(serverFile, to(`https://matrix.tombolo.test${serverFile}`)),
        args: patient.leads('matrix.tombolo.test:443', patient.front),
      }),
    ])
    expectWrong(ring, 'well-known server', 'it answers 302')
    expect(once.of('well-known server')).to.deep.include({ level: 'ok' })
  })

  it('a port that is closed, with what to open', async () => {
    const closed = await freePort()
    const [delegated, straight] = await Promise.all([
      patient.examine(...patient.leads('matrix.tombolo.test:443', closed)),
      behind({ answer: only(serverFile, { status: 404 }), args: patient.leads('tombolo.test:8448', closed) }),
    ])
    expectWrong(delegated, 'port', 'matrix.tombolo.test:443 cannot be connected to: nothing listens', 'listen 443 ssl;', 'firewall')
    expect(straight.of('well-known server').level).to.equal('ok')
    expectWrong(
      straight,
      'port',
      'tombolo.test:8448 cannot be connected to',
      'open TCP port 8448',
      '{"m.server": "matrix.tombolo.test:443"}',
    )
  })

  it('a port that speaks plain HTTP', async () => {
    expectWrong(await patient.examine(...patient.leads('matrix.tombolo.test:443', patient.port)), 'port', 'not over TLS', 'listen 443 ssl;')
  })

  it('a well-known file that is too large, or sent as what it is not', async () => {
    const right = { 'm.server': 'matrix.tombolo.test:443' }
    const asText = { ...json(right), headers: { 'Content-Type': 'text/plain' } }
    const [large, plain] = await Promise.all([
      behind({ answer: only(serverFile, json({ ...right, filler: 'x'.repeat(60_000) })) }),
      behind({ answer: only(serverFile, asText) }),
    ])
    expectWrong(large!, 'well-known server', 'the answer is too large')
    expect(plain!.of('well-known server')).to.deep.include({ level: 'attention' })
    expect(plain!.of('well-known server').text).to.contain('is sent as text/plain').and.contain('default_type application/json;')
  })

  it('one of several addresses at which nobody answers', async () => {
    const { addresses, services } = patient.resolver.zone
    addresses.set('matrix.tombolo.test', ['127.0.0.1', '127.0.0.2'])
    services.set('_matrix-fed._tcp.tombolo.test', [{ port: patient.front.port, name: 'matrix.tombolo.test' }])
    const found = await behind({ answer: only(serverFile, { status: 404 }) })
    addresses.set('matrix.tombolo.test', ['127.0.0.1'])
    services.clear()
    expect(found.of('answers').level).to.equal('ok')
    expect(found.of('addresses')).to.deep.include({ level: 'attention' })
    expect(found.of('addresses').text).to.contain('127.0.0.2 does not answer').and.contain(`listen [::]:${patient.front.port} ssl;`)
  })

  it('SRV records: those of the old name alone, those that lead nowhere, those that lead here', async () => {
    const { services } = patient.resolver.zone
    const none = { answer: only(serverFile, { status: 404 }) }
    services.set('_matrix._tcp.tombolo.test', [{ port: 443, name: 'matrix.tombolo.test' }])
    const old = await behind({ ...none, files: anotherCertificate(patient, { name: 'tombolo.test', isTrusted: true }) })
    expect(old.of('SRV records')).to.deep.include({ level: 'attention' })
    expect(old.of('SRV records').text).to.contain('_matrix-fed._tcp.tombolo.test. 3600 IN SRV 10 5 443 matrix.tombolo.test.')
    expect(old.of('way here').text).to.contain('others connect to matrix.tombolo.test:443 and expect a certificate for tombolo.test')
    services.set('_matrix-fed._tcp.tombolo.test', [{ port: 8448, name: '127.0.0.1' }])
    expectWrong(await behind(none), 'SRV records', '127.0.0.1:8448, which is no host')
    services.set('_matrix-fed._tcp.tombolo.test', [{ port: 443, name: 'matrix.tombolo.test' }])
    const right = await behind(none)
    expect(right.of('SRV records')).to.deep.equal({ level: 'ok', text: '_matrix-fed._tcp.tombolo.test leads to matrix.tombolo.test:443' })
    expect(right.of('certificate').level).to.equal('ok')
    services.clear()
  })

  it('a name without an address, and a resolver that does not answer', async () => {
    const { addresses } = patient.resolver.zone
    addresses.delete('matrix.tombolo.test')
    const missing = await patient.examine()
    addresses.set('matrix.tombolo.test', ['127.0.0.1'])
    // Its route is given, so that it can be tried before the DNS has it.
    expect(missing.of('answers').level).to.equal('ok')
    addresses.delete('tombolo.test')
    const unnamed = await patient.examine()
    addresses.set('tombolo.test', ['127.0.0.1'])
    expectWrong(unnamed, 'address', 'tombolo.test has no address in the DNS', 'tombolo.test. 3600 IN A ')
    const silent = await patient.examine('--dns', `127.0.0.1:${await freePort()}`)
    expectWrong(silent, 'address', 'the DNS does not answer', '--dns 1.1.1.1')
  })

  it('a reverse proxy that does not forward, or leads to another server', async () => {
    const [lost, other] = await Promise.all([
      behind({ answer: only('/_matrix/', { ...page, status: 404 }) }),
      behind({ answer: only('/_matrix/federation/v1/version', json({ server: { name: 'Synapse', version: '1.2' } })) }),
    ])
    const snippet = [`proxy_pass http://127.0.0.1:${patient.port};`, 'client_max_body_size 50m;']
    expectWrong(lost!, 'answers', '/_matrix is not forwarded from matrix.tombolo.test:443', ...snippet)
    expectWrong(lost!, 'clients', 'no client gets through', ...snippet)
    expectWrong(other!, 'answers', 'is Synapse 1.2, not this server')
  })

  it('a reverse proxy that reads slashes of addresses, or writes them anew', async () => {
    const decoding = (path: string) => path.replaceAll('%2F', '/')
    const encoding = (path: string) => path.replaceAll('%', '%25')
    const [decoded, twice] = await Promise.all([decoding, encoding].map((rewrite) => behind({ rewrite })))
    for (const check of ['addresses as sent', 'paths'])
      expectWrong(decoded!, check, 'written %2F do not arrive', 'proxy_pass without a path', 'nocanon')
    expectWrong(twice!, 'paths', 'written %2F do not arrive')
  })

  it('what keeps clients away: no CORS, CORS twice, another address, a small limit; and what they should not see', async () => {
    const base = { 'm.homeserver': { base_url: 'https://matrix.tombolo.test' } }
    const [without, twice, other] = await Promise.all([
      behind({
        answer: (path) => {
          if (path === clientFile) return json(base)
          if (path.endsWith('/login')) return { status: 413, body: '<html>413</html>' }
          return path.startsWith('/_synapse') ? json({ errcode: 'M_MISSING_TOKEN' }) : undefined
        },
      }),
      behind({ adds: { 'access-control-allow-origin': '*, *' } }),
      behind({ answer: only(clientFile, json({ 'm.homeserver': { base_url: 'https://elsewhere.test/' } })) }),
    ])
    expectWrong(without!, 'well-known client', 'has no Access-Control-Allow-Origin', 'add_header Access-Control-Allow-Origin *;')
    expectWrong(without!, 'large files', '2 MiB do not get through', 'client_max_body_size 50m;')
    expect(without!.of('administration')).to.deep.include({ level: 'attention' })
    expect(without!.of('administration').text).to.contain('serves: [client, media, federation]')
    expectWrong(twice!, 'clients', 'Access-Control-Allow-Origin: *, *', 'out of the reverse proxy')
    expectWrong(other!, 'well-known client', 'leads to https://elsewhere.test/', 'public_baseurl: https://elsewhere.test/')
  })
})
