import type { RoomId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { errorFields } from '../../http/log.ts'
import { createFewAtATime } from '../../remote/few-at-a-time.ts'
import type { Lanes } from '../lanes.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { addMembers, type Effort, findMembers } from './complete-room.ts'
import { type ReceiveNow, receiveHeld } from './held-events.ts'
import { selectUnfinishedRooms } from './partial.store.ts'

/** Makes rooms whole that were entered before their memberships were here. */
export type WholeRooms = {
  /** Goes on in the background; `given` are memberships that came with the join. A room that is under way already is tried at once. */
  readonly begin: (roomId: RoomId, given: readonly JsonObject[]) => void
  /** Takes up what an earlier process left. */
  readonly resume: () => Promise<void>
  readonly stop: () => Promise<void>
}

const firstWaitMs = 500
const longestWaitMs = 600_000
const roomsAtOnce = 3
const mostWaiting = 100_000

/** Work on rooms that are not whole, each until it is, or until nobody of this server is in it; what fails is tried again later and later. */
export function createWholeRooms(tools: ReceiveTools, inTurn: Lanes, receiveNow: ReceiveNow): WholeRooms {
  const stopping = new AbortController()
  const stop = stopping.signal
  const few = createFewAtATime(roomsAtOnce, mostWaiting)
  const under = new Map<RoomId, Promise<void>>()
  const naps = new Map<RoomId, AbortController>()
  /** Begun anew while they were under way. */
  const again = new Set<RoomId>()

  async function work(roomId: RoomId, given: readonly JsonObject[]): Promise<void> {
    let left = given
    for (let tries = 0; !stop.aborted; tries++, left = []) {
      again.delete(roomId)
      const wait = Math.min(firstWaitMs * 2 ** Math.min(tries, 20), longestWaitMs)
      try {
        if ((await few(async () => finish({ tools, inTurn, receiveNow }, roomId, left, { tries, stop }))) && !again.has(roomId)) return
        tools.log.info('the members of a room cannot be had yet', { room: roomId, again: `in ${wait / 1000} s` })
      } catch (error) {
        tools.log.warn('a room could not be made whole', { room: roomId, ...errorFields(error) })
      }
      if (again.has(roomId)) {
        tries = -1
        continue
      }
      const nap = new AbortController()
      naps.set(roomId, nap)
      await tools.clock.sleep(wait, AbortSignal.any([stop, nap.signal]))
    }
  }

  function begin(roomId: RoomId, given: readonly JsonObject[]): void {
    if (under.has(roomId)) {
      again.add(roomId)
      naps.get(roomId)?.abort()
    }
    if (under.has(roomId) || stop.aborted) return
    const mine = work(roomId, given).finally(() => {
      under.delete(roomId)
      naps.delete(roomId)
      if (again.delete(roomId)) begin(roomId, [])
    })
    under.set(roomId, mine)
  }

  return {
    begin,
    resume: async () => {
      for (const { room_id } of await tools.database.select(selectUnfinishedRooms)) begin(room_id as RoomId, [])
    },
    stop: async () => {
      stopping.abort()
      await Promise.all(under.values())
    },
  }
}

type Needs = { readonly tools: ReceiveTools; readonly inTurn: Lanes; readonly receiveNow: ReceiveNow }

/** Tries to make a room whole; whether nothing is left to do. */
async function finish(
  { tools, inTurn, receiveNow }: Needs,
  roomId: RoomId,
  given: readonly JsonObject[],
  { tries, stop }: Effort,
): Promise<boolean> {
  const room = await tools.rooms.load(roomId)
  // Whoever comes back goes on with it.
  if (room === undefined || !room.servers.has(tools.serverName)) return true
  if (room.partial !== undefined) {
    const members = await findMembers(tools, room, room.partial, given, { tries, stop })
    if (members === undefined || stop.aborted) return false
    await addMembers(tools, inTurn, roomId, members, stop)
  }
  await receiveHeld(tools, inTurn, room, receiveNow, stop)
  return true
}
