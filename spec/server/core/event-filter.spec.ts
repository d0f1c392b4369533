import { expect } from 'chai'
import { type EventFilter, matchesFilter, matchesRoom, parseEventFilter, parseFilter } from '../../../server/core/event-filter.ts'
import type { Json } from '../../../server/core/json.ts'

const event = { type: 'm.room.message', sender: '@alice:a', room_id: '!room', content: { body: 'x' } }
const passes = (filter: EventFilter, more: object = {}) => matchesFilter(filter, { ...event, ...more })

describe('a filter', () => {
  it('lets everything through that it does not name', () => {
    expect(passes({})).to.equal(true)
    expect(matchesFilter(undefined, event)).to.equal(true)
  })

  it('lets through the types that it lists, with * for any characters', () => {
    for (const types of [['m.room.message'], ['m.room.*'], ['*'], ['x', 'm.*age']]) expect(passes({ types }), String(types)).to.equal(true)
    for (const types of [[], ['m.room'], ['m.room.messag?'], ['M.ROOM.MESSAGE'], ['*.name']])
      expect(passes({ types }), String(types)).to.equal(false)
  })

  it('keeps out what it excludes, also when it lists it', () => {
    expect(passes({ types: ['*'], not_types: ['m.room.*'] })).to.equal(false)
    expect(passes({ senders: ['@alice:a'], not_senders: ['@alice:a'] })).to.equal(false)
    expect(passes({ rooms: ['!room'], not_rooms: ['!room'] })).to.equal(false)
    expect(passes({ not_types: [], not_senders: ['@bob:b'], not_rooms: ['!other'] })).to.equal(true)
  })

  it('lets through the senders and rooms that it lists', () => {
    expect(passes({ senders: ['@alice:a'], rooms: ['!room'] })).to.equal(true)
    expect(passes({ senders: ['@bob:b'] })).to.equal(false)
    expect(passes({ senders: [] })).to.equal(false)
    expect(passes({ rooms: ['!other'] })).to.equal(false)
  })

  it('asks for a sender where there is none only when it lists senders', () => {
    expect(matchesFilter({ senders: ['@alice:a'] }, { type: 'm.typing' })).to.equal(false)
    expect(matchesFilter({ not_senders: ['@alice:a'] }, { type: 'm.typing' })).to.equal(true)
  })

  it('tells events with a url from those without', () => {
    const file = { content: { url: 'mxc://a/b' } }
    expect([passes({ contains_url: true }), passes({ contains_url: true }, file)]).to.deep.equal([false, true])
    expect([passes({ contains_url: false }), passes({ contains_url: false }, file)]).to.deep.equal([true, false])
  })

  it('lets rooms through by its lists of rooms', () => {
    expect([matchesRoom(undefined, '!a'), matchesRoom({}, '!a'), matchesRoom({ rooms: ['!a'] }, '!a')]).to.deep.equal([true, true, true])
    expect([matchesRoom({ rooms: ['!b'] }, '!a'), matchesRoom({ rooms: ['!a'], not_rooms: ['!a'] }, '!a')]).to.deep.equal([false, false])
  })
})

describe('the parser of filters', () => {
  it('takes the specification’s example and keeps what it does not know', () => {
    const filter = {
      room: {
        state: { types: ['m.room.*'], not_rooms: ['!726s6s6q:example.com'], lazy_load_members: true },
        timeline: { limit: 10, types: ['m.room.message'], not_senders: ['@spam:example.com'], 'org.example.more': 1 },
        ephemeral: { types: ['m.receipt', 'm.typing'] },
        account_data: {},
        include_leave: true,
        rooms: [],
      },
      presence: { types: ['m.presence'], not_senders: ['@alice:example.com'] },
      event_format: 'client',
      event_fields: ['type', 'content', 'sender'],
    }
    expect(parseFilter(filter)).to.deep.equal(filter)
    expect(parseFilter({})).to.deep.equal({})
    expect(parseFilter({ room: { timeline: { limit: 0 } } })).to.deep.equal({ room: { timeline: { limit: 0 } } })
  })

  it('answers M_BAD_JSON that names what is wrong', () => {
    const wrong: [Json, string][] = [
      [[], 'filter'],
      ['x', 'filter'],
      [{ presence: 'x' }, 'filter.presence'],
      [{ account_data: null }, 'filter.account_data'],
      [{ room: [] }, 'filter.room'],
      [{ room: { timeline: 'x' } }, 'filter.room.timeline'],
      [{ room: { state: { types: 'm.any' } } }, 'filter.room.state.types'],
      [{ room: { state: { types: [7] } } }, 'filter.room.state.types'],
      [{ room: { timeline: { rooms: ['room'] } } }, 'filter.room.timeline.rooms'],
      [{ room: { timeline: { senders: ['alice'] } } }, 'filter.room.timeline.senders'],
      [{ room: { timeline: { limit: -1 } } }, 'filter.room.timeline.limit'],
      [{ room: { timeline: { limit: 1.5 } } }, 'filter.room.timeline.limit'],
      [{ room: { timeline: { limit: '10' } } }, 'filter.room.timeline.limit'],
      [{ room: { timeline: { lazy_load_members: 'yes' } } }, 'filter.room.timeline.lazy_load_members'],
      [{ room: { include_leave: 1 } }, 'filter.room.include_leave'],
      [{ room: { not_rooms: {} } }, 'filter.room.not_rooms'],
      [{ event_format: 'raw' }, 'filter.event_format'],
      [{ event_fields: 'type' }, 'filter.event_fields'],
    ]
    for (const [filter, path] of wrong) {
      expect(() => parseFilter(filter), path)
        .to.throw(new RegExp(`^${path.replaceAll('.', '\\.')} `))
        .with.property('errcode', 'M_BAD_JSON')
    }
  })

  it('takes the filter of a single request as well', () => {
    expect(parseEventFilter({ types: ['m.any'], contains_url: true })).to.deep.equal({ types: ['m.any'], contains_url: true })
    expect(() => parseEventFilter({ contains_url: 'yes' }))
      .to.throw()
      .with.property('errcode', 'M_BAD_JSON')
  })
})
