import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { downloadMedia } from '../../../../bridges/kit/media/download.ts'
import { decryptAttachment, readEncryptedFile } from '../../../../bridges/kit/media/encrypted-attachment.ts'
import { type MediaHomeserver, openMediaHomeserver } from '../../../../bridges/kit/media/homeserver-request.ts'
import { createSpool } from '../../../../bridges/kit/media/spool.ts'
import { type Upload, uploadEncrypted, uploadMedia } from '../../../../bridges/kit/media/upload.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { startServer, type TestServer } from '../../../support/server.ts'
import { collect, failing, streamOf } from './sources.ts'

const limit = 3_000_000
const userId = '@_whatsapp_ghost:hs.test'
const registration = {
  id: 'media',
  url: null,
  as_token: 'token-of-the-service',
  hs_token: 'token-of-the-homeserver',
  sender_localpart: '_whatsapp_bot',
  namespaces: { users: [{ exclusive: true, regex: '@_whatsapp_.*' }], aliases: [], rooms: [] },
}

describe('media on a homeserver', () => {
  let folder: string
  let server: TestServer
  let homeserver: MediaHomeserver
  before(async () => {
    folder = temporaryFolder()
    writeFileSync(join(folder, 'registration.yaml'), JSON.stringify(registration))
    server = await startServer({ config: { media: { max_upload_size: limit }, appservice_files: [join(folder, 'registration.yaml')] } })
    homeserver = openMediaHomeserver({ homeserverUrl: `${server.url}/`, asToken: registration.as_token, waitsMs: [] })
    const register = { type: 'm.login.application_service', username: '_whatsapp_ghost', inhibit_login: true }
    expect((await server.as(registration.as_token).post('/register', register)).status).to.equal(200)
  })
  after(async () => {
    await homeserver?.close()
    await server?.close()
    removeFolder(folder)
  })
  const upload = (bytes: Buffer, more: Partial<Upload> = {}) =>
    uploadMedia(homeserver, { userId, bytes: () => streamOf(bytes), contentType: 'image/png', ...more })
  const download = (mxc: string, most = limit) => downloadMedia(homeserver, { mxc, userId, limit: most })

  it('come back as they were put, with and without a length known beforehand', async () => {
    for (const size of [0, 1, 2_000_000]) {
      const bytes = randomBytes(size)
      for (const length of [size, undefined]) {
        const mxc = await upload(bytes, { fileName: 'a picture.png', ...(length === undefined ? {} : { length }) })
        const incoming = await download(mxc)
        expect([incoming.length, incoming.declaredType]).to.deep.equal([size, 'image/png'])
        expect((await collect(incoming.stream)).equals(bytes)).to.equal(true)
      }
    }
  })
  it('are ciphertext without a type where the room is encrypted, and open for whoever has the event', async () => {
    const plain = Buffer.alloc(1_000_000, 'plain words ')
    const file = await uploadEncrypted(homeserver, { userId, bytes: () => streamOf(plain), length: plain.length })
    const incoming = await download(file.url)
    expect(incoming.declaredType).to.equal('application/octet-stream')
    const kept = await createSpool({ folder, quota: limit }).keep(incoming.stream, limit)
    expect((await collect(kept.stream())).includes('plain words')).to.equal(false)
    const opened = await decryptAttachment(readEncryptedFile(file)!, kept)
    expect((await collect(opened.stream())).equals(plain)).to.equal(true)
    await opened.discard()
  })
  it('are refused in words when the homeserver takes no file of that size', async () => {
    const failure = await failing(upload(Buffer.alloc(limit + 1), { length: limit + 1 }))
    expect(failure).to.include({ class: 'too large', transient: false })
    expect(failure.message).to.contain('413 M_TOO_LARGE')
    expect(await failing(upload(Buffer.alloc(2 * limit)))).to.include({ class: 'too large' })
  })
  it('are refused for a user that is not ours, and gone where there are none', async () => {
    expect(await failing(upload(Buffer.alloc(9), { userId: '@somebody:hs.test' }))).to.include({ class: 'refused' })
    expect(await failing(download('mxc://hs.test/nothing'))).to.include({ class: 'gone', transient: false })
  })
  it('are not read beyond the limit', async () => {
    const mxc = await upload(Buffer.alloc(1000))
    expect(await failing(download(mxc, 999))).to.include({ class: 'too large' })
  })
  it('are asked for under no address that is none', async () => {
    for (const mxc of [
      '',
      'https://hs.test/a',
      'mxc://hs.test',
      'mxc://hs.test/a/b',
      'mxc://hs.test/../x',
      'mxc://hs.test/a?b=c',
      'mxc:///a',
    ]) {
      expect(await failing(download(mxc)), mxc).to.include({ class: 'refused' })
    }
  })
})

