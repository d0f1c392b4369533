import type { RoomId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { parseLossless } from '../core/lossless-json.ts'
import type { Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import type { DispatchEdus } from './edu-dispatch.ts'
import {
  clearEdus,
  countAttempt,
  deleteOldReceived,
  deleteOneStaged,
  deletePoison,
  selectLeftEdus,
  selectOldReceived,
  selectPoison,
  selectStaged,
  selectStagedRooms,
} from './incoming.store.ts'
import type { ReceivePdus } from './incoming-rooms.ts'

type Needs = Pick<Tools, 'home'> & { readonly dispatchEdus: DispatchEdus; readonly receivePdus: ReceivePdus }

/** What was found at so many starts is what ended the server each time. */
const mostAttempts = 5
const page = 50
const keptMs = 3 * 24 * 3_600_000

/** At a start, what was staged counts an attempt more; in between, what a process has left behind that ended, or whose disk failed, is looked for. */
type When = { readonly arrival: number; readonly isStart: boolean }

/** Takes in what servers had sent before `arrival` and no process has taken in, and forgets what nobody repeats any more. */
export async function takeLeftOver(needs: Needs, { arrival, isStart }: When, stop: AbortSignal): Promise<void> {
  const { database, clock } = needs.home
  if (isStart) await countStart(needs, arrival)
  const old = clock.now() - keptMs
  if ((await database.selectOne(selectOldReceived, old)) !== undefined) await database.commit({ writes: [write(deleteOldReceived, old)] })
  for (const { origin, transaction_id: id, edus } of await database.select(selectLeftEdus, Math.floor(arrival / 1000))) {
    if (stop.aborted) return
    await needs.dispatchEdus(origin, parseLossless(edus) as Json[])
    await database.commit({ writes: [write(clearEdus, origin, id)] })
  }
  const rooms = await database.select(selectStagedRooms, arrival)
  await Promise.all(rooms.map(({ room_id: roomId }) => drain(needs, roomId as RoomId, arrival, stop)))
}

async function countStart({ home }: Needs, arrival: number): Promise<void> {
  const { database, log } = home
  for (const { origin, room_id: roomId } of await database.select(selectPoison, mostAttempts)) {
    log.error('an event of another server was given up: the server ended whenever it was taken in', { origin, roomId })
  }
  const rooms = await database.select(selectStagedRooms, arrival)
  if (rooms.length > 0) await database.commit({ writes: [write(deletePoison, mostAttempts), write(countAttempt, arrival)] })
}

async function drain({ home, receivePdus }: Needs, roomId: RoomId, arrival: number, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const rows = await home.database.select(selectStaged, roomId, arrival, page)
    const origin = rows[0]?.origin
    if (origin === undefined) return
    const first = rows.findIndex((row) => row.origin !== origin)
    const those = first < 0 ? rows : rows.slice(0, first)
    await receivePdus(
      origin,
      roomId,
      those.map(({ json }) => parseLossless(json) as JsonObject),
    )
    await home.database.commit({ writes: those.map((row) => write(deleteOneStaged, row.origin, row.transaction_id, row.ordinal)) })
  }
}
