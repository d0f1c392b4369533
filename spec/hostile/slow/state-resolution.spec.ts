import { expect } from 'chai'
import { PlainResolution } from '../../support/plain-resolution.ts'
import { randomRoom, randomStates } from '../../support/random-room.ts'

const rooms = 1_000
const draws = 5

describe('state resolution in thousands of random rooms', () => {
  for (const version of ['1', '2', '6', '11', '12']) {
    it(`makes of states what the text of version ${version} makes of them`, () => {
      for (let seed = 1; seed <= rooms; seed++) {
        const drawn = randomRoom(version, seed * 104_729 + Number(version), 30 + (seed % 50))
        const plain = new PlainResolution(drawn.room.rules, drawn.room.events)
        for (let draw = 0; draw < draws; draw++) {
          const states = randomStates(drawn)
          const [resolved, expected] = [drawn.room.resolve(states), plain.resolve(states)]
          expect(new Map([...resolved].sort()), `seed ${seed}, draw ${draw}`).to.deep.equal(new Map([...expected].sort()))
        }
      }
    })
  }
})
