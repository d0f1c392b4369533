import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { expect } from 'chai'
import { load } from '../../../config/load.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { proxySnippet } from '../../../server/doctor/patient.ts'
import { writeCertificate } from '../../support/certificates.ts'
import { type Resolver, startResolver } from '../../support/doctor/dns.ts'
import { examine } from '../../support/doctor/patient.ts'
import { isInstalled, type ProxyName, type ReverseProxy, startProxy } from '../../support/hostile/proxies.ts'
import { sendRaw } from '../../support/hostile/raw.ts'
import { splitStreams } from '../../support/hostile/split-streams.ts'
import { type AmongPeers, authorizationOf, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { project, removeFolder, temporaryFolder } from '../../support/processes.ts'
import type { Body, TestUser } from '../../support/server.ts'

const host = 'matrix.example.org'
const serverName = 'example.org'
type Asked = { readonly method?: string; readonly path: string; readonly headers?: Record<string, string>; readonly body?: string | Buffer }
type Told = { readonly status: number; readonly text: string; readonly body: Body }

for (const name of ['nginx', 'caddy', 'haproxy'] as ProxyName[]) {
  /** S-23, with what most people have in front of a server, as the README recommends it. */
  describe(`a server behind ${name}`, () => {
    const folder = temporaryFolder('tombolo-proxy')
    let among: AmongPeers
    let proxy: ReverseProxy
    let resolver: Resolver
    let peer: Peer
    let admin: TestUser
    let alice: TestUser
    let count = 0
    before(async function () {
      if (!isInstalled(name)) {
        console.log(`      ${name} is not installed: what it makes of requests is skipped`)
        return this.skip()
      }
      mkdirSync(join(folder, 'tls'))
      const files = writeCertificate(join(folder, 'tls'), [serverName, host])
      const config = { server_name: serverName, public_baseurl: `https://${host}/`, registration: { token_required: true } as never }
      among = (await startServerWithPeers(1, { config })) as AmongPeers
      ;[peer] = among.peers as [Peer]
      proxy = await startProxy(name, { folder, files, to: Number(new URL(among.server.url).port) })
      resolver = await startResolver()
      for (const one of [serverName, host]) resolver.zone.addresses.set(one, ['127.0.0.1'])
      admin = await among.server.register('admin', { admin: true })
      alice = await among.server.register('alice')
      await untilThere()
    })
    after(async () => {
      await proxy?.running.stop()
      await Promise.all([among?.close(), resolver?.close()])
      removeFolder(folder)
    })

    /** A request over the proxy, its path as it stands here. */
    function send({ method = 'GET', path, headers = {}, body }: Asked): Promise<Told> {
      return new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port: proxy.port, servername: host, rejectUnauthorized: false, method, path, agent: false }
        const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
        const asking = httpsRequest({ ...options, headers: { Host: host, ...length, ...headers } }, (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            text += chunk
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text, body: parsed(text) }))
          response.on('error', reject)
        })
        asking.on('error', reject)
        asking.end(body)
      })
    }
    const as = ({ token }: TestUser) => ({ Authorization: `Bearer ${token}` })
    const isSmuggled = async () => {
      const path = '/_matrix/client/v1/register/m.login.registration_token/validity'
      return (await among.server.anonymous.get(path, { query: { token: 'smuggled' } })).body.valid
    }

    async function untilThere(): Promise<void> {
      for (const latest = performance.now() + 40_000; performance.now() < latest; ) {
        const told = await send({ path: '/_matrix/client/versions' }).catch(() => undefined)
        if (told?.status === 200) return
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error(`${name} does not answer: ${proxy.running.output()}`)
    }

    it('is well as the doctor finds it, from outside and as clients do', async () => {
      const { signing_key_path, data_dir, database, federation } = among.server.config
      const lines = { server_name: serverName, public_baseurl: `https://${host}/`, signing_key_path, data_dir, database }
      const certificate = join(folder, 'tls/certificate.pem')
      const port = Number(new URL(among.server.url).port)
      const trusting = { ...federation, ca_file: certificate }
      const file = join(folder, 'tombolo.yaml')
      writeFileSync(file, JSON.stringify({ ...lines, federation: trusting, listeners: [{ host: '127.0.0.1', port }] }), { mode: 0o600 })
      const leads = [serverName, host].flatMap((one) => ['--connect-to', `${one}:443=127.0.0.1:${proxy.port}`])
      const found = await examine('--config', file, '--dns', resolver.address, ...leads)
      const ill = found.findings
        .filter(({ level }) => level === 'wrong' || level === 'attention')
        .map(({ check, words }) => `${check}: ${words}`)
      expect(ill, found.output + found.errors).to.deep.equal([])
      const checks = found.findings.filter(({ level }) => level === 'ok').map(({ check }) => check)
      const wanted = [
        'well-known server',
        'certificate',
        'answers',
        'keys',
        'addresses as sent',
        'clients',
        'paths',
        'large files',
        'administration',
      ]
      expect(checks).to.include.members([...wanted, 'well-known client'])
    })

    it('gets paths and bodies of other servers as they were signed', async () => {
      const profile = `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}&field=displayname`
      const signed = (method: string, uri: string, content?: JsonObject) => ({
        Authorization: authorizationOf(peer, serverName, { method, uri, content }),
      })
      expect((await send({ path: profile, headers: signed('GET', profile) })).status).to.equal(200)
      const odd = ['%2F', '%2f%2F', '%41', '%E2%82%AC', '~', '!$&()*+,;=:@', '%20', '%3Fx%23', "'", '%25', '.%2E']
      for (const part of odd) {
        const uri = `/_matrix/federation/v1/send/a${part}${count++}?x=%2F&y=a+b`
        const content = { origin: peer.serverName, origin_server_ts: 1, pdus: [], edus: [] }
        const headers = { ...signed('PUT', uri, content), 'Content-Type': 'application/json' }
        const told = await send({ method: 'PUT', path: uri, headers, body: JSON.stringify(content) })
        expect([uri, told.status], told.text).to.deep.equal([uri, 200])
      }
      const other = profile.replace('profile', 'pro%66ile')
      expect((await send({ path: other, headers: signed('GET', profile) })).status).to.be.oneOf([401, 404])
    })

    it('is asked nothing but what is Matrix’s, however a path is spelled', async () => {
      const targets = [
        '/_synapse/admin/v1/federation/destinations',
        '/_synapse/admin/v1/rooms/x',
        '/_tombolo/first-account',
        '/health',
        '/metrics',
      ]
      const tricks = (path: string) => [
        path,
        `/${path}`,
        `/_matrix/..${path}`,
        `/_matrix/../..${path}`,
        `/_matrix/%2e%2e${path}`,
        `/_matrix/..%2f${path.slice(1)}`,
        `/_matrix/%2e%2e%2f${path.slice(1)}`,
        `/_matrix/client/../..${path}`,
        `/_matrix/.%2e/${path.slice(1)}`,
        `/_matrix/..;${path}`,
        `/_matrix\\..${path}`,
        `/.well-known/matrix/../..${path}`,
        `${path}/..%2f..%2f..%2f..%2f..%2f_matrix%2fclient%2fversions`,
        `${path}/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/_matrix/client/versions`,
        `${path}/../../../../../_matrix/client/versions`,
        path.replace('/_', '/%5f'),
        path.replace('/_', '/%5F'),
        path.toUpperCase(),
        `https://${host}${path}`,
        `${path}?/_matrix/client/versions`,
        `${path}#/_matrix/client/versions`,
      ]
      for (const path of targets.flatMap(tricks)) {
        for (const method of ['GET', 'POST']) {
          const { text, statuses } = await sendRaw(
            proxy.url,
            `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${admin.token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
          )
          const said = `${method} ${path}: ${text.slice(0, 600)}`
          expect(statuses[0], said).to.be.oneOf([301, 302, 307, 308, 400, 403, 404, 405])
          if (text.includes('errcode')) expect(text, said).to.match(/M_UNRECOGNIZED/)
        }
      }
    })

    it('is asked no request that its proxy has not seen, by streams that two readers could split in two ways', async () => {
      const body = '{"token":"smuggled"}'
      const lines = [
        `Host: ${host}`,
        `Authorization: Bearer ${admin.token}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ]
      const inner = `POST /_synapse/admin/v1/registration_tokens/new HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`
      for (const [words, stream] of Object.entries(splitStreams(host, inner))) {
        const { text } = await sendRaw(proxy.url, stream, 60)
        const victims = await Promise.all(
          [alice, admin, alice].map((user) => send({ path: '/_matrix/client/v3/account/whoami', headers: as(user) })),
        )
        expect(
          victims.map((told) => told.body.user_id),
          `${words}: ${text}`,
        ).to.deep.equal([alice.userId, admin.userId, alice.userId])
        expect(await isSmuggled(), `${words}: ${text}`).to.equal(false)
        expect(text, words).to.not.include('"uses_allowed"')
      }
      const direct = await sendRaw(among.server.url, inner.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
      expect([direct.statuses, await isSmuggled()], direct.text).to.deep.equal([[200], true])
    })

    it('answers requests that come right after each other in their order, each for itself', async () => {
      const line = (user?: TestUser, more = '') =>
        `GET /_matrix/client/v3/account/whoami HTTP/1.1\r\nHost: ${host}\r\n${user ? `Authorization: Bearer ${user.token}\r\n` : ''}${more}\r\n`
      const { statuses, text } = await sendRaw(proxy.url, line(alice) + line() + line(admin, 'Connection: close\r\n'))
      expect(statuses).to.deep.equal([200, 401, 200])
      expect(text.indexOf(alice.userId)).to.be.lessThan(text.indexOf(admin.userId))
    })

    it('sees who asks, not whom they say they are, and turns no connection into another', async () => {
      const headers = { ...as(alice), 'X-Forwarded-For': '203.0.113.9', 'X-Real-IP': '203.0.113.9', Forwarded: 'for=203.0.113.9' }
      await send({ path: '/_matrix/client/v3/account/whoami', headers })
      const seen = async () => (await alice.get('/devices')).body.devices[0].last_seen_ip
      expect(await seen()).to.equal('127.0.0.1')
      for (const protocol of ['websocket', 'h2c']) {
        const lines = [
          'Connection: Upgrade, HTTP2-Settings',
          `Upgrade: ${protocol}`,
          'HTTP2-Settings: AAMAAABkAAQAAP__',
          'Sec-WebSocket-Version: 13',
        ]
        const path = `GET /_matrix/client/versions HTTP/1.1\r\nHost: ${host}\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${lines.join('\r\n')}`
        const { statuses } = await sendRaw(proxy.url, `${path}\r\n\r\n`, 150)
        expect(statuses, protocol).to.not.include(101)
      }
      for (const line of [
        'X-Original-URL: /_synapse/admin/v1/rooms/x',
        'X-Rewrite-URL: /_synapse/admin/v1/rooms/x',
        'X-HTTP-Method-Override: PUT',
      ])
        expect((await send({ path: '/_matrix/nothing', headers: Object.fromEntries([line.split(': ')]) })).status).to.equal(404)
    })

    it('gets long headers up to a bound, and what is longer ends with an error of the client’s', async () => {
      const path = '/_matrix/client/versions'
      expect((await send({ path, headers: { 'X-Long': 'x'.repeat(7000) } })).status).to.equal(200)
      const long = await send({ path, headers: { 'X-Long': 'x'.repeat(1_200_000) } }).catch(() => undefined)
      if (long !== undefined) expect(long.status).to.be.within(400, 499)
      expect((await send({ path })).status).to.equal(200)
    })

    it('gets large files whole', async () => {
      const file = randomBytes(8 * 1024 * 1024)
      const headers = { ...as(alice), 'Content-Type': 'application/octet-stream' }
      const told = await send({ method: 'POST', path: '/_matrix/media/v3/upload', headers, body: file })
      expect(told.status, told.text).to.equal(200)
    })

    it('wakes whoever waits, over HTTP/2 as well', async () => {
      const { room_id: roomId } = (await alice.post('/createRoom', {})).body
      const { next_batch: since } = (await alice.get('/sync')).body
      const path = `/_matrix/client/v3/sync?timeout=30000&since=${encodeURIComponent(since)}`
      const session = connectHttp2(proxy.url, { rejectUnauthorized: false, servername: host })
      const overHttp2 = new Promise<string>((resolve, reject) => {
        session.on('error', reject)
        const stream = session.request({ ':path': path, ':authority': host, authorization: `Bearer ${alice.token}` })
        let text = ''
        stream.setEncoding('utf8')
        stream.on('data', (chunk: string) => {
          text += chunk
        })
        stream.on('end', () => resolve(text))
        stream.on('error', reject)
      })
      const waiting = [send({ path, headers: as(alice) }).then(({ text }) => text), overHttp2]
      await new Promise((resolve) => setTimeout(resolve, 300))
      const { event_id: eventId } = (await alice.put(`/rooms/${roomId}/send/m.room.message/${name}`, { msgtype: 'm.text', body: 'wake' }))
        .body
      for (const text of await Promise.all(waiting)) expect(text).to.include(eventId)
      session.close()
    })
  })
}

describe('what the doctor recommends for nginx', () => {
  it('is what the README does', () => {
    const lines = proxySnippet(load({ argv: [], env: {} }).config).map((line) => line.trim())
    expect(readFileSync(join(project, 'README.md'), 'utf8').replaceAll(/\n +/g, '\n')).to.include(lines.join('\n'))
  })
})

function parsed(text: string): Body {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
