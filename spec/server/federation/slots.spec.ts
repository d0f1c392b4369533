import { expect } from 'chai'
import { createSlots } from '../../../server/federation/slots.ts'

describe('slots', () => {
  it('let so many run at once, the others in their order, failures included', async () => {
    const slots = createSlots(2, 60_000)
    const begun: number[] = []
    const ends: (() => void)[] = []
    const works = [0, 1, 2, 3].map((number) =>
      slots.run(async () => {
        begun.push(number)
        await new Promise<void>((resolve) => ends.push(resolve))
        if (number === 0) throw new Error('it failed')
        return number
      }),
    )
    await Promise.resolve()
    expect(begun).to.deep.equal([0, 1])
    ends[0]?.()
    expect(await works[0]?.catch((error: Error) => error.message)).to.equal('it failed')
    ends[1]?.()
    expect(await works[1]).to.equal(1)
    expect(begun).to.deep.equal([0, 1, 2, 3])
    for (const end of ends) end()
    expect(await Promise.all(works.slice(2))).to.deep.equal([2, 3])
  })

  it('are given away by what takes long, which goes on', async () => {
    const slots = createSlots(1, 5)
    let end = () => {}
    const long = slots.run(() => new Promise<string>((resolve) => (end = () => resolve('long'))))
    expect(await slots.run(async () => 'after it')).to.equal('after it')
    end()
    expect(await long).to.equal('long')
    expect(await slots.run(async () => 'last')).to.equal('last')
  })
})
