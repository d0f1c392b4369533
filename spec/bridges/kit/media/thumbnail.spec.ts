import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import sharp from 'sharp'
import { createSpool, type Spool } from '../../../../bridges/kit/media/spool.ts'
import { takeIn } from '../../../../bridges/kit/media/take-in.ts'
import { makeThumbnail } from '../../../../bridges/kit/media/thumbnail.ts'

describe('a thumbnail made by the bridge', () => {
  let folder: string
  let spool: Spool
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tombolo-thumbnail-'))
    spool = createSpool({ folder, quota: 50_000_000 })
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const taken = (bytes: Buffer) => takeIn(once(bytes), { spool, limit: 20_000_000 })
  const small = async (bytes: Buffer) => {
    const file = await taken(bytes)
    const made = await makeThumbnail(file, (input) => takeIn(input, { spool, limit: 1_000_000 }))
    await file.bytes.discard()
    return made
  }
  const picture = (width: number, height: number) => sharp({ create: { width, height, channels: 4, background: '#3060c0' } })

  it('is a picture within 800 by 600, of its proportions', async () => {
    for (const bytes of [
      await picture(1600, 900).jpeg().toBuffer(),
      await picture(1600, 900).png().toBuffer(),
      await picture(1600, 900).webp().toBuffer(),
    ]) {
      const made = await small(bytes)
      expect(made).to.include({ mime: 'image/jpeg', kind: 'image', width: 800, height: 450 })
      await made?.bytes.discard()
    }
  })

  it('is turned as people see the picture', async () => {
    const made = await small(await picture(2000, 1000).withMetadata({ orientation: 6 }).jpeg().toBuffer())
    expect(made).to.include({ width: 300, height: 600 })
    await made?.bytes.discard()
  })

  it('is not made of what is small, broken, or no picture', async () => {
    const large = await picture(3000, 2000).jpeg().toBuffer()
    for (const bytes of [
      await picture(640, 480).jpeg().toBuffer(),
      large.subarray(0, large.length - 600),
      Buffer.from('%PDF-1.7 nothing'),
    ]) {
      expect(await small(bytes)).to.equal(undefined)
    }
    expect(spool.used).to.equal(0)
  })
})

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
