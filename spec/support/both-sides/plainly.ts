import type { Body } from '../server.ts'
import type { Told } from './told.ts'

/** What says when, not what; and what every answer has anew. */
const passing = new Set(['age', 'transaction_id', 'origin_server_ts', 'ts', 'rank', 'bump_stamp', 'order'])
const tokens = new Set(['start', 'end', 'prev_batch', 'next_batch', 'pos'])

/** What a visitor saw, with names in the place of ids; each timeline with its state as what a client holds of the room after it. */
export async function plainly({ host, visitor, home, away, rooms, seen }: Told): Promise<Map<string, Body>> {
  const names: [string, string][] = rooms.map((room, at) => [room, `!room${at}`])
  names.push(
    [visitor.userId, '@visitor'],
    [host.userId, '@host'],
    [home.server.home.serverName, 'home'],
    [away.server.home.serverName, 'away'],
  )
  for (const [at, room] of rooms.entries()) names.push(...(await eventNames(host.get, room, at)))
  const text = (told: string) => names.reduce((words, [id, name]) => words.split(id).join(name), told)

  function plain(value: Body, lazy: boolean): Body {
    if (Array.isArray(value)) return value.map((one) => plain(one, lazy))
    if (typeof value !== 'object' || value === null) return typeof value === 'string' ? text(value) : value
    const found: Body = {}
    for (const [key, inner] of Object.entries(asHeld(value, visitor.userId, lazy))) {
      if (!passing.has(key)) found[text(key)] = tokens.has(key) ? 'token' : plain(inner, lazy)
    }
    return found
  }
  return new Map([...seen].map(([key, answer]) => [key, plain(answer, key.includes('lazy'))]))
}

async function eventNames(get: Told['host']['get'], room: string, at: number): Promise<[string, string][]> {
  const { body } = await get(`/rooms/${room}/messages?dir=f&limit=1000`)
  return body.chunk.map(({ event_id, type }: Body, nth: number) => [event_id, `$${type} ${nth} in ${at}`])
}

/** Timelines reach further back on the room's own server; what is compared is told since the visitor came, and what state that leaves a client with. */
function asHeld(answer: Body, visitor: string, lazy: boolean): Body {
  const key = ['state', 'state_after', 'required_state'].find((one) => answer[one] !== undefined)
  const timeline = answer.timeline?.events ?? answer.timeline
  if (key === undefined || !Array.isArray(timeline)) return answer
  const held: Record<string, string> = {}
  const state = answer[key].events ?? answer[key]
  for (const { type, state_key, event_id } of [...state, ...(key === 'state' ? timeline : [])]) {
    if (state_key === undefined || (lazy && type === 'm.room.member' && state_key !== visitor)) continue
    held[`${type} ${state_key}`] = event_id
  }
  const came = timeline.findLastIndex(
    ({ type, state_key, content, unsigned }: Body) =>
      type === 'm.room.member' && state_key === visitor && content.membership === 'join' && unsigned?.prev_content?.membership !== 'join',
  )
  const { [key]: _, timeline: __, limited, num_live, ...rest } = answer
  return { ...rest, held, timeline: timeline.slice(Math.max(came, 0)) }
}
