import { expect } from 'chai'
import { boundaryOf, readFilePart } from '../../../server/media/remote/multipart.ts'
import { type Neighbours, startNeighbours } from '../../support/federation.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import type { TestUser } from '../../support/server.ts'
import { photograph } from './pictures.ts'

const path = '/_matrix/federation/v1/media'

describe('files for other servers', () => {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  before(async () => {
    among = (await startServerWithPeers(1))!
    peer = among.peers[0]!
    alice = await among.server.register('alice')
  })
  after(() => among.close())

  async function upload(bytes: Uint8Array, type: string, filename?: string): Promise<string> {
    const asking = { headers: { 'Content-Type': type }, ...(filename === undefined ? {} : { query: { filename } }) }
    const { body } = await alice.request('POST', '/_matrix/media/v3/upload', bytes, asking)
    return body.content_uri.split('/').at(-1)
  }

  /** What another server reads. */
  async function get(uri: string) {
    const { status, headers, text, bytes } = await peer.ask(among.server, 'GET', path + uri)
    const boundary = boundaryOf(headers.get('content-type') ?? '')
    if (boundary === undefined) return { status, errcode: JSON.parse(text).errcode }
    const part = await readFilePart(pieces(bytes), boundary)
    const chunks: Buffer[] = []
    for await (const chunk of part.body) chunks.push(chunk)
    return { status, named: headers.get('content-disposition'), headers: Object.fromEntries(part.headers), body: Buffer.concat(chunks) }
  }

  it('come in two parts, with their type and name', async () => {
    const id = await upload(Buffer.from('hello'), 'text/plain', 'ä.txt')
    const { body, headers, named } = await get(`/download/${id}`)
    expect(body?.toString()).to.equal('hello')
    expect(named).to.equal("inline; filename*=utf-8''%C3%A4.txt")
    expect(headers).to.deep.equal({ 'content-type': 'text/plain', 'content-disposition': named })
  })

  for (const size of [0, 1, 40_000, 262_144, 262_145, 3_000_000]) {
    it(`come whole with ${size} bytes`, async () => {
      const bytes = Buffer.alloc(size, 'some bytes\r\n--')
      const { body } = await get(`/download/${await upload(bytes, 'application/x-any')}`)
      expect(body?.equals(bytes)).to.equal(true)
    })
  }

  it('get thumbnails', async () => {
    const id = await upload(await photograph(200, 100).png().toBuffer(), 'image/png')
    const { headers, body } = await get(`/thumbnail/${id}?width=32&height=32&method=crop`)
    expect(headers?.['content-type']).to.match(/^image\//)
    expect(body?.length).to.be.greaterThan(0)
    expect(await get(`/thumbnail/${id}?width=x&height=32`)).to.deep.equal({ status: 400, errcode: 'M_INVALID_PARAM' })
    const text = await upload(Buffer.from('hello'), 'image/png')
    expect(await get(`/thumbnail/${text}?width=32&height=32`)).to.deep.equal({ status: 400, errcode: 'M_UNKNOWN' })
  })

  it('are not there without an upload, and awaited for as long as the other server says', async () => {
    expect(await get('/download/none')).to.deep.equal({ status: 404, errcode: 'M_NOT_FOUND' })
    expect(await get('/download/..%2Fkey')).to.deep.equal({ status: 404, errcode: 'M_NOT_FOUND' })
    const { body } = await alice.post('/_matrix/media/v1/create')
    const id = body.content_uri.split('/').at(-1)
    expect(await get(`/download/${id}?timeout_ms=0`)).to.deep.equal({ status: 504, errcode: 'M_NOT_YET_UPLOADED' })
  })

  it('are kept from whoever does not sign', async () => {
    const id = await upload(Buffer.from('hello'), 'text/plain')
    expect((await among.server.anonymous.get(`${path}/download/${id}`)).status).to.equal(401)
    expect((await alice.get(`${path}/download/${id}`)).status).to.equal(401)
  })
})

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
}

describe('files between two servers', () => {
  let neighbours: Neighbours
  before(async () => {
    neighbours = (await startNeighbours(2))!
  })
  after(() => neighbours.close())

  it('reach the users of the other one, large ones too', async () => {
    const [here, there] = neighbours.servers
    const [alice, bob] = [await here!.register('alice'), await there!.register('bob')]
    for (const size of [0, 5, 2_000_000]) {
      const bytes = Buffer.alloc(size, 'across')
      const headers = { 'Content-Type': 'application/x-any' }
      const { body } = await bob.request('POST', '/_matrix/media/v3/upload', bytes, { headers, query: { filename: 'x.bin' } })
      const uri = body.content_uri.slice('mxc://'.length)
      const answer = await alice.get(`/_matrix/client/v1/media/download/${uri}`)
      expect({ status: answer.status, text: answer.text }).to.deep.equal({ status: 200, text: bytes.toString() })
      expect(answer.headers.get('content-disposition')).to.equal('attachment; filename="x.bin"')
    }
  })
})
