import { expect } from 'chai'
import type { Call } from '../../../server/http/endpoint.ts'
import { readSlidingSyncRequest, type SlidingSyncRequest } from '../../../server/sliding-sync/sliding-sync-request.ts'

const requester = { userId: '@me:hs.test', deviceId: 'D', session: 's', admin: false, service: undefined }

function read(body: object, query: Record<string, string> = {}): SlidingSyncRequest {
  return readSlidingSyncRequest({
    requester,
    body,
    query: new URLSearchParams(query),
    signal: undefined,
  } as unknown as Call<'access_token'>)
}

const list = (of: object) => ({ lists: { a: of } })
const numbered = (count: number, name: (at: number) => string, value: object) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [name(at), value]))

describe('a sliding sync request', () => {
  it('may say nothing at all', () => {
    const request = read({})
    expect(request).to.include({ connId: '', pos: undefined, timeout: 0, presence: 'online' })
    expect([request.lists.size, request.subscriptions.size]).to.deep.equal([0, 0])
    expect(request.extensions).to.deep.equal({
      toDevice: undefined,
      e2ee: false,
      accountData: undefined,
      receipts: undefined,
      typing: undefined,
    })
  })

  it('is cut down to what a server can bear', () => {
    const request = read(
      { ...list({ ranges: [[0, 10 ** 12]], timeline_limit: 10 ** 9 }), extensions: { to_device: { enabled: true, limit: 10 ** 6 } } },
      { timeout: '999999999' },
    )
    expect(request.timeout).to.equal(180_000)
    expect(request.lists.get('a')?.timelineLimit).to.equal(100)
    expect(request.extensions.toDevice).to.deep.equal({ since: 0, limit: 100 })
  })

  it('may be in the words of earlier and of later drafts', () => {
    const earlier = list({
      ranges: [[0, 9]],
      sort: ['by_recency'],
      slow_get_all_rooms: true,
      filters: { is_invite: true, room_name_like: 'x' },
    })
    const old = read({
      ...earlier,
      room_subscriptions: { '!a:hs.test': { include_old_rooms: {} } },
      unsubscribe_rooms: ['!b'],
      txn_id: 't',
    })
    expect(old.lists.get('a')).to.deep.include({ ranges: [[0, 9]], timelineLimit: 10 })
    expect(old.lists.get('a')?.filters.isInvite).to.equal(true)
    expect([...old.subscriptions.keys()]).to.deep.equal(['!a:hs.test'])
    const late = read(list({ range: [5, 6], filters: { is_invited: false }, required_state: { include: [{}] } })).lists.get('a')
    expect(late?.ranges).to.deep.equal([[5, 6]])
    expect(late?.filters.isInvite).to.equal(false)
    expect(read(list({})).lists.get('a')?.ranges).to.equal(undefined)
  })

  it('names the rooms of an extension, or all', () => {
    const scope = (receipts: object) => read({ extensions: { receipts: { enabled: true, ...receipts } } }).extensions.receipts
    expect(scope({})).to.deep.equal({ lists: undefined, rooms: undefined })
    expect(scope({ rooms: ['*'], lists: [] })).to.deep.equal({ lists: [], rooms: undefined })
    expect(scope({ rooms: ['!a'], lists: ['a', '*'] })).to.deep.equal({ lists: undefined, rooms: ['!a'] })
  })

  const refused: Readonly<Record<string, object>> = {
    'lists that are none': { lists: ['a'] },
    'a list that is none': { lists: { a: 1 } },
    'too many lists': { lists: numbered(101, String, {}) },
    'ranges that are none': list({ ranges: 7 }),
    'a range from behind': list({ ranges: [[3, 1]] }),
    'a range of three': list({ ranges: [[0, 1, 2]] }),
    'a negative range': list({ range: [-1, 5] }),
    'half a room': list({ ranges: [[0, 0.5]] }),
    'too many ranges': list({ ranges: Array.from({ length: 101 }, () => [0, 1]) }),
    'a negative limit': list({ timeline_limit: -1 }),
    'filters that are none': list({ filters: 'all' }),
    'a filter of a wrong type': list({ filters: { is_dm: 'yes' } }),
    'tags that are none': list({ filters: { tags: [1] } }),
    'required state that is none': list({ required_state: [['m.room.name']] }),
    'a subscription to no room': { room_subscriptions: { alias: {} } },
    'too many subscriptions': { room_subscriptions: numbered(1001, (at) => `!${at}`, {}) },
    'a connection without end': { conn_id: 'x'.repeat(256) },
    'a connection by number': { conn_id: 1 },
    'extensions that are none': { extensions: [] },
    'an extension that is half on': { extensions: { typing: { enabled: 'maybe' } } },
    'a token that is none': { extensions: { to_device: { enabled: true, since: 'now' } } },
    'a time that is none': { timeout: 'soon' },
  }
  for (const [name, body] of Object.entries(refused)) {
    it(`is refused with ${name}`, () => {
      expect(() => read(body))
        .to.throw(/.+/)
        .with.property('status', 400)
    })
  }

  it('is refused with a presence that there is not', () => {
    expect(() => read({}, { set_presence: 'asleep' })).to.throw('set_presence')
  })
})
