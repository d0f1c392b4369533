import type { EventId, RoomId, ServerName } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { isAllowedByAcl } from '../../core/servers/server-acl.ts'
import type { Graph, Received, TimelineEvent } from '../graph.ts'
import { createLanes, type Lanes } from '../lanes.ts'
import { holdEvents } from '../partial/held-events.ts'
import { takeOfOwn } from '../partial/own-members.ts'
import { untilWhole } from '../partial/until-whole.ts'
import { createWholeRooms } from '../partial/whole-rooms.ts'
import { createAskBeforehand } from '../policy/ask-beforehand.ts'
import { stateKeyOf } from '../room.ts'
import { refresh } from '../rooms.ts'
import { parentOf } from '../unread/thread-of.ts'
import { bringClosest, fillBack } from './backfill.ts'
import { createBudget, createTime } from './budget.ts'
import { checkIncoming, type Incoming, mayBeChanged } from './check-incoming.ts'
import { enterRoom } from './enter.ts'
import { keepNames } from './event-names.ts'
import type { Source } from './fetch-missing.ts'
import { signHanded, takeHanded } from './handshake.ts'
import { joinForks } from './join-forks.ts'
import { receiveOne } from './receive.ts'
import type { ReceiveTools } from './receive-tools.ts'
import { targetOf } from './redactions.ts'
import { selectSpecial } from './stored.store.ts'
import { takeNext } from './take-next.ts'

/** What is done with other servers' events of a room that this server is in. */
export type Receive = Pick<Graph, 'takeHanded' | 'fillBack' | 'bringClosest' | 'enter' | 'wholeRooms'> & {
  /** One thing after the other in each room. */
  readonly inTurn: Lanes
  /** To be called in turn. */
  readonly receiveNow: Graph['receive']
}

/** Receives events of other servers, in each room one after the other. */
export function createReceive(tools: ReceiveTools): Receive {
  const inTurn = createLanes()
  const askBeforehand = createAskBeforehand(tools)
  const receiveNow: Receive['receiveNow'] = (origin, roomId, pdus) => receiveAll(tools, origin, roomId, pdus)
  const wholeRooms = createWholeRooms(tools, inTurn, receiveNow)
  return {
    inTurn,
    receiveNow,
    fillBack: (roomId, from, limit) => fillBack(tools, inTurn, roomId, from, limit),
    bringClosest: (moment) => bringClosest(tools, inTurn, moment),
    takeHanded: async (origin, roomId, handed) => {
      const event = await signHanded(tools, roomId, handed)
      await askBeforehand(origin, roomId, [event])
      return inTurn(roomId, () => takeHanded(tools, origin, roomId, event))
    },
    // What others send of the room meanwhile waits until it is here.
    enter: async (roomId, join) => {
      const { eventId, toAdd, isHeld } = await inTurn(roomId, async () => enterRoom(tools, await join()))
      if (toAdd !== undefined) wholeRooms.begin(roomId, toAdd)
      // Somebody else has just entered the room: that the other server has let this one in, too, is known with the rest.
      if (isHeld) await untilWhole(tools, roomId)
      return eventId
    },
    wholeRooms,
  }
}

async function receiveAll(
  tools: ReceiveTools,
  origin: ServerName,
  roomId: RoomId,
  pdus: readonly JsonObject[],
): Promise<ReadonlyMap<EventId, Received>> {
  const results = new Map<EventId, Received>()
  const room = await tools.rooms.load(roomId)
  if (room === undefined || !room.servers.has(tools.serverName)) return results
  if (!isAllowedByAcl(room.state.get(stateKeyOf('m.room.server_acl', ''))?.pdu.content, origin)) return results
  const source: Source = { origin, roomId, rules: room.rules }
  if (room.partial !== undefined) {
    const left = await takeOfOwn(tools, room, source, pdus)
    if (await holdEvents(tools, room, origin, left)) return results
    await refresh(tools.database.select, room, tools.memberships)
    return receiveAll(tools, origin, roomId, left)
  }
  const all: Incoming[] = []
  for (const checked of await Promise.all(pdus.map((value) => checkIncoming(tools.keyRing, room.rules, roomId, value)))) {
    const reason = typeof checked !== 'string' && mayBeChanged(origin, checked) ? 'it is not what its own server hashed' : checked
    if (typeof reason !== 'string') all.push(reason)
    else tools.log.info('an event of another server is dropped', { origin, room: roomId, reason })
  }
  const events = await keepNames(tools, room.rules, all)
  const ids = events.map(({ eventId }) => eventId)
  const special = new Set((await tools.database.select(selectSpecial, ids, roomId, ids, roomId, ids)).map((row) => row.event_id))
  // However many events there are, they hold the room up for no longer than one.
  const time = createTime()
  const receive = (event: Incoming) => receiveOne(tools, { ...source, budget: createBudget(time) }, event, 'news')
  const onTheWay: OnTheWay[] = []
  for (const event of events) {
    // What comes before its target is looked for with that.
    const { id: target } = targetOf(event, room.rules, none)
    if (target !== undefined) special.add(target)
    // What it is about is looked for on the disk.
    if (isAbout(event, onTheWay)) await arriveAll(onTheWay, results, receive)
    const taken = special.has(event.eventId) || results.has(event.eventId) ? undefined : await takeNext(tools, room, event)
    results.set(event.eventId, 'accepted')
    if (taken !== undefined) {
      onTheWay.push({ event, ...taken })
      continue
    }
    await arriveAll(onTheWay, results, receive)
    results.set(event.eventId, await receive(event))
  }
  await arriveAll(onTheWay, results, receive)
  await joinForks(tools, room)
  return results
}

const none: ReadonlyMap<EventId, TimelineEvent> = new Map()

type OnTheWay = { readonly event: Incoming; readonly committed: Promise<boolean> }

/** Whether an event redacts one of those, or relates to it. */
function isAbout({ pdu: { content, redacts } }: Incoming, onTheWay: readonly OnTheWay[]): boolean {
  if (onTheWay.length === 0) return false
  const named = new Set<unknown>([redacts, content['redacts'], parentOf(content)?.eventId])
  return onTheWay.some(({ event }) => named.has(event.eventId))
}

/** Waits for events to be durable; one that the room moved on before is received like any other. */
async function arriveAll(
  onTheWay: OnTheWay[],
  results: Map<EventId, Received>,
  receive: (event: Incoming) => Promise<Received>,
): Promise<void> {
  for (const { event, committed } of onTheWay.splice(0)) {
    if (!(await committed)) results.set(event.eventId, await receive(event))
  }
}
