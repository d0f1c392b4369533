import type { RoomId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { errorFields } from '../../http/log.ts'
import { write } from '../../storage/database.ts'
import type { Lanes } from '../lanes.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { setPartial } from '../room.ts'
import { addMembers, findMembers, wholeKind } from './complete-room.ts'
import { type ReceiveNow, receiveHeld } from './held-events.ts'
import { deletePartialRoom, selectUnfinishedRooms } from './partial.store.ts'

/** Makes rooms whole that were entered before their memberships were here. */
export type WholeRooms = {
  /** Goes on in the background; `given` are memberships that came with the join. Does nothing for a room that is under way already. */
  readonly begin: (roomId: RoomId, given: readonly JsonObject[]) => void
  /** Takes up what an earlier process left. */
  readonly resume: () => Promise<void>
  readonly stop: () => Promise<void>
}

const firstWaitMs = 500
const longestWaitMs = 600_000

/** Work on rooms that are not whole, each until it is; what fails is tried again later and later. */
export function createWholeRooms(tools: ReceiveTools, inTurn: Lanes, receiveNow: ReceiveNow): WholeRooms {
  const stopping = new AbortController()
  const under = new Map<RoomId, Promise<void>>()

  async function finish(roomId: RoomId, given: readonly JsonObject[]): Promise<boolean> {
    const room = await tools.rooms.load(roomId)
    if (room?.partial !== undefined) {
      if (!room.servers.has(tools.serverName)) return inTurn(roomId, () => giveUp(tools, roomId))
      const members = await findMembers(tools, room, room.partial, given)
      if (members === undefined) return false
      await addMembers(tools, inTurn, roomId, members)
    }
    await inTurn(roomId, async () => room && receiveHeld(tools, room, receiveNow))
    return true
  }

  async function work(roomId: RoomId, given: readonly JsonObject[]): Promise<void> {
    const { signal } = stopping
    for (let wait = firstWaitMs, first = given; !signal.aborted; wait = Math.min(wait * 2, longestWaitMs), first = []) {
      try {
        if (await finish(roomId, first)) return
        tools.log.info('the members of a room cannot be had yet', { room: roomId, again: `in ${wait / 1000} s` })
      } catch (error) {
        tools.log.warn('a room could not be made whole', { room: roomId, ...errorFields(error) })
      }
      await tools.clock.sleep(wait, signal)
    }
  }

  function begin(roomId: RoomId, given: readonly JsonObject[]): void {
    if (under.has(roomId) || stopping.signal.aborted) return
    const mine = work(roomId, given).finally(() => under.delete(roomId))
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

/** Nobody of this server is in the room any more. */
async function giveUp({ database, rooms }: ReceiveTools, roomId: RoomId): Promise<true> {
  await database.commit({ writes: [write(deletePartialRoom, roomId)], log: [{ kind: wholeKind, key: roomId }] })
  const room = rooms.peek(roomId)
  if (room !== undefined) setPartial(room, undefined)
  return true
}
