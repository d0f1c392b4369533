import { room } from '../../../support/room-story.ts'
import { expectAllowed, expectRefused } from '../../../support/verdicts.ts'

const versions = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']
const message = { type: 'm.room.message' }

describe('the rules for the events that an event cites', () => {
  it('allows exactly the selected ones', () => {
    for (const version of versions) expectAllowed(room(version).levels({}).judgeCited(message))
  })

  it('allows fewer than the selected ones', () => {
    const verdict = room('11')
      .levels({})
      .judgeCited(message, (cited) => cited.filter(({ pdu }) => pdu.type === 'm.room.create'))
    expectAllowed(verdict)
  })

  it('refuses two for one type and state key', () => {
    for (const version of versions) {
      const verdict = room(version).judgeCited(message, (cited) => [...cited, cited.at(-1)!])
      expectRefused(verdict, 'auth_events cites m.room.member twice')
    }
  })

  it('refuses state that does not authorise the event', () => {
    const story = room('11').joinRule('public')
    const joinRules = { pdu: story.readState('m.room.join_rules', '')!, rejected: false }
    const verdict = story.judgeCited(message, (cited) => [...cited, joinRules])
    expectRefused(verdict, 'auth_events cites m.room.join_rules, which does not authorise this event')
  })

  it('refuses the membership of a bystander', () => {
    const story = room('11').joinRule('public').join('@bob:b.test')
    const bystander = { pdu: story.readState('m.room.member', '@bob:b.test')!, rejected: false }
    const verdict = story.judgeCited(message, (cited) => [...cited, bystander])
    expectRefused(verdict, 'auth_events cites m.room.member, which does not authorise this event')
  })

  it('refuses what is no state event', () => {
    const story = room('11')
    const verdict = story.judgeCited(message, (cited) => [...cited, { pdu: story.build(message), rejected: false }])
    expectRefused(verdict, 'auth_events cites m.room.message, which does not authorise this event')
  })

  it('refuses an event that was rejected itself', () => {
    for (const version of versions) {
      const verdict = room(version).judgeCited(message, (cited) => cited.map((entry) => ({ ...entry, rejected: true })))
      expectRefused(verdict, 'auth_events cites a rejected event')
    }
  })

  it('refuses to do without the create event until version 11', () => {
    for (const version of versions.slice(0, -1)) {
      const verdict = room(version).judgeCited(message, (cited) => cited.filter(({ pdu }) => pdu.type !== 'm.room.create'))
      expectRefused(verdict, 'auth_events cites no m.room.create')
    }
  })

  it('refuses the create event since version 12', () => {
    const story = room('12')
    const create = { pdu: story.readState('m.room.create', '')!, rejected: false }
    const verdict = story.judgeCited(message, (cited) => [create, ...cited])
    expectRefused(verdict, 'auth_events cites m.room.create, which does not authorise this event')
  })

  it('refuses an event of another room', () => {
    for (const version of versions) {
      const other = room(version, {}, '@mallory:m.test')
      const levels = { pdu: other.levels({}).readState('m.room.power_levels', '')!, rejected: false }
      const verdict = room(version).judgeCited(message, (cited) => [...cited, levels])
      expectRefused(verdict, 'auth_events cites an event of another room')
    }
  })

  it('leaves the create event itself to its own rule', () => {
    expectAllowed(room('11').judgeCited({ type: 'm.room.create', state_key: '' }))
  })
})
