import { networks } from '../../../config/bridge-schema.ts'
import { graphSeat } from './graph-seat.ts'
import type { Seat } from './seat.ts'
import { openStage, type Stage } from './stage.ts'
import { about } from './stories-about.ts'
import { words } from './stories-words.ts'
import { newSights } from './story.ts'
import { pigeonSeat } from './toy/seat.ts'

const seats: readonly (readonly [string, () => Promise<Seat>])[] = [
  ...networks.map((network) => [network, () => graphSeat(network)] as const),
  ['a network made up for this', pigeonSeat],
]

for (const [name, sit] of seats) {
  describe(`every connector, as that of ${name}`, () => {
    const sights = newSights()
    let stage: Stage
    beforeEach(async () => {
      stage = await openStage(await sit())
    })
    afterEach(() => stage.close())

    for (const story of [...words, ...about]) it(story.name, () => story.tell(stage, sights))
  })
}
