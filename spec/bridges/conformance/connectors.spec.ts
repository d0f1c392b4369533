import { expect } from 'chai'
import { networks } from '../../../config/bridge-schema.ts'
import { graphSeat } from './graph-seat.ts'
import type { Seat } from './seat.ts'
import { openStage, type Stage } from './stage.ts'
import { about } from './stories-about.ts'
import { commands } from './stories-commands.ts'
import { files } from './stories-files.ts'
import { states } from './stories-states.ts'
import { things } from './stories-things.ts'
import { words } from './stories-words.ts'
import { check, everything } from './story.ts'
import { pigeonSeat } from './toy/seat.ts'

const stories = [...words, ...about, ...files, ...things, ...states, ...commands]
const seats: readonly (readonly [string, () => Promise<Seat>])[] = [
  ...networks.map((network) => [network, () => graphSeat(network)] as const),
  ['a network made up for this', pigeonSeat],
]

describe('the stories told of every connector', () => {
  it('look at everything that a connector says of itself', () => {
    expect(stories.flatMap(({ covers = [] }) => covers)).to.have.members(everything)
  })
})

for (const [name, sit] of seats) {
  describe(`every connector, as that of ${name}`, () => {
    let stage: Stage
    beforeEach(async () => {
      stage = await openStage(await sit())
    })
    afterEach(() => stage.close())

    for (const story of stories) it(story.name, () => check(story, stage))
  })
}
