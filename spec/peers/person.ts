import { setTimeout as sleep } from 'node:timers/promises'
import type { Body } from '../support/server.ts'

/** How long something may take to get from one server to the other's clients. */
const patience = 60_000

export type Event = {
  readonly event_id: string
  readonly type: string
  readonly sender: string
  readonly state_key?: string
  readonly content: Body
  readonly unsigned?: Body
}
/** What a client has been told of a room. */
export type Told = {
  membership: string
  readonly timeline: Event[]
  readonly state: Map<string, Event>
  /** What was shown with an invitation or a knock. */
  stripped: readonly Event[]
}
export type Seen = {
  readonly rooms: Map<string, Told>
  readonly toDevice: Body[]
  readonly changed: Set<string>
  readonly left: Set<string>
  readonly presence: Map<string, Body>
  /** What is there of a room for a while only: who types, who read what. The last of each kind. */
  readonly passing: Map<string, Body>
}
/** The server that somebody has an account on; clients reach it at its URL. */
export type Home = { readonly kind: 'tombolo' | 'synapse' | 'dendrite'; readonly serverName: string; readonly url: string }
type Answered = { readonly status: number; readonly body: Body }

/** Somebody with an account on a server, and a client that hears what it is told from one sync to the next. */
export type Person = {
  readonly userId: string
  readonly deviceId: string
  readonly home: Home
  /** One request below `/_matrix/client/v3`, or at a whole path. */
  asks(method: string, path: string, body?: unknown): Promise<Answered>
  /** The same, and it has to succeed; gives the answer's body. */
  does(method: string, path: string, body?: unknown): Promise<Body>
  /** Syncs until what has been told holds what is looked for; gives that. */
  hears<T>(words: string, look: (seen: Seen) => T | undefined | false): Promise<T>
  /** Reads anew until it is so. */
  finds<T>(words: string, look: () => Promise<T | undefined | false>): Promise<T>
  uploads(bytes: Buffer, type: string, name: string): Promise<string>
  downloads(path: string): Promise<{ readonly status: number; readonly bytes: Buffer; readonly headers: Headers }>
}

/** Makes an account on a server with open registration. */
export async function register(home: Home, username: string): Promise<Person> {
  const body = { username, password: 'a password of a peer', auth: { type: 'm.login.dummy' } }
  const { status, body: account } = await ask(home, 'POST', '/register', body)
  if (status !== 200) throw new Error(`no account: ${JSON.stringify(account)}`)
  const { user_id: userId, device_id: deviceId, access_token: token } = account
  const asks = (method: string, path: string, content?: unknown) => ask(home, method, path, content, token)
  const does = async (method: string, path: string, content?: unknown) => {
    const answer = await asks(method, path, content)
    if (answer.status !== 200) throw new Error(`${userId} ${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const finds = <T>(words: string, look: () => Promise<T | undefined | false>) => until(`${userId} finds ${words}`, look)
  return { userId, deviceId, home, asks, does, finds, hears: listener(userId, does), ...files(home, token) }
}

async function ask({ url }: Home, method: string, path: string, body?: unknown, token?: string): Promise<Answered> {
  const whole = path.startsWith('/_matrix/') ? path : `/_matrix/client/v3${path}`
  const headers = { 'Content-Type': 'application/json', ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) }
  const sent = body === undefined ? (method === 'GET' ? {} : { body: '{}' }) : { body: JSON.stringify(body) }
  const response = await fetch(url + whole, { method, headers, ...sent })
  return { status: response.status, body: await response.json() }
}

async function until<T>(words: string, look: () => Promise<T | undefined | false>, otherwise: () => unknown = () => ''): Promise<T> {
  const latest = performance.now() + patience
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > latest) throw new Error(`not so within ${patience / 1000} s: ${words} ${JSON.stringify(otherwise())}`)
    await sleep(25)
  }
}

function listener(userId: string, does: Person['does']): Person['hears'] {
  const seen: Seen = { rooms: new Map(), toDevice: [], changed: new Set(), left: new Set(), presence: new Map(), passing: new Map() }
  let since = ''
  let turn: Promise<unknown> = Promise.resolve()
  const sync = async () => {
    const filter = JSON.stringify({ room: { timeline: { limit: 100 }, include_leave: true } })
    const body = await does(
      'GET',
      `/sync?timeout=${since === '' ? 0 : 500}&filter=${encodeURIComponent(filter)}${since && `&since=${since}`}`,
    )
    since = body.next_batch
    note(seen, body)
  }
  const told = () => [...seen.rooms].slice(-2).map(([room, { membership, timeline }]) => [room, membership, timeline.slice(-4)])
  return (words, look) => {
    const heard = turn.then(async () => {
      const already = look(seen)
      if (already !== undefined && already !== false) return already
      const looked = async () => {
        await sync()
        return look(seen)
      }
      return until(`${userId} hears ${words}`, looked, told)
    })
    turn = heard.catch(() => undefined)
    return heard
  }
}

function note(seen: Seen, body: Body): void {
  seen.toDevice.push(...(body.to_device?.events ?? []))
  for (const user of body.device_lists?.changed ?? []) seen.changed.add(user)
  for (const user of body.device_lists?.left ?? []) seen.left.add(user)
  for (const event of body.presence?.events ?? []) seen.presence.set(event.sender, event.content)
  for (const [membership, rooms] of Object.entries<Body>(body.rooms ?? {})) {
    for (const [room, told] of Object.entries<Body>(rooms)) noteRoom(seen, room, membership, told)
  }
}

function noteRoom(seen: Seen, room: string, membership: string, told: Body): void {
  const known: Told = seen.rooms.get(room) ?? { membership, timeline: [], state: new Map(), stripped: [] }
  seen.rooms.set(room, known)
  known.membership = membership
  known.stripped = told.invite_state?.events ?? told.knock_state?.events ?? known.stripped
  const timeline: Event[] = told.timeline?.events ?? []
  known.timeline.push(...timeline)
  for (const event of [...(told.state?.events ?? []), ...timeline] as Event[]) {
    if (event.state_key !== undefined) known.state.set(`${event.type} ${event.state_key}`, event)
  }
  for (const event of told.ephemeral?.events ?? []) seen.passing.set(`${room} ${event.type}`, event.content)
}

function files({ url }: Home, token: string): Pick<Person, 'uploads' | 'downloads'> {
  const headers = { Authorization: `Bearer ${token}` }
  return {
    async uploads(bytes, type, name) {
      const target = `${url}/_matrix/media/v3/upload?filename=${encodeURIComponent(name)}`
      const response = await fetch(target, { method: 'POST', headers: { ...headers, 'Content-Type': type }, body: new Uint8Array(bytes) })
      const body = (await response.json()) as Body
      if (!response.ok) throw new Error(`no upload: ${JSON.stringify(body)}`)
      return body.content_uri
    },
    async downloads(path) {
      const response = await fetch(`${url}/_matrix/client/v1/media/${path}`, { headers })
      return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()), headers: response.headers }
    },
  }
}
