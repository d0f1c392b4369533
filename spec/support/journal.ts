import { expect } from 'chai'
import type { Hopper } from './cluster.ts'

/** An event as a reader was told of it. */
export type SeenEvent = {
  readonly event_id: string
  readonly sender: string
  readonly type: string
  readonly state_key?: string
  readonly content: { readonly body?: string; readonly [key: string]: unknown }
}

/** What each reader saw: by room, in order. */
export type Timelines = ReadonlyMap<string, readonly SeenEvent[]>

/** What clients wanted and what they were answered, as they themselves wrote it down. */
export type Journal = {
  /** Notes that a message is about to be sent; gives the text that names it: no other message has it. */
  intend(roomId: string, sender: string): string
  /** Notes what the server answered for it. */
  acknowledge(text: string, eventId: string): void
  /** Notes an acknowledged event that is no message. */
  acknowledgeEvent(roomId: string, eventId: string): void
  /** Takes an intention back: the server said no. */
  refuse(text: string): void
  /** The ids of acknowledged events of a room. */
  acknowledged(roomId: string): ReadonlySet<string>
  readonly rooms: () => string[]
  /** The order and number of every message in a timeline: nothing lost, nothing doubled, nothing unheard of, each sender's in order. */
  check(roomId: string, timeline: readonly SeenEvent[], reader: string): void
}

type Intended = { readonly roomId: string; readonly sender: string; readonly turn: number; eventId: string | undefined; refused: boolean }

/** A journal that is empty. */
export function createJournal(): Journal {
  const intended = new Map<string, Intended>()
  const events = new Map<string, Set<string>>()
  let turns = 0

  const ofRoom = (roomId: string) => {
    const known = events.get(roomId) ?? new Set()
    events.set(roomId, known)
    return known
  }
  const known = (text: string) => {
    const found = intended.get(text)
    if (!found) throw new Error(`nobody intended ${text}`)
    return found
  }
  return {
    intend(roomId, sender) {
      const text = `${sender} ${++turns}`
      intended.set(text, { roomId, sender, turn: turns, eventId: undefined, refused: false })
      return text
    },
    acknowledge(text, eventId) {
      const one = known(text)
      if (one.eventId !== undefined && one.eventId !== eventId) throw new Error(`${text} is ${one.eventId} and ${eventId}`)
      one.eventId = eventId
      ofRoom(one.roomId).add(eventId)
    },
    acknowledgeEvent: (roomId, eventId) => void ofRoom(roomId).add(eventId),
    refuse(text) {
      known(text).refused = true
    },
    acknowledged: ofRoom,
    rooms: () => [...new Set([...events.keys(), ...[...intended.values()].map(({ roomId }) => roomId)])],
    check(roomId, timeline, reader) {
      const ids = timeline.map((event) => event.event_id)
      expect(repeated(ids), `${reader} was told twice of`).to.deep.equal([])
      const there = new Set(ids)
      expect(
        [...ofRoom(roomId)].filter((eventId) => !there.has(eventId)),
        `${reader} was never told of`,
      ).to.deep.equal([])
      const texts = timeline.flatMap(({ type, content }) => (type === 'm.room.message' && content.body ? [content.body] : []))
      expect(repeated(texts), `${reader} has two events of`).to.deep.equal([])
      checkOrder(
        timeline.filter(({ content }) => content.body !== undefined && intended.has(content.body)),
        (event) => known(event.content.body ?? ''),
        roomId,
        reader,
      )
    },
  }
}

/** Each message is in its room, from its sender, not refused, with the id that was answered, after those its sender wrote before. */
function checkOrder(messages: readonly SeenEvent[], intentionOf: (event: SeenEvent) => Intended, roomId: string, reader: string): void {
  const last = new Map<string, number>()
  for (const event of messages) {
    const { sender, turn, eventId, refused, roomId: meant } = intentionOf(event)
    if (meant !== roomId || event.sender !== sender) expect.fail(`${reader}: ${event.event_id} is in the wrong room or from somebody else`)
    if (refused) expect.fail(`${reader}: ${event.event_id} was refused`)
    if (eventId !== undefined && eventId !== event.event_id) expect.fail(`${reader}: ${eventId} was answered for ${event.event_id}`)
    if (turn < (last.get(sender) ?? 0)) expect.fail(`${reader}: ${event.event_id} of ${sender} comes after a later one`)
    last.set(sender, turn)
  }
}

function repeated(all: readonly string[]): string[] {
  const once = new Set<string>()
  return all.filter((one) => once.size === once.add(one).size)
}

/** A room from its first event to its last, by `/messages`. */
export async function wholeTimeline(hopper: Hopper, roomId: string): Promise<SeenEvent[]> {
  const events: SeenEvent[] = []
  let from = ''
  for (let page = 0; ; page++) {
    const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=f&limit=500${from && `&from=${encodeURIComponent(from)}`}`
    const { status, body } = await hopper.insist(page, 'GET', path)
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`)
    events.push(...body.chunk)
    if (body.end === undefined) return events
    from = body.end
  }
}

/**
 * Compares a journal with the rooms as they are kept, and those with what every reader saw: each event once, in the order in which the room has
 * them.
 */
export async function compare(
  journal: Journal,
  hopper: Hopper,
  readers: Readonly<Record<string, Timelines>>,
): Promise<Map<string, SeenEvent[]>> {
  const kept = new Map<string, SeenEvent[]>()
  for (const roomId of journal.rooms()) {
    const room = await wholeTimeline(hopper, roomId)
    kept.set(roomId, room)
    journal.check(roomId, room, 'the room')
    const order = room.map((event) => event.event_id)
    for (const [name, timelines] of Object.entries(readers)) {
      const seen = (timelines.get(roomId) ?? []).map((event) => event.event_id)
      const different = order.findIndex((eventId, place) => seen[place] !== eventId)
      if (different >= 0 || seen.length !== order.length) {
        const at = different < 0 ? order.length : different
        const words = `${name} saw ${seen.length} of ${order.length} events of ${roomId}`
        expect(seen.slice(at, at + 8), `${words}; from place ${at} on`).to.deep.equal(order.slice(at, at + 8))
      }
      journal.check(roomId, timelines.get(roomId) ?? [], name)
    }
  }
  return kept
}
