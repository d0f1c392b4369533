import { expect } from 'chai'
import { coarseStepOf, isBeyondSteps, stepOf, targetSize } from '../../../server/media/thumbnail-size.ts'

describe('the size of a thumbnail', () => {
  const wish = (width: number, height: number, method: 'crop' | 'scale' = 'scale') => ({ width, height, method, animated: false })

  it('is exactly what the specification lists, where that is asked for', () => {
    for (const [width, height] of [
      [32, 32],
      [96, 96],
      [320, 240],
      [640, 480],
      [800, 600],
    ] as const) {
      expect(stepOf(wish(width, height))).to.include({ width, height })
    }
  })
  it('is never smaller than what is asked for, in few steps and without another shape', () => {
    const made = new Set<number>()
    for (let width = 1; width <= 4096; width += 5) {
      const { width: wide, height } = stepOf(wish(width, width / 2))
      expect(wide).to.be.at.least(width)
      expect(Math.abs(wide / 2 - height)).to.be.below(1)
      made.add(wide)
    }
    expect(made.size).to.be.below(20)
    expect(coarseStepOf(wish(33, 50, 'crop'))).to.deep.equal(wish(64, 64))
    expect([isBeyondSteps(wish(4096, 1)), isBeyondSteps(wish(1, 4097))]).to.deep.equal([false, true])
  })
  it('covers what is asked for when it is scaled', () => {
    expect(targetSize({ width: 1000, height: 500 }, wish(100, 100))).to.deep.equal({ width: 200, height: 100 })
    expect(targetSize({ width: 10_000, height: 1 }, wish(100, 100))).to.equal(undefined)
    expect(targetSize({ width: 99, height: 1000 }, wish(100, 100))).to.equal(undefined)
  })
  it('has the shape that is asked for when it is cropped, as large as the picture allows', () => {
    expect(targetSize({ width: 1000, height: 500 }, wish(100, 100, 'crop'))).to.deep.equal({ width: 100, height: 100 })
    expect(targetSize({ width: 1000, height: 50 }, wish(100, 100, 'crop'))).to.deep.equal({ width: 50, height: 50 })
    expect(targetSize({ width: 50, height: 40 }, wish(100, 100, 'crop'))).to.equal(undefined)
    expect(targetSize({ width: 60_000, height: 1 }, wish(100, 100, 'crop'))).to.deep.equal({ width: 1, height: 1 })
  })
})
