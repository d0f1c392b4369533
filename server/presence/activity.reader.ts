import type { RoomId } from '../core/ids.ts'
import type { Graph } from '../graph/graph.ts'
import type { Home } from '../home.ts'
import type { Reader } from '../slice.ts'
import type { Presences } from './presence.ts'

const round = 5000
const mostRooms = 500
const mostEvents = 50

/** "A pro-active event may be sending a message to a room": every few seconds it is looked up who has sent something. Sending costs nothing more. */
export function activityReader(
  { notifier, clock, log }: Pick<Home, 'notifier' | 'clock' | 'log'>,
  graph: Graph,
  presences: Presences,
): Reader {
  const stopping = new AbortController()
  const spans = new Map<RoomId, { first: number; last: number }>()
  let unfollow = () => {}
  let loop: Promise<void> = Promise.resolve()

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(round, stopping.signal)
      if (stopping.signal.aborted) return
      const rooms = [...spans]
      spans.clear()
      for (const [roomId, { first, last }] of rooms) await look(roomId, first, last)
    }
  }

  async function look(roomId: RoomId, first: number, last: number): Promise<void> {
    try {
      const { events } = await graph.arrived(roomId, first - 1, last, mostEvents)
      for (const sender of new Set(events.map(({ pdu }) => pdu.sender))) presences.act(sender)
    } catch (error) {
      log.warn('who was active is not known', { error: String(error) })
    }
  }

  return {
    name: 'activity',
    start: () => {
      unfollow = notifier.onAdvance((_, rows) => {
        for (const { kind, key, position } of rows) {
          if (kind !== 'event' || (spans.size >= mostRooms && !spans.has(key as RoomId))) continue
          spans.set(key as RoomId, { first: spans.get(key as RoomId)?.first ?? position, last: position })
        }
      })
      loop = run()
    },
    stop: async () => {
      unfollow()
      stopping.abort()
      await loop
    },
  }
}
