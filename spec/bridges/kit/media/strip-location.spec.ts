import { expect } from 'chai'
import { measure } from '../../../../bridges/kit/media/dimensions.ts'
import { orientationTiff, readOrientation } from '../../../../bridges/kit/media/exif.ts'
import { sniff } from '../../../../bridges/kit/media/sniff.ts'
import { stripLocation } from '../../../../bridges/kit/media/strip-location.ts'
import { randomNumbers } from '../../../support/random-json.ts'
import * as crafted from './crafted-files.ts'
import { collect, sourceOf, streamOf } from './sources.ts'

const strip = (bytes: Buffer) => collect(stripLocation(streamOf(bytes)))
const measured = (bytes: Buffer) => measure(sourceOf(bytes), sniff(bytes).mime)
const exif = crafted.exifSegment
const iptc = crafted.segment(0xed, 'Photoshop 3.0\0', crafted.place)
const furtherPictures = crafted.segment(0xe2, 'MPF\0', crafted.place)
const { iccSegment, jpeg, png, toldPng, mp4, webp, place } = crafted

const told: readonly [string, Buffer][] = [
  ['jpeg', jpeg({ extra: [exif(6), crafted.xmpSegment, iccSegment, iptc, furtherPictures], after: `\xff\xd8 ${place}` })],
  ['jpeg with a comment', jpeg({ extra: [crafted.segment(0xfe, place)] })],
  ['png', png({ extra: toldPng, after: place })],
  ['webp', crafted.toldWebp],
  ['mp4', mp4({ extra: [crafted.xmpBox] })],
  ['mp4 described at its end', mp4({ last: true })],
  ['mov', mp4({ brand: 'qt  ' })],
]

