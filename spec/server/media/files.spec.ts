import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import { createFiles } from '../../../server/media/files.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'

describe('createFiles', () => {
  let root: string
  beforeEach(() => {
    root = temporaryFolder('tombolo-media')
  })
  afterEach(() => removeFolder(root))

  it('asks for the next chunk only when the one before is written', async () => {
    const length = 64 * 1024
    let made = 0
    let ahead = 0
    const source = new Readable({
      highWaterMark: length,
      read() {
        ahead = Math.max(ahead, this.readableLength)
        this.push(made++ < 500 ? Buffer.alloc(length, 7) : null)
      },
    })
    const { size, contentHash } = await createFiles(root).keep(source, 1 << 30)
    expect(size).to.equal(500 * length)
    expect(ahead).to.be.at.most(length)
    const bytes = Buffer.alloc(500 * length, 7)
    expect(contentHash).to.equal(createHash('sha256').update(bytes).digest('hex'))
    expect(readFileSync(await createFiles(root).pathOf(contentHash)).equals(bytes)).to.equal(true)
  })

  it('keeps bytes in their order, whatever pieces they come in', async () => {
    const pieces = Array.from({ length: 300 }, (_, at) => Buffer.alloc((at * 7919) % 20_000, at))
    const bytes = Buffer.concat(pieces)
    const { contentHash, size } = await createFiles(root).keep(Readable.from(pieces), 1 << 30)
    expect(size).to.equal(bytes.length)
    expect(readFileSync(await createFiles(root).pathOf(contentHash)).equals(bytes)).to.equal(true)
  })

  it('gives the memory of what it has written back at once, but none that others have a part of', async () => {
    const [own, shared] = [Buffer.alloc(300_000, 1), Buffer.alloc(300_000, 2)]
    const { size } = await createFiles(root).keep(Readable.from([own, shared.subarray(1)]), 1 << 30)
    expect(size).to.equal(599_999)
    expect([own.buffer, shared.buffer].map(({ byteLength }) => byteLength)).to.deep.equal([0, 300_000])
  })

  it('finds, lists and discards what lies in a folder of a folder, as files once did', async () => {
    const contentHash = createHash('sha256').update('x').digest('hex')
    const folder = join(root, contentHash.slice(0, 2), contentHash.slice(2, 4))
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, contentHash), 'x')
    const files = createFiles(root)
    const read = async () => {
      const file = await files.open(contentHash)
      return file?.readFile('utf8').finally(() => file.close())
    }
    expect([await read(), await files.pathOf(contentHash)]).to.deep.equal(['x', join(folder, contentHash)])
    const number = Number.parseInt(contentHash.slice(0, 2), 16)
    expect(await files.list(number)).to.deep.equal([contentHash])
    await files.keep(Readable.from([Buffer.from('x')]), 100)
    expect(await files.list(number), 'kept once more, it is listed once').to.deep.equal([contentHash])
    await files.discard(contentHash, Number.POSITIVE_INFINITY)
    expect([await read(), await files.list(number)]).to.deep.equal([undefined, []])
  })

  it('leaves nothing behind of a source that fails', async () => {
    const source = Readable.from(
      (function* () {
        yield Buffer.from('some')
        throw new Error('the client has gone')
      })(),
    )
    const failure = await createFiles(root).keep(source, 100).catch(String)
    expect(failure).to.contain('the client has gone')
    expect(readdirSync(join(root, 'incoming'))).to.deep.equal([])
  })

  it('throws away what an ended process had begun, not what a running one writes', async () => {
    const incoming = join(root, 'incoming')
    mkdirSync(incoming)
    const [left, own] = [join(incoming, '999999999-abc'), join(incoming, `${process.pid}-abc`)]
    for (const path of [left, own]) writeFileSync(path, 'x')
    await createFiles(root).clean()
    expect([existsSync(left), existsSync(own)]).to.deep.equal([false, true])
  })

  it('reads hashes only', async () => {
    writeFileSync(join(root, 'secret'), 'x')
    for (const name of ['secret', '../secret', '', 'A'.repeat(64), 'a'.repeat(64)])
      expect(await createFiles(root).open(name)).to.equal(undefined)
  })
})
