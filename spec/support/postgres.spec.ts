import { expect } from 'chai'
import { type FreshDatabase, freshDatabase } from './postgres.ts'

describe('freshDatabase', () => {
  const made: FreshDatabase[] = []
  before(async function () {
    const first = await freshDatabase()
    if (!first) this.skip()
    made.push(first)
  })
  after(() => Promise.all(made.map((one) => one.drop())))

  it('gives each spec a database of its own', async () => {
    const second = await freshDatabase()
    made.push(second!)
    expect(second!.url).to.match(/^postgres(ql)?:\/\//)
    expect(second!.url).not.to.equal(made[0]!.url)
  })
})
