import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { startServer, type TestServer, type TestUser } from '../../support/server.ts'

const sizes = [20_000, 40_000, 200_000, 256 * 1024, 256 * 1024 + 1, 700_000, 3_000_000]
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('files on their way out', () => {
  let server: TestServer
  let alice: TestUser
  let files: { path: string; hash: string }[]
  before(async () => {
    server = await startServer()
    alice = await server.register('alice')
    files = await Promise.all(sizes.map(upload))
  })
  after(() => server.close())

  const upload = async (size: number) => {
    const bytes = randomBytes(size)
    const { body } = await alice.post('/_matrix/media/v3/upload', bytes)
    return { path: `/_matrix/client/v1/media/download/${String(body['content_uri']).slice('mxc://'.length)}`, hash: hashOf(bytes) }
  }
  const get = (path: string) => fetch(`${server.url}${path}`, { headers: { Authorization: `Bearer ${alice.token}` } })
  const download = async ({ path }: { path: string }) => hashOf(new Uint8Array(await (await get(path)).arrayBuffer()))
  const beginAndGo = async ({ path }: { path: string }) => {
    const reader = (await get(path)).body!.getReader()
    await reader.read()
    await reader.cancel()
  }

  it('hold their own bytes, when many go out at once and other clients go away', async () => {
    for (let round = 0; round < 5; round++) {
      const going = files.map(beginAndGo)
      const all = [...files, ...files, ...files]
      expect(await Promise.all(all.map(download))).to.deep.equal(all.map(({ hash }) => hash))
      await Promise.all(going)
    }
  })
})
