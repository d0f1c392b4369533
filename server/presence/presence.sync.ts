import type { RoomId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Graph } from '../graph/graph.ts'
import type { Home } from '../home.ts'
import type { Between, Section } from '../slice.ts'
import { type PresenceRow, selectChanged, selectPresent, selectPresentAmong } from './presence.store.ts'
import type { Presences } from './presence.ts'
import { presenceContent } from './presence-content.ts'

/** Who is told of at once; more are left to later changes. */
const mostChanged = 500
const mostPresent = 1000
/** A device is there a little longer than it waits for an answer. */
const betweenPolls = 30_000

/**
 * The presence of those who share a room with the audience. Asked on every answer: a device that asks is there, and what woke nobody (in large
 * rooms) is told with the next answer.
 */
export function presenceSection(home: Pick<Home, 'database' | 'clock' | 'notifier'>, graph: Graph, presences: Presences): Section {
  let lastChange = home.notifier.position()
  let lastMove = lastChange
  home.notifier.onAdvance((_, rows) => {
    for (const { kind, position } of rows) {
      if (kind === 'presence') lastChange = position
      else if (kind === 'membership') lastMove = position
    }
  })
  const told = async (between: Between, mayHaveChanged: boolean, whole: ReadonlySet<RoomId>, touched: ReadonlySet<RoomId>) => {
    const { audience, after, upTo, rooms } = between
    const changed = mayHaveChanged ? await home.database.select(selectChanged, after, upTo, mostChanged) : []
    const present = whole.size > 0 ? await home.database.select(selectPresent, mostPresent) : []
    // Nobody is woken by their own presence: whoever asks is online by that.
    const self = audience.kind === 'device' ? audience.userId : undefined
    const others = changed.filter(({ user_id }) => user_id !== self)
    const came = touched.size > 0 ? await newcomers(graph, between, touched) : []
    const newcomersThere = came.length > 0 ? await home.database.select(selectPresentAmong, came) : []
    const rows = [...newcomersThere, ...(await sharing(graph, rooms, others)), ...(await sharing(graph, whole, present))]
    if (rows.length === 0) return undefined
    const byUser = new Map(rows.map((row) => [row.user_id, row]))
    return { presence: [...byUser.values()].map((row) => eventOf(row, presences, home.clock.now())) }
  }
  return {
    name: 'presence',
    kinds: ['presence', 'event'],
    always: 'look',
    between: (between) => {
      const { audience, after, newRooms } = between
      if (audience.kind === 'device' && audience.polls !== undefined) {
        const { as, milliseconds } = audience.polls
        presences.touch(audience.userId, audience.deviceId ?? '', as, milliseconds + betweenPolls)
      }
      const whole = after === 0 ? between.rooms : newRooms
      const mayHaveChanged = after > 0 && lastChange > after
      const touched = after > 0 && lastMove > after ? touchedRooms(between) : none
      return mayHaveChanged || whole.size + touched.size > 0 ? told(between, mayHaveChanged, whole, touched) : undefined
    },
  }
}

const none: ReadonlySet<RoomId> = new Set()

/** The rooms, but the new ones, in which somebody may have joined. */
function touchedRooms({ rows, rooms, newRooms }: Between): ReadonlySet<RoomId> {
  const among = rows === undefined ? rooms : rows.flatMap(({ kind, key }) => (kind === 'event' ? [key as RoomId] : []))
  return new Set([...among].filter((roomId) => rooms.has(roomId) && !newRooms.has(roomId)))
}

/** Those who joined these rooms; not those who only changed a name or a picture there. */
async function newcomers(graph: Graph, { after, upTo, audience }: Between, among: ReadonlySet<RoomId>): Promise<UserId[]> {
  const found = await graph.newcomers(after, upTo, among, mostChanged)
  return audience.kind === 'device' ? found.filter((userId) => userId !== audience.userId) : found
}

/** Of these users, those in one of the rooms. */
async function sharing(graph: Graph, rooms: ReadonlySet<RoomId>, rows: readonly PresenceRow[]): Promise<PresenceRow[]> {
  const found: PresenceRow[] = []
  for (const row of rows) if (await isIn(graph, row.user_id as UserId, rooms)) found.push(row)
  return found
}

async function isIn(graph: Graph, userId: UserId, rooms: ReadonlySet<RoomId>): Promise<boolean> {
  for (const [roomId, { membership }] of await graph.memberships(userId)) if (membership === 'join' && rooms.has(roomId)) return true
  return false
}

function eventOf({ user_id, presence, status_msg, last_active_at }: PresenceRow, presences: Presences, now: number): JsonObject {
  const lastActiveAt = Math.max(last_active_at, presences.held(user_id as UserId)?.lastActiveAt ?? 0)
  return {
    type: 'm.presence',
    sender: user_id,
    content: presenceContent({ presence, statusMsg: status_msg, lastActiveAt }, now),
  }
}
