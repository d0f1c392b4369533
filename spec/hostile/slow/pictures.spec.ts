import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { sniffImage } from '../../../server/media/image-format.ts'
import { ImageProcesses } from '../../../server/media/image-processes.ts'
import { animation, gifOf, photograph, pngOf } from '../../server/media/pictures.ts'
import { seededRandom } from '../../support/load.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'

const files = 10_000
const outcomes = ['made', 'original', 'refused', 'killed']

describe('the decoders of pictures', () => {
  it('come to an end with ten thousand damaged pictures, and with a whole one after them', async () => {
    const folder = temporaryFolder('tombolo-pictures')
    const processes = new ImageProcesses({ timeLimit: 5000 })
    const random = seededRandom(1)
    const photo = photograph(120, 80)
    const seeds = await Promise.all([
      photo.clone().jpeg().toBuffer(),
      photo.clone().jpeg({ progressive: true }).toBuffer(),
      photo.clone().png().toBuffer(),
      photo.clone().png({ palette: true }).toBuffer(),
      photo.clone().webp().toBuffer(),
      photo.clone().webp({ lossless: true }).toBuffer(),
      animation(40, 30, 3),
      gifOf(100, 100, 50),
      pngOf(60, 60, { animated: true }),
    ])
    const counts = new Map<string, number>()
    const decode = async (bytes: Buffer, name: string, animated: boolean) => {
      const format = sniffImage(bytes)
      if (!format) return 'no picture'
      const path = join(folder, name)
      writeFileSync(path, bytes)
      const wanted = { width: 32, height: 32, method: animated ? 'scale' : 'crop', animated } as const
      return (await processes.run({ path, format, mostPixels: 1_000_000, wanted })).outcome
    }
    try {
      const lane = async (lane: number) => {
        for (let number = lane; number < files; number += 2) {
          const outcome = await decode(damage(seeds[number % seeds.length]!, random), `lane-${lane}`, number % 3 === 0)
          counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
        }
      }
      await Promise.all([lane(0), lane(1)])
      expect(await decode(seeds[0]!, 'whole', false)).to.equal('made')
    } finally {
      processes.stop()
      removeFolder(folder)
    }
    expect([...counts.keys()].filter((outcome) => outcome !== 'no picture')).to.satisfy((all: string[]) =>
      all.every((outcome) => outcomes.includes(outcome)),
    )
    expect(counts.get('made') ?? 0).to.be.above(100)
    expect(counts.get('refused') ?? 0).to.be.above(100)
    process.stdout.write(`\n  ${JSON.stringify(Object.fromEntries(counts))}\n`)
  })
})

/** Changes a few bytes behind the first eight, cuts the end off, or writes a part twice. */
function damage(whole: Buffer, random: (below: number) => number): Buffer {
  const bytes = Buffer.from(whole)
  for (let change = 0; change <= random(6); change++) bytes[8 + random(bytes.length - 8)] = random(256)
  const way = random(4)
  if (way === 0) return bytes.subarray(0, 8 + random(bytes.length - 8))
  if (way === 1) {
    const at = random(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1))])
  }
  return bytes
}
