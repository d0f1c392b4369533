import type { Answered, TestServer, TestUser } from '../server.ts'

const slidingSync = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
const sliding = {
  lists: {
    all: {
      ranges: [[0, 20]],
      timeline_limit: 20,
      required_state: [
        ['*', '*'],
        ['m.room.member', '$LAZY'],
      ],
    },
  },
  extensions: { receipts: { enabled: true }, typing: { enabled: true }, account_data: { enabled: true }, e2ee: { enabled: true } },
}
const lazy = { room: { include_leave: true, state: { lazy_load_members: true }, timeline: { limit: 50 } } }

export type Reader = { readonly user: TestUser; readonly since: string; readonly membership: 'join' | 'invite' | 'leave' }

/** Where somebody has read up to. */
export async function readerOf(user: TestUser, membership: Reader['membership']): Promise<Reader> {
  return { user, membership, since: (await user.get('/sync')).body.next_batch }
}

/** Everything that there is to read of a room, as people in it, invited to it and gone from it read it; in words what was not answered with 200. */
export async function readEverything(server: TestServer, roomId: string, readers: readonly Reader[]): Promise<string[]> {
  const faults: string[] = []
  for (const { user, since, membership } of readers) {
    const look = async (path: string, answered: Promise<Answered>) => {
      const { status, text } = await answered
      if (status !== 200) faults.push(`${user.userId} ${path}: ${status} ${text.slice(0, 300)}`)
    }
    for (const path of pathsOf(roomId, membership)) await look(path, user.get(path))
    await look('sync since', user.get('/sync', { query: { since } }))
    await look('sync lazily', user.get('/sync', { query: { filter: JSON.stringify(lazy) } }))
    await look('sync state_after', user.get('/sync', { query: { since, use_state_after: 'true', full_state: 'true' } }))
    await look('sliding sync', user.post(slidingSync, sliding))
    await look('search', user.post('/search', { search_categories: { room_events: { search_term: 'canary' } } }))
    await look('user directory', user.post('/user_directory/search', { search_term: 'a' }))
    await look('public rooms', user.post('/publicRooms', { filter: { generic_search_term: 'a' } }))
  }
  if (/a request failed|could not be|an EDU/.test(server.log()))
    faults.push(server.log().match(/.*(a request failed|could not be|an EDU).*/)?.[0] ?? '')
  return faults
}

function pathsOf(roomId: string, membership: Reader['membership']): string[] {
  const room = `/rooms/${encodeURIComponent(roomId)}`
  const always = ['/joined_rooms', '/notifications', '/publicRooms', '/pushrules/']
  if (membership === 'invite') return always
  const inside = [`${room}/messages?dir=b&limit=100`, `${room}/messages?dir=f&limit=100`, `${room}/state`, `${room}/members`]
  if (membership === 'leave') return [...always, ...inside]
  const whole = `/_matrix/client/v1${room}`
  return [
    ...always,
    ...inside,
    `${room}/joined_members`,
    `${whole}/hierarchy`,
    `${whole}/threads`,
    `${room}/aliases`,
    `/_matrix/client/v1/room_summary/${encodeURIComponent(roomId)}`,
  ]
}
