import { type RoomStory, room, type Told } from '../../../support/room-story.ts'
import { expectAllowed, expectRefused } from '../../../support/verdicts.ts'

const create = (content: object, more: Partial<Told> = {}): Told => ({
  type: 'm.room.create',
  state_key: '',
  prev_events: [],
  content: content as Told['content'],
  ...more,
})

function judgeCreate(story: RoomStory, content: object, more: Partial<Told> = {}) {
  return story.judge(create(content, more))
}

describe('the rules for m.room.create', () => {
  it('allows one that nothing precedes', () => {
    for (const version of ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']) {
      expectAllowed(judgeCreate(room(version), { creator: '@alice:a.test', room_version: version }))
    }
    for (const version of ['11', '12']) expectAllowed(judgeCreate(room(version), { room_version: version }))
  })

  it('refuses one with prev_events', () => {
    for (const version of ['6', '12']) {
      const verdict = judgeCreate(room(version), { creator: '@alice:a.test' }, { prev_events: ['$before'] })
      expectRefused(verdict, 'the create event has prev_events')
    }
  })

  it('refuses a room id of another server than the sender’s, until version 11', () => {
    const verdict = judgeCreate(room('11'), {}, { room_id: '!room:elsewhere.test' })
    expectRefused(verdict, 'the room id is not of the server of the sender')
  })

  it('refuses any room id since version 12', () => {
    expectRefused(judgeCreate(room('12'), {}, { room_id: '!room:a.test' }), 'the create event has a room_id')
  })

  it('refuses a room version that nobody knows, and one that is no string', () => {
    for (const version of ['6', '12']) {
      expectRefused(judgeCreate(room(version), { creator: '@alice:a.test', room_version: '99' }), 'the room version is not known')
      expectRefused(judgeCreate(room(version), { creator: '@alice:a.test', room_version: 6 }), 'the room version is not known')
    }
  })

  it('asks for a creator until version 10, and for none since', () => {
    for (const version of ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']) {
      expectRefused(judgeCreate(room(version), { room_version: version }), 'the create event names no creator')
    }
    expectAllowed(judgeCreate(room('11'), {}))
  })

  it('takes a list of user ids as additional creators since version 12, historical ones included', () => {
    expectAllowed(judgeCreate(room('12'), { additional_creators: ['@bob:b.test', '@Old User:b.test'] }))
    expectAllowed(judgeCreate(room('12'), { additional_creators: [] }))
  })

  it('refuses additional creators that are no list of user ids', () => {
    for (const additional of ['@bob:b.test', ['bob'], [7], ['@bob:b.test', null], { 0: '@bob:b.test' }, [`@${'b'.repeat(260)}:b.test`]]) {
      const verdict = judgeCreate(room('12'), { additional_creators: additional })
      expectRefused(verdict, 'additional_creators is not a list of user ids')
    }
  })

  it('pays no heed to additional creators before version 12', () => {
    expectAllowed(judgeCreate(room('11'), { additional_creators: 'nobody' }))
  })
})
