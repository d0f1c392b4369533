import { expect } from 'chai'
import { networks } from '../../config/bridge-schema.ts'
import { type Inward, storiesIn } from '../support/bridges/stories-in.ts'
import { storiesOut } from '../support/bridges/stories-out.ts'
import { strikeEach } from '../support/bridges/strikes.ts'
import { openStruckTown, type Quarter, type StruckTown } from '../support/bridges/struck-town.ts'

// A fifth of the kills is left for shared rooms.
const kills = Math.ceil(Number(process.env['TOMBOLO_KILLS'] ?? 100) * 0.8)

describe(`a bridge that is killed ${kills} times each way and network, at every point that something passes`, function () {
  this.timeout(1_800_000)
  let town: StruckTown
  before(async () => {
    town = await openStruckTown()
    await town.sandbox.control.setCoexistence({ on: true })
  })
  after(() => town?.close())

  it('brings in messages, pictures, answers, reactions, corrections, withdrawals and marks once, and tells of them before it is told again', async () => {
    await Promise.all(networks.map((network) => strike(town.quarters[network], storiesIn)))
  })

  it('carries out messages, pictures, answers, reactions, corrections and withdrawals once and in order, or says that it is not known what became of them', async () => {
    await Promise.all(networks.map((network) => strike(town.quarters[network], storiesOut)))
  })

  async function strike(quarter: Quarter, make: (town: StruckTown, quarter: Quarter) => Promise<Inward>): Promise<void> {
    const { stories, check } = await make(town, quarter)
    const struck = await strikeEach(quarter, stories, kills)
    const points = new Set(stories.flatMap((story) => story.points))
    if (kills >= 2 * points.size) expect([...struck], quarter.network).to.include.members([...points])
    await check()
  }
})
