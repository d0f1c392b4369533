import { expect } from 'chai'
import { createPlaces } from '../../../server/remote/places.ts'

const never = 2 ** 31 - 1

describe('places', () => {
  it('are so many, handed on in the order of those who wait', async () => {
    const places = createPlaces({ most: 2, longest: 10, patienceMs: never })
    expect([await places.take(), places.takeNow(), places.takeNow()]).to.deep.equal([true, true, false])
    const served: string[] = []
    const waiting = ['first', 'second', 'third'].map(async (name) => (await places.take()) && served.push(name))
    places.leave()
    await waiting[0]
    expect(served).to.deep.equal(['first'])
    expect(places.takeNow()).to.equal(false)
    places.leave()
    places.leave()
    await Promise.all(waiting)
    expect(served).to.deep.equal(['first', 'second', 'third'])
    places.leave()
    places.leave()
    expect([places.takeNow(), places.takeNow(), places.takeNow()]).to.deep.equal([true, true, false])
  })

  it('are given up by those who waited too long, and by those who would be too many', async () => {
    const places = createPlaces({ most: 1, longest: 1, patienceMs: 10 })
    await places.take()
    const late = places.take()
    expect(await places.take()).to.equal(false)
    expect(await late).to.equal(false)
    places.leave()
    expect([places.takeNow(), places.takeNow()]).to.deep.equal([true, false])
  })
})
