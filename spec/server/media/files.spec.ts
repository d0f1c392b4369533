import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
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
    const chunk = Buffer.alloc(64 * 1024, 7)
    let made = 0
    let ahead = 0
    const source = new Readable({
      highWaterMark: chunk.length,
      read() {
        ahead = Math.max(ahead, this.readableLength)
        this.push(made++ < 500 ? chunk : null)
      },
    })
    const { size, contentHash } = await createFiles(root).keep(source, 1 << 30)
    expect(size).to.equal(500 * chunk.length)
    expect(ahead).to.be.at.most(chunk.length)
    expect(contentHash).to.equal(
      createHash('sha256')
        .update(Buffer.alloc(500 * chunk.length, 7))
        .digest('hex'),
    )
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
