import { expect } from 'chai'
import { mayRead, mayServerRead, parseVisibility } from '../../../server/core/history-visibility.ts'

const all = ['world_readable', 'shared', 'invited', 'joined'] as const

describe('history visibility', () => {
  it('lets everybody read what is world readable', () => {
    for (const membership of [undefined, 'ban', 'leave', 'invite', 'knock', 'join']) {
      expect(mayRead({ visibility: 'world_readable', membership, joinedSince: false })).to.equal(true)
    }
  })

  it('lets members read everything sent while they were in the room', () => {
    for (const visibility of all) expect(mayRead({ visibility, membership: 'join', joinedSince: false })).to.equal(true)
  })

  it('lets those who joined later read shared history, and nothing stricter', () => {
    const read = all.filter((visibility) => mayRead({ visibility, membership: 'leave', joinedSince: true }))
    expect(read).to.deep.equal(['world_readable', 'shared'])
  })

  it('lets those read shared history no more who left before and never came back', () => {
    expect(mayRead({ visibility: 'shared', membership: 'leave', joinedSince: false })).to.equal(false)
  })

  it('lets the invited read from their invite on only where it is so set', () => {
    const read = all.filter((visibility) => mayRead({ visibility, membership: 'invite', joinedSince: false }))
    expect(read).to.deep.equal(['world_readable', 'invited'])
  })

  it('lets nobody else read', () => {
    for (const membership of [undefined, 'leave', 'ban', 'knock']) {
      for (const visibility of ['invited', 'joined'] as const) {
        expect(mayRead({ visibility, membership, joinedSince: true })).to.equal(false)
      }
    }
  })

  it('shows a change of the visibility to those whom either side of it allows', () => {
    const change = { membership: undefined, joinedSince: false }
    expect(mayRead({ ...change, visibility: 'world_readable', visibilityAfter: 'joined' })).to.equal(true)
    expect(mayRead({ ...change, visibility: 'joined', visibilityAfter: 'world_readable' })).to.equal(true)
    expect(mayRead({ ...change, visibility: 'joined', visibilityAfter: 'shared' })).to.equal(false)
  })

  it('shows users their own coming and going', () => {
    const own = { visibility: 'joined', joinedSince: false } as const
    expect(mayRead({ ...own, membership: undefined, membershipAfter: 'join' })).to.equal(true)
    expect(mayRead({ ...own, membership: 'join', membershipAfter: 'ban' })).to.equal(true)
    expect(mayRead({ ...own, membership: undefined, membershipAfter: 'invite' })).to.equal(false)
  })

  it('is shared where it is not set or not understood', () => {
    for (const value of [undefined, null, 7, 'secret', {}]) expect(parseVisibility(value)).to.equal('shared')
    for (const value of all) expect(parseVisibility(value)).to.equal(value)
  })
})

describe('history visibility for servers', () => {
  const readers = (memberships: readonly string[], isInRoom: boolean) =>
    all.filter((visibility) => mayServerRead({ visibilities: [visibility], memberships: new Set(memberships), isInRoom }))

  it('opens everything to a server that had somebody in the room then, whether it still has or not', () => {
    for (const isInRoom of [true, false]) expect(readers(['join', 'leave'], isInRoom)).to.deep.equal(all)
  })

  it('opens shared history, and what the invited may see, to a server that has somebody in the room now', () => {
    expect(readers([], true)).to.deep.equal(['world_readable', 'shared'])
    expect(readers(['leave', 'invite'], true)).to.deep.equal(['world_readable', 'shared', 'invited'])
    for (const membership of ['leave', 'ban', 'knock']) expect(readers([membership], true)).to.deep.equal(['world_readable', 'shared'])
  })

  it('opens nothing but what the world may read to a server that has nobody in the room', () => {
    for (const membership of ['invite', 'leave', 'ban', 'knock']) expect(readers([membership], false)).to.deep.equal(['world_readable'])
    expect(readers([], false)).to.deep.equal(['world_readable'])
  })

  it('shows a change of the visibility to servers that either side of it allows', () => {
    const change = { memberships: new Set<string>(), isInRoom: true }
    expect(mayServerRead({ ...change, visibilities: ['joined', 'shared'] })).to.equal(true)
    expect(mayServerRead({ ...change, visibilities: ['world_readable', 'joined'], isInRoom: false })).to.equal(true)
    expect(mayServerRead({ ...change, visibilities: ['joined', 'invited'] })).to.equal(false)
  })
})
