import { expect } from 'chai'
import { engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { steeredClock } from './steered-clock.ts'

const day = 24 * 60 * 60_000

for (const engine of engines) {
  describe(`quotas of media on ${engine}`, () => {
    let server: TestServer
    const clock = steeredClock()
    before(async function () {
      const media = { user_quota: 5000, user_quota_per_day: 2000, max_upload_size: 3000 }
      const started = await startServer({ engine, config: { media }, overrides: { clock } })
      if (!started) return this.skip()
      server = started
    })
    after(() => server?.close())

    const upload = async (user: TestUser, size: number) => {
      const { status, body } = await user.request('POST', '/_matrix/media/v3/upload', Buffer.alloc(size))
      return status === 200 ? 200 : [status, body['errcode']]
    }
    const refused = [403, 'M_FORBIDDEN']

    it('hold a day, and altogether, for each user alone', async () => {
      const [alice, bob] = [await server.register('alice'), await server.register('bob')]
      expect(await upload(alice, 1500)).to.equal(200)
      expect(await upload(alice, 600)).to.deep.equal(refused)
      expect(await upload(alice, 500)).to.equal(200)
      expect(await upload(alice, 1)).to.deep.equal(refused)
      expect(await upload(bob, 2000)).to.equal(200)
      clock.advance(day)
      expect(await upload(alice, 2000)).to.equal(200)
      clock.advance(day)
      expect(await upload(alice, 1001)).to.deep.equal(refused)
      expect(await upload(alice, 1000)).to.equal(200)
      expect(await upload(alice, 3001)).to.deep.equal([413, 'M_TOO_LARGE'])
    })

    it('hold for uploads at one time, for those that do not say their size, and for those that were announced', async () => {
      const carol = await server.register('carol')
      const several = await Promise.all(Array.from({ length: 6 }, () => upload(carol, 900)))
      expect(several.filter((answer) => answer === 200)).to.have.length(2)
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(Buffer.alloc(1000))
          controller.close()
        },
      })
      const headers = { Authorization: `Bearer ${carol.token}` }
      const chunked = await fetch(`${server.url}/_matrix/media/v3/upload`, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
      expect(chunked.status).to.equal(403)
      const made = await carol.post('/_matrix/media/v1/create')
      const path = `/_matrix/media/v3/upload/${String(made.body['content_uri']).slice('mxc://'.length)}`
      expect((await carol.request('PUT', path, Buffer.alloc(500))).status).to.equal(403)
      expect((await carol.request('PUT', path, Buffer.alloc(100))).status).to.equal(200)
    })
  })
}
