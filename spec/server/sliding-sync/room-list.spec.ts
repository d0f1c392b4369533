import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import type { MembershipName } from '../../../server/graph/graph.ts'
import { type Entry, passes, type RoomFacts, type RoomFilters, shownOf, sortRooms } from '../../../server/sliding-sync/room-list.ts'

function entry(roomId: RoomId, activity = 1, membership: MembershipName = 'join'): Entry {
  const of = { membership, eventId: '$event', sender: '@alice:hs.test', position: 1, joinedAt: 1, forgotten: false } as const
  return { roomId, activity, membership: of }
}

const open: RoomFilters = {
  isDm: undefined,
  isEncrypted: undefined,
  isInvite: undefined,
  spaces: undefined,
  roomTypes: undefined,
  notRoomTypes: undefined,
  tags: undefined,
  notTags: undefined,
}

const facts: RoomFacts = {
  dms: new Set<RoomId>(['!dm']),
  tags: new Map<RoomId, ReadonlySet<string>>([
    ['!dm', new Set(['m.favourite', 'u.work'])],
    ['!space', new Set(['m.lowpriority'])],
  ]),
  kinds: new Map([
    ['!dm' as RoomId, { type: undefined, encrypted: true }],
    ['!space' as RoomId, { type: 'm.space', encrypted: false }],
  ]),
  children: new Map<string, ReadonlySet<RoomId>>([['!space', new Set<RoomId>(['!plain'])]]),
}

const rooms = [entry('!dm'), entry('!space'), entry('!plain'), entry('!invited', 1, 'invite')]
const held = (filters: Partial<RoomFilters>): string[] =>
  rooms.filter((one) => passes({ ...open, ...filters }, one, facts)).map(({ roomId }) => roomId)

describe('a list of rooms', () => {
  it('begins where something happened last', () => {
    const sorted = sortRooms([entry('!a', 3), entry('!c', 7), entry('!b', 7), entry('!d', 5)])
    expect(sorted.map(({ roomId }) => roomId)).to.deep.equal(['!b', '!c', '!d', '!a'])
  })

  it('holds every room without filters, and those that a filter wants', () => {
    expect(held({})).to.have.length(4)
    expect(held({ isDm: true })).to.deep.equal(['!dm'])
    expect(held({ isDm: false })).to.deep.equal(['!space', '!plain', '!invited'])
    expect(held({ isEncrypted: true })).to.deep.equal(['!dm'])
    expect(held({ isEncrypted: false })).to.deep.equal(['!space', '!plain', '!invited'])
    expect(held({ isInvite: true })).to.deep.equal(['!invited'])
    expect(held({ isInvite: false })).to.deep.equal(['!dm', '!space', '!plain'])
    expect(held({ spaces: ['!space', '!other'] })).to.deep.equal(['!plain'])
    expect(held({ spaces: [] })).to.deep.equal([])
  })

  it('knows rooms by type, and no type by null', () => {
    expect(held({ roomTypes: ['m.space'] })).to.deep.equal(['!space'])
    expect(held({ roomTypes: [null] })).to.deep.equal(['!dm', '!plain', '!invited'])
    expect(held({ notRoomTypes: ['m.space'] })).to.deep.equal(['!dm', '!plain', '!invited'])
    expect(held({ roomTypes: [null, 'm.space'], notRoomTypes: [null] })).to.deep.equal(['!space'])
  })

  it('wants any of the tags, and none of those that are not wanted', () => {
    expect(held({ tags: ['u.work', 'm.lowpriority'] })).to.deep.equal(['!dm', '!space'])
    expect(held({ notTags: ['m.favourite'] })).to.deep.equal(['!space', '!plain', '!invited'])
    expect(held({ tags: ['u.work'], notTags: ['m.favourite'] })).to.deep.equal([])
  })

  it('shows its ranges, with both ends, as far as it goes, and each room once', () => {
    const list = ['a', 'b', 'c', 'd', 'e']
    expect(shownOf(list, [[0, 1]])).to.deep.equal(['a', 'b'])
    expect(
      shownOf(list, [
        [0, 0],
        [3, 900],
      ]),
    ).to.deep.equal(['a', 'd', 'e'])
    expect(
      shownOf(list, [
        [1, 2],
        [2, 3],
      ]),
    ).to.deep.equal(['b', 'c', 'd'])
    expect(shownOf(list, [[7, 9]])).to.deep.equal([])
    expect(shownOf(list, undefined)).to.deep.equal(list)
    expect(shownOf(list, [])).to.deep.equal([])
  })
})
