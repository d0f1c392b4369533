import type { Body, TestUser } from '../server.ts'
import type { Told } from './told.ts'

const sliding = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
const client = '/_matrix/client/v1'

function sorted(events: Body): Body {
  const place = ({ type, state_key }: Body) => `${type} ${state_key}`
  return Array.isArray(events) ? [...events].sort((one, other) => (place(one) < place(other) ? -1 : 1)) : events
}

/** Whatever a client may ask of a room, and of some of its events. */
function questionsOf(room: string, events: readonly string[], { host, visitor }: Told): Record<string, string> {
  const at = `/rooms/${room}`
  const questions: Record<string, string> = {
    state: `${at}/state`,
    members: `${at}/members`,
    'who is joined': `${at}/joined_members`,
    'backwards ': `${at}/messages?dir=b&limit=200`,
    forwards: `${at}/messages?dir=f&limit=200`,
    threads: `${client}${at}/threads`,
    'own threads': `${client}${at}/threads?include=participated`,
    'the first event': `${client}${at}/timestamp_to_event?dir=f&ts=1`,
    'the last event': `${client}${at}/timestamp_to_event?dir=b&ts=4000000000000`,
    summary: `${client}/room_summary/${room}`,
    hierarchy: `${client}${at}/hierarchy`,
    "the host's profile": `/profile/${host.userId}`,
    "the visitor's profile": `/profile/${visitor.userId}`,
    'rooms joined': '/joined_rooms',
  }
  for (const membership of ['join', 'leave', 'ban']) questions[`members ${membership}`] = `${at}/members?membership=${membership}`
  const filters = {
    lazy: { lazy_load_members: true },
    messages: { types: ['m.room.message'] },
    threaded: { related_by_rel_types: ['m.thread'] },
  }
  for (const [name, filter] of Object.entries(filters)) {
    questions[`backwards ${name}`] = `${at}/messages?dir=b&limit=200&filter=${encodeURIComponent(JSON.stringify(filter))}`
  }
  for (const [nth, id] of events.entries()) {
    questions[`event ${nth}`] = `${at}/event/${id}`
    questions[`context of ${nth}`] = `${at}/context/${id}?limit=6`
    questions[`relations of ${nth}`] = `${client}${at}/relations/${id}?recurse=true`
  }
  return questions
}

/** Keeps what the visitor is answered now to all there is to ask of a room: each by itself, and by a first sync. */
export async function lookAt(told: Told, room: string, events: readonly string[], when: string): Promise<void> {
  const { visitor, seen } = told
  await told.settled(room)
  for (const [name, path] of Object.entries(questionsOf(room, events, told))) {
    const { status, body } = await visitor.get(path)
    const answer = Array.isArray(body) || body.state === undefined ? body : { ...body, state: sorted(body.state) }
    const chunk = name.includes('members') ? { ...answer, chunk: sorted(answer.chunk) } : sorted(answer)
    seen.set(`${when}: ${name}`, status === 200 ? chunk : { status, errcode: body.errcode })
  }
  for (const limit of [1, 100]) {
    for (const lazy of [false, true]) {
      for (const after of ['false', 'true']) {
        const state = { lazy_load_members: lazy }
        const filter = JSON.stringify({ room: { include_leave: true, state, timeline: { limit, unread_thread_notifications: true } } })
        const { body } = await visitor.get('/sync', { query: { filter, use_state_after: after } })
        const rooms = body.rooms ?? {}
        const found = ['join', 'leave', 'invite', 'knock'].map((kind) => rooms[kind]?.[room] && { kind, ...rooms[kind][room] })
        seen.set(`${when}: a first sync of ${limit}${lazy ? ', lazy' : ''}, state after ${after}`, found.find(Boolean) ?? 'nothing')
      }
    }
  }
}

/** A client of the visitor's that goes on and on, in three ways. */
export function follow(visitor: TestUser): (told: Told, room: string, when: string) => Promise<void> {
  const kinds = {
    plain: { query: {}, filter: {} },
    lazy: { query: {}, filter: { room: { state: { lazy_load_members: true }, timeline: { limit: 2 } } } },
    'with the state after': { query: { use_state_after: 'true' }, filter: { room: { timeline: { limit: 2 } } } },
  }
  const since = new Map<string, Record<string, string>>()
  const lists = { all: { ranges: [[0, 9]], timeline_limit: 2, required_state: [['*', '*']] } }
  const extensions = { receipts: { enabled: true }, typing: { enabled: true }, account_data: { enabled: true } }
  let pos: Record<string, string> = {}

  return async ({ settled, seen }, room, when) => {
    await settled(room)
    for (const [kind, { query, filter }] of Object.entries(kinds)) {
      const { body } = await visitor.get('/sync', { query: { ...query, ...since.get(kind), filter: JSON.stringify(filter) } })
      since.set(kind, { since: body.next_batch })
      // Of whom keys changed is told by the servers on their own time.
      const { device_lists, device_one_time_keys_count, device_unused_fallback_key_types, ...rest } = body
      seen.set(`${when}: the next sync, ${kind}`, rest)
    }
    const { body } = await visitor.post(sliding, { lists, extensions }, { query: pos })
    pos = { pos: body.pos }
    seen.set(`${when}: the next sliding sync`, body)
  }
}
