import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import sharp from 'sharp'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { animation, gifOf, photograph, pngOf } from './pictures.ts'

for (const engine of engines) describe(`thumbnails on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  before(async function () {
    const started = await startServer({ engine, config: { media: { max_image_pixels: 4_000_000 } } })
    if (!started) return this.skip()
    server = started
    alice = await server.register('alice')
  })
  after(() => server?.close())

  async function upload(bytes: Uint8Array, type = 'image/png'): Promise<string> {
    const { body } = await alice.request('POST', '/_matrix/media/v3/upload', bytes, { headers: { 'Content-Type': type } })
    return String(body['content_uri']).slice('mxc://hs.test/'.length)
  }
  const get = (mediaId: string, query: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/_matrix/client/v1/media/thumbnail/hs.test/${mediaId}?${query}`, {
      headers: { Authorization: `Bearer ${alice.token}`, ...headers },
    })
  async function thumbnail(mediaId: string, query: string) {
    const response = await get(mediaId, query)
    const bytes = Buffer.from(await response.arrayBuffer())
    if (response.status !== 200) throw new Error(`${response.status} ${bytes}`)
    const { width, height, pages = 1, format } = await sharp(bytes).metadata()
    return { width, height, pages, format, bytes, type: response.headers.get('content-type'), headers: response.headers }
  }
  async function refusal(mediaId: string, query = 'width=32&height=32'): Promise<[number, string]> {
    const response = await get(mediaId, query)
    return [response.status, ((await response.json()) as Body)['errcode']]
  }

  it('scaled cover what is asked for and keep the shape; cropped have the shape that is asked for', async () => {
    const mediaId = await upload(await photograph(1200, 800).jpeg().toBuffer(), 'image/jpeg')
    const scaled = await thumbnail(mediaId, 'width=320&height=240&method=scale')
    expect([scaled.width, scaled.height, scaled.format, scaled.type]).to.deep.equal([360, 240, 'jpeg', 'image/jpeg'])
    expect(scaled.headers.get('content-disposition')).to.equal('inline; filename="thumbnail.jpeg"')
    expect(scaled.headers.get('content-security-policy')).to.match(/^sandbox/)
    const cropped = await thumbnail(mediaId, 'width=320&height=240&method=crop')
    expect([cropped.width, cropped.height]).to.deep.equal([320, 240])
    const between = await thumbnail(mediaId, 'width=100&height=50&method=crop')
    expect(between.width).to.be.within(100, 150)
    expect(between.width / between.height).to.be.closeTo(2, 0.05)
  })

  it('are never larger than the original, which serves for itself when it is small', async () => {
    const small = await photograph(50, 40).png().toBuffer()
    const mediaId = await upload(small)
    for (const query of ['width=96&height=96&method=crop', 'width=640&height=480', 'width=999999999&height=999999999']) {
      expect((await thumbnail(mediaId, query)).bytes.equals(small), query).to.equal(true)
    }
    const wide = await thumbnail(await upload(await photograph(500, 40).png().toBuffer()), 'width=96&height=96&method=crop')
    expect([wide.width, wide.height]).to.deep.equal([40, 40])
  })

  it('stand upright as the camera was held, and tell nothing of where it was', async () => {
    const turned = await photograph(400, 200)
      .jpeg()
      .withMetadata({ orientation: 6 })
      .withExif({ IFD0: { Copyright: 'canary' } })
      .toBuffer()
    const { width, height, bytes } = await thumbnail(await upload(turned, 'image/jpeg'), 'width=64&height=64&method=scale')
    expect([width, height]).to.deep.equal([64, 128])
    expect(bytes.includes('canary')).to.equal(false)
  })

  it('move only when that is asked for', async () => {
    const mediaId = await upload(await animation(200, 100, 4), 'image/gif')
    expect((await thumbnail(mediaId, 'width=64&height=32&method=crop&animated=true')).pages).to.equal(4)
    expect((await thumbnail(mediaId, 'width=64&height=32&method=crop')).pages).to.equal(1)
    const large = 'width=800&height=600&animated='
    expect((await thumbnail(mediaId, `${large}true`)).pages).to.equal(4)
    const still = await thumbnail(mediaId, `${large}false`)
    expect([still.pages, still.width, still.height]).to.deep.equal([1, 200, 100])
    const apng = await thumbnail(await upload(pngOf(20, 10, { animated: true })), large.slice(0, -'&animated='.length))
    expect(apng.bytes.includes('acTL')).to.equal(false)
  })

  it('are made once, kept over a restart, and known by their tag', async () => {
    const mediaId = await upload(await photograph(300, 300).png().toBuffer())
    const [one, two] = await Promise.all([thumbnail(mediaId, 'width=96&height=96'), thumbnail(mediaId, 'width=96&height=96')])
    server = await server.restart()
    alice = { ...alice, ...server.as(alice.token) }
    const three = await thumbnail(mediaId, 'width=96&height=96')
    expect(one.bytes.equals(two.bytes) && one.bytes.equals(three.bytes)).to.equal(true)
    const known = await get(mediaId, 'width=96&height=96', { 'If-None-Match': three.headers.get('etag')! })
    expect(known.status).to.equal(304)
  })

  it('are asked for with whole numbers, a method that exists, and a token', async () => {
    const mediaId = await upload(pngOf(10, 10))
    expect(await refusal(mediaId, 'height=32')).to.deep.equal([400, 'M_MISSING_PARAM'])
    for (const query of ['width=-1&height=3', 'width=0&height=1', 'width=1.5&height=1', 'width=a&height=1', 'width=1&height=99999999999']) {
      expect(await refusal(mediaId, query), query).to.deep.equal([400, 'M_INVALID_PARAM'])
    }
    for (const more of ['method=stretch', 'animated=yes'])
      expect(await refusal(mediaId, `width=1&height=1&${more}`)).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(await refusal('unknown')).to.deep.equal([404, 'M_NOT_FOUND'])
    const path = `thumbnail/hs.test/${mediaId}?width=1&height=1`
    expect((await server.anonymous.get(`/_matrix/client/v1/media/${path}`)).status).to.equal(401)
    expect((await server.anonymous.get(`/_matrix/media/v3/${path}`)).status).to.equal(404)
  })

  it('are not made of what is no picture, whatever it is called', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"/>'
    const others = [randomBytes(5000), Buffer.from(svg), Buffer.from('%PDF-1.7'), Buffer.alloc(0), Buffer.from('RIFF....AVI ')]
    for (const bytes of others) expect(await refusal(await upload(bytes))).to.deep.equal([400, 'M_UNKNOWN'])
    const hidden = await photograph(100, 100).png().toBuffer()
    expect((await thumbnail(await upload(hidden, 'text/html'), 'width=32&height=32')).type).to.equal('image/png')
  })

  it('stay PNGs when they are small, and are lighter when they are large', async () => {
    const mediaId = await upload(await photograph(400, 400).png().toBuffer())
    const types = await Promise.all([32, 96, 320].map(async (size) => (await thumbnail(mediaId, `width=${size}&height=${size}`)).type))
    expect(types).to.deep.equal(['image/png', 'image/png', 'image/jpeg'])
  })

  it('are not made of bombs and broken pictures, and the server lives on', async () => {
    const whole = await photograph(300, 300).jpeg().toBuffer()
    const large: readonly [string, Buffer][] = [
      ['50,000 × 50,000 in the header', pngOf(50_000, 50_000, { rows: 1 })],
      ['2³¹ − 1 wide', pngOf(0x7fffffff, 1, { rows: 0 })],
      ['packed a thousand to one', pngOf(3000, 3000)],
      ['a screen of 65,535²', gifOf(65_535, 65_535, 1)],
    ]
    for (const [name, bytes] of large) {
      const [status, errcode] = await refusal(await upload(bytes))
      expect([413, 400], name).to.include(status)
      expect(['M_TOO_LARGE', 'M_UNKNOWN'], name).to.include(errcode)
    }
    for (const bytes of [
      whole.subarray(0, 200),
      whole.subarray(0, whole.length >> 1),
      Buffer.concat([whole.subarray(0, 30), randomBytes(3000)]),
    ]) {
      expect(await refusal(await upload(bytes, 'image/jpeg'))).to.deep.equal([400, 'M_UNKNOWN'])
    }
    expect((await thumbnail(await upload(whole, 'image/jpeg'), 'width=32&height=32&method=crop')).width).to.equal(32)
  })

  it('of a hundred thousand frames stand still', async () => {
    const { pages } = await thumbnail(await upload(gifOf(300, 300, 100_000), 'image/gif'), 'width=32&height=32&animated=true')
    expect(pages).to.equal(1)
  })

  it('are not made in a thousand sizes', async () => {
    const mediaId = await upload(await photograph(200, 200).png().toBuffer())
    const tags = new Set<string | null>()
    for (let width = 40; width < 120; width++) {
      const { headers } = await thumbnail(mediaId, `width=${width}&height=128&method=crop`)
      tags.add(headers.get('etag'))
    }
    expect(tags.size).to.be.at.most(45)
  })
}
