import { expect } from 'chai'
import { measure } from '../../../../bridges/kit/media/dimensions.ts'
import { sniff } from '../../../../bridges/kit/media/sniff.ts'
import * as crafted from './crafted-files.ts'
import { sourceOf } from './sources.ts'

const measured = (bytes: Buffer) => measure(sourceOf(bytes), sniff(bytes).mime)

describe('measure', () => {
  const cases: [string, Buffer, object][] = [
    ['a jpeg', crafted.jpeg({ width: 24, height: 8 }), { width: 24, height: 8 }],
    ['a jpeg behind a colour profile', crafted.jpeg({ extra: [crafted.iccSegment] }), { width: 24, height: 8 }],
    ['a jpeg that lies on its side', crafted.jpeg({ extra: [crafted.exifSegment(6)] }), { width: 8, height: 24 }],
    ['a jpeg that stands on its head', crafted.jpeg({ extra: [crafted.exifSegment(3)] }), { width: 24, height: 8 }],
    ['a png', crafted.png({ width: 3, height: 2 }), { width: 3, height: 2 }],
    ['a gif', crafted.gif(5, 4), { width: 5, height: 4 }],
    ['a lossless webp', crafted.webp(crafted.webpLossless(300, 16_384)), { width: 300, height: 16_384 }],
    ['a lossy webp', crafted.webp(crafted.webpLossy(300, 200)), { width: 300, height: 200 }],
    ['an extended webp', crafted.toldWebp, { width: 7, height: 6 }],
    ['a film', crafted.mp4(), { width: 640, height: 360, durationMs: 2500, hasVideo: true }],
    ['a film described at its end', crafted.mp4({ last: true }), { width: 640, height: 360, durationMs: 2500, hasVideo: true }],
    ['a film with long numbers', crafted.mp4({ longForm: true }), { width: 640, height: 360, durationMs: 2500, hasVideo: true }],
    ['a film that was turned', crafted.mp4({ turned: true }), { width: 360, height: 640, durationMs: 2500, hasVideo: true }],
    ['sound in the box of a film', crafted.mp4({ pictures: false }), { durationMs: 2500, hasVideo: false }],
    ['a voice note', crafted.oggOpus(3.5), { durationMs: 3500 }],
    ['sound in Vorbis', crafted.oggVorbis, { durationMs: 1500 }],
    ['what it does not know', Buffer.from('%PDF-1.7'), {}],
  ]
  for (const [name, bytes, expected] of cases) {
    it(`measures ${name}`, async () => expect(await measured(bytes)).to.deep.equal({ kind: 'measured', ...expected }))
  }

  it('refuses a picture that would unpack to more than a decoder should hold, from its header', async () => {
    for (const bomb of [
      crafted.png({ width: 50_000, height: 50_000 }),
      crafted.jpeg({ width: 50_000, height: 50_000 }),
      crafted.gif(50_000, 50_000),
      crafted.webp(crafted.webpExtended(50_000, 50_000, 0), crafted.webpLossless(1, 1)),
      crafted.png({ width: 1, height: 2 ** 31 - 1 }),
    ]) {
      const source = sourceOf(bomb)
      expect(await measure(source, sniff(bomb).mime)).to.deep.include({ kind: 'refused' })
      expect(source.asked()).to.be.lessThan(1000)
    }
  })
  it('takes a bound of pixels from its caller', async () => {
    expect(await measure(sourceOf(crafted.png({ width: 100, height: 100 })), 'image/png', 9_999)).to.include({ kind: 'refused' })
    expect(await measure(sourceOf(crafted.png({ width: 100, height: 100 })), 'image/png', 10_000)).to.include({ kind: 'measured' })
  })
  it('reads a bounded part of a huge film', async () => {
    const source = sourceOf(crafted.mp4({ last: true }), 2 ** 40)
    expect(await measure(source, 'video/mp4')).to.include({ kind: 'measured', durationMs: 2500 })
    expect(source.asked()).to.be.lessThan(10_000)
  })
  it('gives up on boxes without end', async () => {
    const source = sourceOf(Buffer.alloc(1_000_000, crafted.box('free')), 2 ** 40)
    expect(await measure(source, 'video/mp4')).to.deep.equal({ kind: 'measured' })
    expect(source.asked()).to.be.lessThan(100_000)
  })
})
