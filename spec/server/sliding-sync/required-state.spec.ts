import { expect } from 'chai'
import type { Json } from '../../../server/core/json.ts'
import { isWanted, readRequiredState, unite, type WantedState } from '../../../server/sliding-sync/required-state.ts'

const me = '@me:hs.test'
const wanted = (...parts: Json[]): WantedState => unite(parts.map((part) => readRequiredState(part, me)))
const tells = (state: WantedState, type: string, stateKey = ''): boolean => isWanted(state, type, stateKey)

describe('required state', () => {
  it('names types and state keys, each of them or any', () => {
    const state = wanted([
      ['m.room.topic', ''],
      ['m.space.child', '*'],
      ['*', 'special'],
    ])
    expect(tells(state, 'm.room.topic')).to.equal(true)
    expect(tells(state, 'm.room.topic', 'other')).to.equal(false)
    expect(tells(state, 'm.space.child', '!room:hs.test')).to.equal(true)
    expect(tells(state, 'x.any', 'special')).to.equal(true)
    expect(tells(state, 'x.any')).to.equal(false)
    expect(state.named).to.equal(undefined)
    expect(tells(wanted([['*', '*']]), 'x.any', 'whatever')).to.equal(true)
  })

  it('is looked up where all of it is named, and tells members apart', () => {
    const state = wanted([
      ['m.room.topic', ''],
      ['m.room.member', '$ME'],
      ['m.room.member', '@bob:hs.test'],
    ])
    expect(state.named).to.deep.equal([['m.room.topic', '']])
    expect([...state.members]).to.deep.equal([me, '@bob:hs.test'])
    expect(state).to.include({ lazy: false, allMembers: false })
    expect(tells(state, 'm.room.member', me)).to.equal(true)
    expect(tells(state, 'm.room.member', '@carol:hs.test')).to.equal(false)
  })

  it('does not mean the members by * for everything when they are loaded lazily', () => {
    const lazy = wanted([
      ['*', '*'],
      ['m.room.member', '$LAZY'],
      ['m.room.member', '$ME'],
    ])
    expect(lazy).to.include({ lazy: true, allMembers: false })
    expect(tells(lazy, 'm.room.member', '@bob:hs.test')).to.equal(false)
    expect(tells(lazy, 'm.room.member', me)).to.equal(true)
    expect(tells(lazy, 'm.room.name')).to.equal(true)
    expect(wanted([['*', '*']])).to.include({ lazy: false, allMembers: true })
  })

  it('is united to what anyone asks for: all members go before lazily loaded ones', () => {
    const lazy = [['m.room.member', '$LAZY']]
    expect(wanted(lazy, [['m.room.member', '*']])).to.include({ lazy: false, allMembers: true })
    expect(wanted(lazy, [['m.room.topic', '']])).to.include({ lazy: true, allMembers: false })
    expect(wanted(lazy, lazy, [['a', '']]).key).to.equal(wanted([['a', '']], lazy).key)
    expect(wanted(lazy).key).not.to.equal(wanted([['a', '']]).key)
  })

  it('may be said in the later form, with what is left out', () => {
    const state = wanted({ include: [{}], exclude: [{ type: 'm.room.create', state_key: '' }], lazy_members: true })
    expect(state).to.include({ lazy: true, allMembers: false })
    expect(tells(state, 'm.room.name')).to.equal(true)
    expect(tells(state, 'm.room.create')).to.equal(false)
    expect(tells(wanted({ exclude: [{ type: 'a' }], include: [{ type: 'a' }] }, [['a', 'b']]), 'a', 'b')).to.equal(true)
    expect(tells(wanted({ include: [{ state_key: '$ME' }] }), 'x', me)).to.equal(true)
  })

  it('is refused when it is something else', () => {
    for (const wrong of [
      'all',
      3,
      [['m.room.topic']],
      ['m.room.topic'],
      [[1, '']],
      { include: 'all' },
      { include: [1] },
      { lazy_members: 1 },
    ]) {
      expect(() => readRequiredState(wrong as Json, me), JSON.stringify(wrong))
        .to.throw(/.+/)
        .with.property('errcode', 'M_INVALID_PARAM')
    }
    const many = Array.from({ length: 1001 }, () => ['a', 'b'])
    expect(() => readRequiredState(many, me)).to.throw('list of pairs')
  })
})
