import type { Body } from '../support/server.ts'
import type { Event, Person, Told } from './person.ts'

type Content = Readonly<Record<string, unknown>>
type Wish = Content & { readonly version: string }

const at = (room: string) => `/rooms/${encodeURIComponent(room)}`
const stateAt = (room: string, type: string, key = '') => `${at(room)}/state/${type}/${encodeURIComponent(key)}`
let count = 0

/** Makes a room of a version; gives its id. */
export async function makeRoom(person: Person, { version, ...wish }: Wish): Promise<string> {
  return (await person.does('POST', '/createRoom', { room_version: version, preset: 'private_chat', ...wish })).room_id
}

/** What people do in one room, and what they see of it. */
export type InRoom = ReturnType<typeof inRoom>
export function inRoom(id: string) {
  return { id, ...doing(id), ...reading(id), ...waiting(id) }
}

function doing(room: string) {
  const entrance = (how: string, via: Person) => `/${how}/${encodeURIComponent(room)}?via=${via.home.serverName}`
  const puts = async (person: Person, path: string, content: Content): Promise<string> => (await person.does('PUT', path, content)).event_id
  const sets = (person: Person, type: string, content: Content, key = '') => puts(person, stateAt(room, type, key), content)
  const next = () => `t${++count}`
  return {
    sets,
    says: (person: Person, text: string) => puts(person, `${at(room)}/send/m.room.message/${next()}`, { msgtype: 'm.text', body: text }),
    redacts: (person: Person, event: string, reason: string) =>
      puts(person, `${at(room)}/redact/${encodeURIComponent(event)}/${next()}`, { reason }),
    /** Gives somebody a power level. */
    empowers: async (person: Person, other: Person, level: number) => {
      const now: Body = await person.does('GET', stateAt(room, 'm.room.power_levels'))
      return sets(person, 'm.room.power_levels', { ...now, users: { ...now.users, [other.userId]: level } })
    },
    acts: (person: Person, how: 'invite' | 'kick' | 'ban' | 'unban', on: Person) =>
      person.does('POST', `${at(room)}/${how}`, { user_id: on.userId, reason: how }),
    enters: (person: Person, via: Person) => person.does('POST', entrance('join', via)),
    /** Whether somebody is let in; otherwise the door is shut, which is no fault of a server. Dendrite answers its own users with 500 then. */
    isLetIn: async (person: Person, via: Person) => {
      const { status } = await person.asks('POST', entrance('join', via))
      if (![200, 403, ...(person.home.kind === 'dendrite' ? [500] : [])].includes(status))
        throw new Error(`the door answers with ${status}`)
      return status === 200
    },
    knocks: (person: Person, via: Person, reason: string) => person.does('POST', entrance('knock', via), { reason }),
    leaves: (person: Person) => person.does('POST', `${at(room)}/leave`),
  }
}

/** What the person's server says when it is asked. */
function reading(room: string) {
  return {
    /** The content of a state event. */
    reads: async (person: Person, type: string, key = '') => (await person.does('GET', stateAt(room, type, key))) as Content,
    event: (person: Person, event: string): Promise<Body> => person.does('GET', `${at(room)}/event/${encodeURIComponent(event)}`),
    memberOf: async (person: Person, user: string): Promise<string> => {
      const { status, body } = await person.asks('GET', stateAt(room, 'm.room.member', user))
      return status === 200 ? body.membership : 'none'
    },
    /** The ids of the current state by type and key. */
    stands: async (person: Person): Promise<Record<string, string>> => {
      const events: Event[] = await person.does('GET', `${at(room)}/state`)
      return Object.fromEntries(events.map(({ type, state_key, event_id }) => [`${type} ${state_key}`, event_id]).sort())
    },
    /** All texts that may be read scrolling back from now, oldest first. */
    history: async (person: Person): Promise<string[]> => {
      const texts: string[] = []
      let from = ''
      for (;;) {
        const { chunk, end } = await person.does('GET', `${at(room)}/messages?dir=b&limit=50${from && `&from=${from}`}`)
        for (const { content } of chunk as Event[]) if (typeof content.body === 'string') texts.unshift(content.body)
        if (end === undefined || end === from) return texts
        from = end
      }
    },
  }
}

/** What somebody is told by and by. */
function waiting(room: string) {
  const { memberOf } = reading(room)
  const told = (person: Person, words: string, look: (told: Told) => unknown) =>
    person.hears(words, ({ rooms }) => {
      const one = rooms.get(room)
      return one !== undefined && Boolean(look(one))
    })
  return {
    told,
    hearsText: (person: Person, text: string) =>
      told(person, `“${text}”`, ({ timeline }) => timeline.some(({ content }) => content.body === text)),
    is: (person: Person, membership: string) => told(person, `being in ${membership}`, (one) => one.membership === membership),
    /** Waits until the person's server knows another's membership. */
    sees: (person: Person, other: Person, membership: string) =>
      person.finds(`${other.userId} in ${membership}`, async () => (await memberOf(person, other.userId)) === membership),
    /** Waits until the person's server has a state event whose content is as wanted. */
    finds: (person: Person, words: string, type: string, fits: (content: Body) => boolean) =>
      person.finds(words, async () => {
        const { status, body } = await person.asks('GET', stateAt(room, type))
        return status === 200 && fits(body)
      }),
  }
}
