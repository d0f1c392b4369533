import { expect } from 'chai'
import { measure } from '../../../../bridges/kit/media/dimensions.ts'
import { readEncryptedFile } from '../../../../bridges/kit/media/encrypted-attachment.ts'
import { settleType, sniff } from '../../../../bridges/kit/media/sniff.ts'
import { stripLocation } from '../../../../bridges/kit/media/strip-location.ts'
import { randomJson, randomNumbers } from '../../../support/random-json.ts'
import * as crafted from './crafted-files.ts'
import { sourceOf, streamOf } from './sources.ts'

const rounds = 10_000
const { jpeg, exifSegment, iccSegment, xmpSegment, png, toldPng, mp4 } = crafted
const seeds: Readonly<Record<string, { mime: string; bytes: Buffer }>> = {
  jpeg: { mime: 'image/jpeg', bytes: jpeg({ extra: [exifSegment(6), iccSegment, xmpSegment] }) },
  png: { mime: 'image/png', bytes: png({ extra: toldPng }) },
  gif: { mime: 'image/gif', bytes: crafted.gif() },
  webp: { mime: 'image/webp', bytes: crafted.toldWebp },
  mp4: { mime: 'video/mp4', bytes: mp4({ extra: [crafted.xmpBox] }) },
  opus: { mime: 'audio/ogg', bytes: crafted.oggOpus(2) },
  vorbis: { mime: 'audio/ogg', bytes: crafted.oggVorbis },
}
const others = [crafted.mp3, crafted.adts, crafted.webm, crafted.matroska, Buffer.from('BEGIN:VCARD\r\n')]
/** A segment or chunk with an orientation may take the place of a broken one that was shorter. */
const orientationBytes = 38
const nasty = [0, 1, 0x7f, 0x80, 0xe1, 0xfe, 0xff]

/** Bytes changed, cut out, cut off, doubled or made extreme; mostly behind the first few, so that it is still taken for what it was. */
function mutate(bytes: Buffer, random: () => number): Buffer {
  let mutated = Buffer.from(bytes)
  const below = (most: number) => Math.floor(random() * most)
  for (let changes = 1 + below(4); changes > 0 && mutated.length > 0; changes--) {
    const at = random() < 0.9 ? Math.min(12, mutated.length - 1) + below(Math.max(1, mutated.length - 12)) : below(mutated.length)
    const kind = below(5)
    if (kind === 0) mutated[Math.min(at, mutated.length - 1)] = below(256)
    else if (kind === 1) mutated.fill(nasty[below(nasty.length)]!, at, Math.min(mutated.length, at + 1 + below(8)))
    else if (kind === 2) mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + 1 + below(40))])
    else if (kind === 3) mutated = mutated.subarray(0, at)
    else mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(below(mutated.length), at), mutated.subarray(at)])
  }
  return mutated
}

describe(`${rounds} broken files of each kind`, () => {
  it('are sniffed', () => {
    const random = randomNumbers(1)
    const all = [...Object.values(seeds).map(({ bytes }) => bytes), ...others]
    for (let round = 0; round < rounds; round++) {
      const bytes = mutate(all[round % all.length]!, random)
      const sniffed = sniff(bytes)
      expect(settleType(sniffed, 'text/html')).to.equal(sniffed.mime)
    }
  })
  for (const [name, { mime, bytes }] of Object.entries(seeds)) {
    it(`are measured as ${name}, with bounded reading and numbers that can be`, async () => {
      const random = randomNumbers(2)
      for (let round = 0; round < rounds; round++) {
        const source = sourceOf(mutate(bytes, random))
        const measured = await measure(source, mime)
        if (source.asked() > 200_000) expect.fail(`read ${source.asked()} bytes of ${source.size}`)
        if (measured.kind === 'refused') continue
        for (const value of [measured.width ?? 1, measured.height ?? 1, measured.durationMs ?? 1]) {
          if (!Number.isSafeInteger(value) || value < 0) expect.fail(`measured ${value}`)
        }
      }
    })
  }
  for (const name of ['jpeg', 'png', 'webp', 'mp4']) {
    it(`are cleaned as ${name}, without growing and without holding them`, async () => {
      const random = randomNumbers(3)
      for (let round = 0; round < rounds; round++) {
        const mutated = mutate(seeds[name]!.bytes, random)
        let read = 0
        let written = 0
        async function* counted() {
          for await (const part of streamOf(mutated, () => 97)) {
            read += part.length
            yield part
          }
        }
        for await (const part of stripLocation(counted())) {
          written += part.length
          if (written > read + orientationBytes) expect.fail('wrote more than it had read')
        }
        if (read !== mutated.length) expect.fail(`left ${mutated.length - read} bytes unread`)
      }
    })
  }
  it('are refused as keys of attachments when they are none', () => {
    const random = randomNumbers(4)
    for (let round = 0; round < rounds; round++) {
      const key = { kty: 'oct', alg: 'A256CTR', k: randomJson(random, 1) }
      expect(readEncryptedFile(random() < 0.5 ? randomJson(random, 3) : { v: 'v2', url: 'mxc://a/b', key, iv: '', hashes: null })).to.equal(
        undefined,
      )
    }
  })
})
