import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { encryptAttachment } from '../../../../bridges/kit/media/encrypted-attachment.ts'
import { createSpool, type Spool } from '../../../../bridges/kit/media/spool.ts'
import { stripLocation } from '../../../../bridges/kit/media/strip-location.ts'
import { takeIn } from '../../../../bridges/kit/media/take-in.ts'
import * as crafted from './crafted-files.ts'
import { collect, failing, streamOf } from './sources.ts'

describe('takeIn', () => {
  let folder: string
  let spool: Spool
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tombolo-take-in-'))
    spool = createSpool({ folder, quota: 100_000 })
  })
  afterEach(() => {
    expect(spool.used, 'bytes left in the spool').to.equal(0)
    rmSync(folder, { recursive: true })
  })
  const take = async (bytes: Buffer, declaredType?: string) => {
    const { bytes: kept, ...facts } = await takeIn(
      streamOf(bytes, () => 50),
      { spool, limit: 50_000, declaredType },
    )
    const held = await collect(kept.stream())
    await kept.discard()
    return { facts, held }
  }

  it('calls a picture what it is, measures it, and keeps no place of it', async () => {
    const { facts, held } = await take(crafted.jpeg({ extra: [crafted.exifSegment(6)] }), 'text/html')
    expect(facts).to.deep.equal({ kind: 'image', mime: 'image/jpeg', extension: 'jpg', width: 8, height: 24 })
    expect(held.includes(crafted.place)).to.equal(false)
  })
  it('takes a film without pictures for sound, and tells how long it is', async () => {
    const { facts } = await take(crafted.mp4({ pictures: false }), 'video/mp4')
    expect(facts).to.deep.equal({ kind: 'audio', mime: 'audio/mp4', extension: 'm4a', durationMs: 2500, hasVideo: false })
  })
  it('tells the length and the codec of a voice note', async () => {
    const { facts } = await take(crafted.oggOpus(2), 'audio/ogg; codecs=opus')
    expect(facts).to.deep.equal({ kind: 'audio', mime: 'audio/ogg', extension: 'ogg', codec: 'opus', durationMs: 2000 })
  })
  it('passes on as a file what it does not know', async () => {
    const { facts, held } = await take(Buffer.alloc(99, 0x80), 'image/png')
    expect(facts).to.deep.equal({ kind: 'file', mime: 'application/octet-stream', extension: 'bin' })
    expect(held).to.deep.equal(Buffer.alloc(99, 0x80))
  })
  it('refuses a picture that would unpack to too much, in words', async () => {
    const failure = await failing(take(crafted.png({ width: 50_000, height: 50_000 })))
    expect(failure).to.include({ class: 'refused', transient: false })
    expect(failure.message).to.contain('50000 × 50000')
  })
  it('refuses a file beyond its limit', async () => {
    expect(await failing(take(Buffer.alloc(50_001)))).to.include({ class: 'too large' })
  })
})

describe('a file that streams by', () => {
  const chunk = 65_536
  const total = 64 * 1024 * 1024

  for (const [name, head] of [
    ['jpeg', crafted.jpeg({ extra: [crafted.exifSegment(6)] }).subarray(0, -2)],
    ['film', crafted.mp4({ last: true }).subarray(0, 24)],
    ['file of another kind', Buffer.from('%PDF-1.7')],
  ] as const) {
    it(`is cleaned and encrypted as a ${name} no further than it is read`, async () => {
      let [given, taken, lead] = [0, 0, 0]
      async function* source() {
        yield head
        for (; given < total; given += chunk) yield Buffer.alloc(chunk, 0x2a)
      }
      for await (const part of encryptAttachment(stripLocation(source())).ciphertext) {
        taken += part.length
        lead = Math.max(lead, given - taken)
      }
      expect(taken).to.be.at.least(total)
      expect(lead).to.be.at.most(2 * chunk)
    })
  }
})