describe('media on a homeserver in trouble', () => {
  let server: Server
  let url: string
  let arrived: { url: string; size: number; authorization: string | undefined }[]
  let next: RequestListener[]
  let homeserver: MediaHomeserver
  beforeEach(async () => {
    arrived = []
    next = []
    server = createServer(async (request, response) => {
      const { authorization } = request.headers
      const size = await collect(request).then(
        ({ length }) => length,
        () => -1,
      )
      arrived.push({ url: String(request.url), size, authorization })
      const answer = next.shift() ?? ((_, to) => to.end('{"content_uri":"mxc://hs.test/one"}'))
      answer(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    homeserver = openMediaHomeserver({ homeserverUrl: url, asToken: 'secret', waitsMs: [1, 1] })
  })
  afterEach(async () => {
    await homeserver.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const says =
    (status: number, body = '{}'): RequestListener =>
    (_, response) =>
      response.writeHead(status).end(body)
  const cut: RequestListener = (request) => request.socket.destroy()
  const upload = (more: Partial<Upload> = {}) =>
    uploadMedia(homeserver, { userId, bytes: () => streamOf(Buffer.alloc(100)), contentType: 'image/png', ...more })
  const download = () => downloadMedia(homeserver, { mxc: 'mxc://hs.test/one', limit: 1000 })

  it('are put again, from the first byte, after "too many requests"', async () => {
    next.push(says(429, '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":1}'), says(429))
    expect(await upload()).to.equal('mxc://hs.test/one')
    const whole = { url: `/_matrix/media/v3/upload?user_id=${encodeURIComponent(userId)}`, size: 100, authorization: 'Bearer secret' }
    expect(arrived).to.deep.equal([whole, whole, whole])
  })
  it('are encrypted under another key when they are put again', async () => {
    next.push(says(429))
    let begun = 0
    const bytes = () => {
      begun += 1
      return streamOf(Buffer.alloc(100))
    }
    expect(await uploadEncrypted(homeserver, { userId, bytes })).to.include({ url: 'mxc://hs.test/one' })
    expect(begun).to.equal(2)
  })
  it('are not put again where something may have come of it', async () => {
    for (const trouble of [says(500), says(502), cut]) {
      arrived = []
      next.push(trouble)
      expect(await failing(upload())).to.include({ class: 'unreachable', transient: true })
      expect(arrived).to.have.length(1)
    }
  })
  it('are put again as long as there is no connection, and then fail in words', async () => {
    let begun = 0
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    const bytes = () => {
      begun += 1
      return streamOf(Buffer.alloc(100))
    }
    const failure = await failing(upload({ bytes }))
    expect(failure).to.include({ class: 'unreachable', transient: true })
    expect(failure.message).not.to.match(/127|secret/)
    expect(begun).to.equal(3)
  })
  it('fail with what their source fails with', async () => {
    async function* broken() {
      yield Buffer.alloc(10)
      throw new Error('the disk is gone')
    }
    expect(await failing(upload({ bytes: broken }))).to.be.instanceOf(Error)
    expect(arrived.length).to.be.lessThan(2)
  })
  it('have no address that is none', async () => {
    for (const body of ['{}', '[]', 'no JSON', '{"content_uri":5}', '{"content_uri":"https://hs.test/a"}', 'x'.repeat(100_000)]) {
      next.push(says(200, body))
      expect(await failing(upload()), body.slice(0, 40)).to.include({ class: 'refused' })
    }
  })
  it('are asked for again while the homeserver is busy or starting, and then given', async () => {
    next.push(says(503), says(429), says(200, 'bytes'))
    expect((await collect((await download()).stream)).toString()).to.equal('bytes')
    next.push(
      says(504, '{"errcode":"M_NOT_YET_UPLOADED"}'),
      says(504, '{"errcode":"M_NOT_YET_UPLOADED"}'),
      says(504, '{"errcode":"M_NOT_YET_UPLOADED"}'),
    )
    const failure = await failing(download())
    expect(failure).to.include({ class: 'unreachable', transient: true })
    expect(failure.message).to.contain('not been uploaded yet')
  })
  it('that break off are not taken for whole', async () => {
    next.push((_, response) => {
      response.setHeader('Content-Length', 100)
      response.write('half', () => response.destroy())
    })
    expect(await failing(collect((await download()).stream))).to.include({ class: 'unreachable', transient: true })
    expect(arrived).to.have.length(1)
  })
})