describe('stripLocation', () => {
  for (const [name, bytes] of told) {
    it(`leaves no place in a ${name}, and the same picture`, async () => {
      expect(bytes.includes(place)).to.equal(true)
      const clean = await strip(bytes)
      expect(clean.includes(place)).to.equal(false)
      expect(await measured(clean)).to.deep.equal(await measured(bytes))
      expect(await strip(clean), 'cleaning what is clean').to.deep.equal(clean)
    })
    it(`cleans a ${name} alike however it arrives`, async () => {
      const clean = await strip(bytes)
      const random = randomNumbers(7)
      expect(await collect(stripLocation(streamOf(bytes, () => 1)))).to.deep.equal(clean)
      for (let round = 0; round < 50; round++) {
        expect(await collect(stripLocation(streamOf(bytes, () => Math.floor(random() ** 3 * 200))))).to.deep.equal(clean)
      }
    })
  }

  it('leaves a file with nothing to take out byte for byte', async () => {
    const clean = [
      jpeg(),
      jpeg({ extra: [iccSegment, crafted.segment(0xee, 'Adobe\0')] }),
      png(),
      webp(crafted.webpLossy(20, 10)),
      crafted.gif(),
      crafted.oggOpus(2),
      crafted.mp3,
      crafted.webm,
      Buffer.from(`BEGIN:VCARD\nADR:${place}\n`),
      Buffer.alloc(0),
      Buffer.alloc(1),
    ]
    for (const bytes of clean) expect(await strip(bytes)).to.deep.equal(bytes)
  })
  it('gives of any mixture what the file would be without the places', async () => {
    const random = randomNumbers(11)
    const pick = (from: readonly Buffer[]) => from[Math.floor(random() * from.length)]!
    const noise = () => Buffer.from(Array.from({ length: Math.floor(random() * 90) }, () => Math.floor(random() * 256)))
    for (let round = 0; round < 1_000; round++) {
      const parts = Array.from({ length: Math.floor(random() * 6) }, () => random() < 0.5)
      const jpegParts = parts.map((isKept) => ({
        isKept,
        part: isKept
          ? pick([iccSegment, crafted.segment(0xee, noise()), crafted.segment(0xdb, noise()), crafted.segment(0xe0, noise())])
          : pick([exif(1), crafted.xmpSegment, iptc, furtherPictures, crafted.segment(0xfe, noise()), crafted.segment(0xeb, noise())]),
      }))
      const pngParts = parts.map((isKept) => ({
        isKept,
        part: isKept ? pick([crafted.pngChunk('tRNS', noise()), crafted.pngChunk('acTL', noise())]) : pick(toldPng.slice(1)),
      }))
      const all = (of: typeof jpegParts, only = false) => of.filter(({ isKept }) => isKept || !only).map(({ part }) => part)
      const cut = () => 1 + Math.floor(random() * 60)
      for (const build of [jpeg, png]) {
        const of = build === jpeg ? jpegParts : pngParts
        const clean = await collect(stripLocation(streamOf(build({ extra: all(of) }), cut)))
        expect(clean.equals(build({ extra: all(of, true) })), clean.toString('hex')).to.equal(true)
      }
    }
  })
  it('takes the segments out of a jpeg and touches nothing between them', async () => {
    expect(await strip(jpeg({ extra: [exif(1), iccSegment, crafted.xmpSegment], after: 'more' }))).to.deep.equal(
      jpeg({ extra: [iccSegment] }),
    )
  })
  it('keeps coded data that looks like segments', async () => {
    // Stuffed bytes and restart markers, then a table and a second scan, as in a progressive picture.
    const scan = Buffer.from('ff00e1ffd3ff00ff00d9ffd7c0ffee'.replace('c0ffee', 'c0ff00'), 'hex')
    const second = Buffer.concat([crafted.segment(0xc4, 0, Buffer.alloc(16), 0), crafted.segment(0xda, 1, 1, 0, 0, 63, 0), scan])
    const start = jpeg().subarray(0, -2)
    const progressive = Buffer.concat([start, scan, second, Buffer.from('ffd9', 'hex')])
    const withExif = Buffer.concat([start, scan, exif(1), second, Buffer.from('ffd9', 'hex')])
    expect(await strip(progressive)).to.deep.equal(progressive)
    expect(await strip(withExif)).to.deep.equal(progressive)
  })
  it('keeps how a picture is to be turned', async () => {
    for (let orientation = 2; orientation <= 8; orientation++) {
      const clean = await strip(jpeg({ extra: [exif(orientation)] }))
      expect(readOrientation(clean.subarray(clean.indexOf('Exif') + 6)), 'jpeg').to.equal(orientation)
    }
    const cleanPng = await strip(png({ extra: toldPng }))
    expect(readOrientation(cleanPng.subarray(cleanPng.indexOf('eXIf') + 4)), 'png').to.equal(6)
    const cleanWebp = await strip(crafted.toldWebp)
    expect(readOrientation(cleanWebp.subarray(cleanWebp.indexOf('EXIF') + 8)), 'webp').to.equal(8)
  })
  it('writes a chunk into a png that holds its checksum', async () => {
    expect(await strip(png({ extra: [crafted.pngChunk('eXIf', crafted.gpsTiff(6))] }))).to.deep.equal(
      png({ extra: [crafted.pngChunk('eXIf', orientationTiff(6))] }),
    )
  })
  it('moves no byte of a webp or a film, whose parts are found by where they stand', async () => {
    for (const [name, bytes] of told.slice(3)) expect((await strip(bytes)).length, name).to.equal(bytes.length)
    const film = mp4()
    const clean = await strip(film)
    expect(clean.subarray(clean.indexOf('mdat'))).to.deep.equal(film.subarray(film.indexOf('mdat')))
    expect(clean.includes('mvhd') && clean.includes('tkhd') && clean.includes('hdlr')).to.equal(true)
  })
  it('tells its source when nobody wants more', async () => {
    let isEnded = false
    async function* source() {
      try {
        for (;;) yield jpeg().subarray(0, -2)
      } finally {
        isEnded = true
      }
    }
    for await (const _ of stripLocation(source())) break
    expect(isEnded).to.equal(true)
  })
  it('passes on what its source fails with', async () => {
    async function* source() {
      yield jpeg().subarray(0, 100)
      throw new Error('broken off')
    }
    const failure = await collect(stripLocation(source())).catch((error: Error) => error.message)
    expect(failure).to.equal('broken off')
  })
})
