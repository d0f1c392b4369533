import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import { createFiles } from '../../../../server/media/files.ts'
import { forgetUnused } from '../../../../server/media/housekeeping.ts'
import { type AmongPeers, type Peer, type PeerReply, startServerWithPeers } from '../../../support/peer.ts'
import { engines, type TestUser } from '../../../support/server.ts'
import { photograph } from '../pictures.ts'
import { steeredClock } from '../steered-clock.ts'

const largest = 200_000

/** An answer in two parts, the second with these headers. */
function parts(bytes: Buffer | string, headers: readonly string[] = ['Content-Type: text/plain'], boundary = 'b'): PeerReply {
  const start = `--${boundary}\r\nContent-Type: application/json\r\n\r\n{}\r\n--${boundary}\r\n${headers.join('\r\n')}\r\n\r\n`
  const body = Buffer.concat([Buffer.from(start), Buffer.from(bytes), Buffer.from(`\r\n--${boundary}--\r\n`)])
  return { headers: { 'Content-Type': `multipart/mixed; boundary=${boundary}` }, body }
}

for (const engine of engines) {
  describe(`files of other servers on ${engine}`, () => {
    const clock = steeredClock()
    /** Waiting, of which somebody can say that it is over. */
    const sleeping = new Set<() => void>()
    const sleep = (milliseconds: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        if (signal?.aborted) resolve()
        if (milliseconds === 30_000 || milliseconds === 50_000) sleeping.add(resolve)
        signal?.addEventListener('abort', () => resolve(), { once: true })
      })
    let among: AmongPeers | undefined
    let peer: Peer
    let alice: TestUser
    let ids = 0
    before(async function () {
      among = await startServerWithPeers(1, {
        engine,
        config: { media: { max_upload_size: largest, unauthenticated: true } as never },
        overrides: { clock: { now: clock.now, sleep } },
      })
      if (among === undefined) return this.skip()
      peer = among.peers[0]!
      alice = await among.server.register('alice')
    })
    after(() => among?.close())

    const answering = (reply: PeerReply | (() => PeerReply)) =>
      peer.on('GET', '/_matrix/federation/v1/media/download/{id}', () => (typeof reply === 'function' ? reply() : reply))
    const answeringOld = (reply: PeerReply) => peer.on('GET', '/_matrix/media/v3/download/{server}/{id}', () => reply)
    const newId = () => `file${++ids}`
    const get = (id: string, by = alice.token, path = '/_matrix/client/v1/media/download') =>
      fetch(`${among!.server.url}${path}/${peer.serverName}/${id}`, by === '' ? {} : { headers: { Authorization: `Bearer ${by}` } })
    const refusal = async (id: string) => {
      const answer = await get(id)
      return { status: answer.status, errcode: ((await answer.json()) as { errcode: string }).errcode }
    }
    const filesOnDisk = () =>
      readdirSync(among!.server.config.media.store_path, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())

    it('have the name that their server gives in the head of its answer, where it gives none with the file', async () => {
      const { headers, body } = parts('hello')
      answering({ headers: { ...headers, 'Content-Disposition': 'inline; filename="letter.txt"' }, body })
      expect((await get(newId())).headers.get('content-disposition')).to.equal('inline; filename="letter.txt"')
    })

    it('are fetched under a signature, once, and served as files of this server are', async () => {
      const id = newId()
      answering(parts('<svg/>', ['Content-Type: image/svg+xml', 'Content-Disposition: inline; filename="a \\"b\\".svg"']))
      const [one, two] = await Promise.all([get(id), get(id)])
      expect(one.status).to.equal(200)
      expect(await one.text()).to.equal('<svg/>')
      expect(await two.text()).to.equal('<svg/>')
      expect(one.headers.get('content-type')).to.equal('image/svg+xml')
      expect(one.headers.get('content-disposition')).to.equal('attachment; filename="a \\"b\\".svg"')
      expect(one.headers.get('content-security-policy')).to.contain('sandbox')
      expect(await (await get(id)).text()).to.equal('<svg/>')
      const asked = peer.asked.filter(({ params }) => params['id'] === id)
      expect(asked.length).to.equal(1)
      expect(asked[0]?.isSignedBy(among!.server.server.home.signingKey.publicKey)).to.equal(true)
    })

    it('are fetched for nobody who is not logged in, who gets what is kept here', async () => {
      const [kept, other] = [newId(), newId()]
      answering(parts('kept'))
      await get(kept)
      expect(await (await get(kept, '', '/_matrix/media/v3/download')).text()).to.equal('kept')
      expect((await get(other, '', '/_matrix/media/v3/download')).status).to.equal(404)
      const refused = await fetch(`${among!.server.url}/_matrix/media/v3/download/${peer.serverName}/${other}?allow_remote=false`, {
        headers: { Authorization: `Bearer ${alice.token}` },
      })
      expect(refused.status).to.equal(404)
      expect(peer.asked.filter(({ params }) => params['id'] === other)).to.deep.equal([])
      answering(parts('fetched'))
      expect(await (await get(other, alice.token, '/_matrix/media/v3/download')).text()).to.equal('fetched')
    })

    it('are asked for at the old address, without a signature, of a server that knows no other', async () => {
      answering({ status: 404, body: '<html>nothing here</html>' })
      answeringOld({ body: 'very old', headers: { 'Content-Type': 'text/plain' } })
      expect(await (await get(newId())).text()).to.equal('very old')
      const id = newId()
      answering({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } })
      answeringOld({ body: 'old', headers: { 'Content-Type': 'text/plain', 'Content-Disposition': "inline; filename*=utf-8''%C3%A4.txt" } })
      const answer = await get(id)
      expect(await answer.text()).to.equal('old')
      expect(answer.headers.get('content-disposition')).to.equal("inline; filename*=utf-8''%C3%A4.txt")
      const asked = peer.asked.at(-1)
      expect(asked?.query.get('allow_remote')).to.equal('false')
      expect(asked?.origin).to.equal(undefined)
    })

    it('are not asked for at the old address of a server that has no such file', async () => {
      answering({ status: 404, body: { errcode: 'M_NOT_FOUND' } })
      answeringOld({ body: 'old', headers: { 'Content-Type': 'text/plain' } })
      expect(await refusal(newId())).to.deep.equal({ status: 404, errcode: 'M_NOT_FOUND' })
    })

    it('may be empty, and large', async () => {
      answering(parts(''))
      const empty = await get(newId())
      expect({ status: empty.status, text: await empty.text() }).to.deep.equal({ status: 200, text: '' })
      const bytes = Buffer.alloc(largest, 'abc\r\n--')
      answering(parts(bytes))
      expect(Buffer.from(await (await get(newId())).arrayBuffer()).equals(bytes)).to.equal(true)
    })

    it('are followed to where their server says that they are, and no further than that', async () => {
      const url = `https://${peer.serverName}`
      peer.on(
        'GET',
        '/cdn/{name}',
        ({ params }): PeerReply =>
          params['name'] === 'first'
            ? { status: 302, headers: { Location: 'second' } }
            : { body: 'there', headers: { 'Content-Type': 'text/plain' } },
      )
      answering(parts('', [`location: ${url}/cdn/first`]))
      expect(await (await get(newId())).text()).to.equal('there')
      expect(peer.asked.at(-1)?.origin, 'unsigned').to.equal(undefined)
      peer.on('GET', '/loop', () => ({ status: 302, headers: { Location: '/loop' } }))
      let asked = 0
      const plain = createServer((_, response) => {
        asked++
        response.end('in the clear')
      })
      await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
      const clear = `http://127.0.0.1:${(plain.address() as AddressInfo).port}/`
      peer.on('GET', '/clear', () => ({ status: 307, headers: { Location: clear } }))
      for (const location of [`${url}/loop`, clear, `${url}/clear`, 'file:///etc/passwd', '//', 'https://user:x@localhost/']) {
        answering(parts('', [`Location: ${location}`]))
        expect(await refusal(newId()), location).to.deep.equal({ status: 502, errcode: 'M_UNKNOWN' })
      }
      expect(asked).to.equal(0)
      plain.close()
    })

    const refused: Readonly<Record<string, [reply: () => PeerReply, status: number, errcode: string]>> = {
      'is larger than what may be uploaded': [() => parts(Buffer.alloc(largest + 1)), 502, 'M_TOO_LARGE'],
      'is announced as far too large': [
        () => ({
          ...parts(''),
          headers: { 'Content-Type': 'multipart/mixed; boundary=b', 'Content-Length': '99999999999' },
          body: Readable.from(endless()),
        }),
        502,
        'M_TOO_LARGE',
      ],
      'never ends': [() => ({ ...parts(''), body: Readable.from(endless()) }), 502, 'M_TOO_LARGE'],
      'breaks off': [() => ({ ...parts(''), body: Readable.from(breakingOff()) }), 502, 'M_UNKNOWN'],
      'is shorter than its server says': [
        () => ({
          ...parts(''),
          body: Readable.from(breakingOff()),
          headers: { 'Content-Type': 'multipart/mixed; boundary=b', 'Content-Length': '5000' },
        }),
        502,
        'M_UNKNOWN',
      ],
      'has no end': [() => ({ ...parts(''), body: usualStart }), 502, 'M_UNKNOWN'],
      'comes in other parts than its server says': [
        () => ({ ...parts('x'), headers: { 'Content-Type': 'multipart/mixed; boundary=c' } }),
        502,
        'M_UNKNOWN',
      ],
      'comes in no parts': [() => ({ body: 'x', headers: { 'Content-Type': 'text/plain' } }), 502, 'M_UNKNOWN'],
      'comes packed': [
        () => ({ ...parts('x'), headers: { 'Content-Type': 'multipart/mixed; boundary=b', 'Content-Encoding': 'gzip' } }),
        502,
        'M_UNKNOWN',
      ],
      'is too large for its server': [() => ({ status: 502, body: { errcode: 'M_TOO_LARGE' } }), 502, 'M_TOO_LARGE'],
      'is awaited by its server': [() => ({ status: 504, body: { errcode: 'M_NOT_YET_UPLOADED' } }), 504, 'M_NOT_YET_UPLOADED'],
      'is kept from clients whose token is unknown': [() => ({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } }), 502, 'M_UNKNOWN'],
      'is refused at length': [() => ({ status: 500, body: Readable.from(endless()) }), 502, 'M_UNKNOWN'],
    }
    for (const [words, [reply, status, errcode]] of Object.entries(refused)) {
      it(`is not had when it ${words}, and nothing of it is kept`, async () => {
        const before = filesOnDisk().length
        answering(reply)
        expect(await refusal(newId())).to.deep.equal({ status, errcode })
        expect(filesOnDisk().length).to.equal(before)
      })
    }

    it('are given up when they hardly come', async () => {
      answering(() => ({ ...parts(''), body: Readable.from(dripping()) }))
      const answer = refusal(newId())
      const stop = setInterval(() => {
        for (const wake of sleeping) wake()
        sleeping.clear()
      }, 20)
      const said = await answer.finally(() => clearInterval(stop))
      expect(said).to.deep.equal({ status: 504, errcode: 'M_UNKNOWN' })
    })

    it('cannot bring headers of their own', async () => {
      answering(
        parts('x', [
          'Content-Type: text/html\nSet-Cookie: a=b',
          'Content-Disposition: inline; filename="a\tb\x01.html"',
          'Set-Cookie: c=d',
        ]),
      )
      const answer = await get(newId())
      expect(answer.headers.get('content-type')).to.equal('application/octet-stream')
      expect(answer.headers.get('content-disposition')).to.equal('attachment; filename="ab.html"')
      expect(answer.headers.get('set-cookie')).to.equal(null)
    })

    it('are not asked for again at once when they could not be had', async () => {
      const id = newId()
      answering({ status: 404, body: { errcode: 'M_NOT_FOUND' } })
      expect((await get(id)).status).to.equal(404)
      answering(parts('now'))
      expect((await get(id)).status).to.equal(404)
      clock.advance(61_000)
      expect(await (await get(id)).text()).to.equal('now')
    })

    it('are asked for under names alone that can be theirs', async () => {
      const before = peer.asked.length
      for (const id of ['..%2F..%2Fkey', 'a%20b', 'a'.repeat(256)]) expect((await get(id)).status, id).to.equal(404)
      expect(peer.asked.length).to.equal(before)
    })

    it('get thumbnails made here', async () => {
      const id = newId()
      answering(parts(await photograph(80, 40).png().toBuffer(), ['Content-Type: image/png']))
      const path = `/_matrix/client/v1/media/thumbnail/${peer.serverName}/${id}`
      const answer = await alice.get(path, { query: { width: '32', height: '32', method: 'crop' } })
      expect(answer.status).to.equal(200)
      expect(answer.headers.get('content-type')).to.match(/^image\//)
      answering(parts('no picture', ['Content-Type: image/png']))
      const other = `/_matrix/client/v1/media/thumbnail/${peer.serverName}/${newId()}`
      expect((await alice.get(other, { query: { width: '32', height: '32' } })).body.errcode).to.equal('M_UNKNOWN')
    })

    it('are forgotten when nobody has asked for them in a long time, and fetched again', async () => {
      const [old, used] = [newId(), newId()]
      answering(parts('forgotten'))
      await get(old)
      answering(parts('remembered'))
      await get(used)
      const { home } = among!.server.server
      const files = createFiles(among!.server.config.media.store_path)
      clock.advance(80 * 86_400_000)
      await get(used)
      clock.advance(20 * 86_400_000)
      await forgetUnused({ home, files })
      const count = () => peer.asked.filter(({ params }) => params['id'] === old).length
      expect(count()).to.equal(1)
      await get(old)
      expect(count()).to.equal(2)
      expect(await (await get(used)).text()).to.equal('remembered')
      expect(peer.asked.filter(({ params }) => params['id'] === used).length).to.equal(1)
    })

    it('leave nothing behind that was being written', () => {
      expect(readdirSync(join(among!.server.config.media.store_path, 'incoming'))).to.deep.equal([])
    })
  })
}

const usualStart = '--b\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\n\r\nbytes'

async function* endless(): AsyncGenerator<Buffer> {
  yield Buffer.from(usualStart)
  for (;;) yield Buffer.alloc(64 * 1024, 'x')
}

async function* breakingOff(): AsyncGenerator<Buffer> {
  yield Buffer.from(usualStart)
  throw new Error('the connection breaks')
}

async function* dripping(): AsyncGenerator<Buffer> {
  yield Buffer.from(usualStart)
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    yield Buffer.from('x')
  }
}
