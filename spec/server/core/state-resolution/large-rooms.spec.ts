import { expect } from 'chai'
import type { EventId } from '../../../../server/core/ids.ts'
import { sortInSteps } from '../../../../server/core/state-resolution/heap.ts'
import { orderByMainline } from '../../../../server/core/state-resolution/mainline-order.ts'
import { orderByPower } from '../../../../server/core/state-resolution/power-order.ts'
import { resolveStates } from '../../../../server/core/state-resolution/resolve-states.ts'
import { finish, pace } from '../../../../server/core/state-resolution/steps.ts'
import { ForkedRoom } from '../../../support/forked-room.ts'
import { randomNumbers } from '../../../support/random-json.ts'

const alice = '@alice:a.test'

/** Two long lines of power levels that part at the beginning, and topics that hang on each of them. */
function twoLines(size: number): { room: ForkedRoom; main: EventId[]; topics: EventId[] } {
  const room = new ForkedRoom('11')
  const begin = room.levels('levels', { [alice]: 100 }, alice, room.member('alice', alice, 'join', alice, room.create))
  const lines = ['main', 'side'].map((name) => {
    const line: EventId[] = [begin]
    for (let at = 0; at < size; at++) line.push(room.levels(`${name}-${at}`, { [alice]: 100, '@bob:b.test': at % 90 }, alice, line.at(-1)!))
    return line
  })
  const topics = lines.flat().map((levels, at) => room.topic(`topic-${at}`, alice, levels))
  return { room, main: lines[0]!, topics }
}

/** How many events are read in the course of some work, and how often it stops. */
function measure(room: ForkedRoom, work: (readEvent: ForkedRoom['readEvent']) => Generator<unknown>): { reads: number; breaths: number } {
  let reads = 0
  let breaths = 0
  const steps = work((eventId) => {
    reads++
    return room.readEvent(eventId)
  })
  while (!steps.next().done) breaths++
  return { reads, breaths }
}

describe('state resolution in large rooms', () => {
  const [small, large] = [twoLines(500), twoLines(4_000)]

  it('walks over each power levels event once, however many events hang on it', () => {
    const order = ({ room, main, topics }: typeof small) =>
      measure(room, (readEvent) =>
        orderByMainline(
          topics.map((topic) => room.events.get(topic)!),
          main.at(-1),
          readEvent,
        ),
      ).reads
    expect(order(large) / order(small)).to.be.below(9)
  })

  it('sorts a long line of power events without recursion, each after those that it cites', () => {
    const set = new Map([...large.room.events].filter(([, { pdu }]) => pdu.type === 'm.room.power_levels'))
    const ordered = finish(orderByPower(set, large.room.rules, large.room.readEvent)).map(({ eventId }) => eventId)
    expect(ordered.length).to.equal(8_001)
    expect(ordered.filter((eventId) => large.main.includes(eventId))).to.deep.equal(large.main)
  })

  it('resolves the ends of both lines, and stops for a breath all along', () => {
    const states = [large.main.at(-1)!, large.room.id('side-3999')].map((eventId) => large.room.stateAfter(eventId))
    const { breaths } = measure(large.room, (readEvent) => resolveStates(states, large.room.rules, readEvent, large.room.index))
    expect(breaths).to.be.above((3 * 8_000) / pace)
    expect(large.room.resolve(states).get('m.room.power_levels\0')).to.equal(large.room.id('side-3999'))
  })

  it('ends where events of a room of version 2 cite each other in a ring', () => {
    const room = new ForkedRoom('2')
    const join = room.member('alice', alice, 'join', alice, room.create)
    const one = room.levels('one', { [alice]: 100 }, alice, join)
    const two = room.levels('two', { [alice]: 100 }, alice, one)
    const ring = room.events.get(one)!
    const cited = [...ring.pdu.auth_events, [two, { sha256: '' }]] as unknown as EventId[]
    room.events.set(one, { ...ring, pdu: { ...ring.pdu, auth_events: cited } })
    const topic = room.events.get(room.topic('topic', alice, two))!
    expect(finish(orderByMainline([topic], one, room.readEvent))).to.deep.equal([topic])
    expect(finish(orderByMainline([topic], undefined, room.readEvent))).to.deep.equal([topic])
    const set = new Map([one, two, join].map((eventId) => [eventId, room.events.get(eventId)!]))
    expect(finish(orderByPower(set, room.rules, room.readEvent)).map(({ eventId }) => eventId)).to.deep.equal([join])
  })

  it('sorts as any other sorting does', () => {
    const random = randomNumbers(1)
    for (const size of [0, 1, 2, 3, 10, 1000]) {
      const numbers = Array.from({ length: size }, () => Math.floor(random() * size))
      expect(finish(sortInSteps(numbers, (a, b) => a - b))).to.deep.equal(numbers.toSorted((a, b) => a - b))
    }
  })
})
