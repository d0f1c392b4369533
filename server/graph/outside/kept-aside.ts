import type { EventId, RoomId, ServerName, UserId } from '../../core/ids.ts'
import { authEventIdsOf, type Pdu } from '../../core/pdu.ts'
import { errorFields } from '../../http/log.ts'
import { write } from '../../storage/database.ts'
import type { Membership, OutsideNote } from '../graph.ts'
import { depthOf, loadStored } from '../receive/known-events.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { parsePdu } from '../stored-event.ts'
import { deleteKeptAside, selectOutside, selectOutsideOfRoom, selectRoomsKeptAside } from './outside.store.ts'
import { isResident, noteOutside, rowWrite } from './outside.ts'
import { parseStripped } from './stripped-state.ts'

/** Nobody is told of an older one: it has become nothing. */
const mostAgeMs = 7 * 24 * 3_600_000
const hour = 3_600_000

/**
 * Invitations to rooms that this server is in as far as it knows: what ended its stay there may still be on its way, and then nobody else tells of the
 * invitation. While the stay goes on the room itself does.
 */
export type KeptAside = {
  readonly keep: (note: OutsideNote) => Promise<boolean>
  /** Tells of what was kept before, where a stay has ended since, and forgets what is old: now and every hour. */
  readonly resume: () => void
  readonly stop: () => Promise<void>
}

/** However a stay ends, and in whichever process, those who were invited ahead of that are told. */
export function createKeptAside(tools: ReceiveTools): KeptAside {
  const { database, notifier, rooms, serverName, log } = tools
  const keeping = new Set<RoomId>()
  const looks = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  async function look(roomId: RoomId): Promise<void> {
    if (isStopped) return
    const isIn = await isResident(tools, roomId)
    await lookThrough(tools, roomId, isIn)
    if (!isIn) keeping.delete(roomId)
  }

  async function lookAtAll(): Promise<void> {
    // What is kept from now on is added; what was kept before is read.
    keeping.clear()
    const found = (await database.select(selectRoomsKeptAside)).map((row) => row.room_id as RoomId)
    for (const roomId of found) keeping.add(roomId)
    for (const roomId of found) await look(roomId)
  }

  function begin(task: Promise<void>): void {
    const look = task
      .catch((error: unknown) => log.error('invitations that were kept aside could not be told of', errorFields(error)))
      .finally(() => looks.delete(look))
    looks.add(look)
  }

  notifier.onAdvance((_, rows) => {
    if (keeping.size === 0) return
    const touched = new Set(rows.flatMap(({ kind, key }) => (kind === 'event' && keeping.has(key as RoomId) ? [key as RoomId] : [])))
    for (const roomId of touched) if (rooms.peek(roomId)?.servers.has(serverName) !== true) begin(look(roomId))
  })

  return {
    keep: async (note) => {
      await database.commit({ writes: [rowWrite(note)] })
      keeping.add(note.roomId)
      // What others wrote before that is in memory now, and what comes after it is heard of.
      if (!(await isResident(tools, note.roomId))) await look(note.roomId)
      return true
    },
    resume: () => {
      begin(lookAtAll())
      timer = setInterval(() => begin(lookAtAll()), hour).unref()
    },
    stop: async () => {
      isStopped = true
      clearInterval(timer)
      await Promise.all(looks)
    },
  }
}

/** Forgets what is old of what is kept aside of a room. Where nobody of this server is in it any more, who was invited ahead of that is told. */
async function lookThrough(tools: ReceiveTools, roomId: RoomId, isIn: boolean): Promise<void> {
  const { database, memberships, clock } = tools
  for (const { user_id, event_id, json } of await database.select(selectOutsideOfRoom, roomId)) {
    const [userId, eventId, pdu] = [user_id as UserId, event_id as EventId, parsePdu(json)]
    const held = (await memberships.of(userId)).get(roomId)
    if (held?.eventId === eventId) continue
    const isOld = Math.abs(clock.now() - Number(pdu.origin_server_ts)) > mostAgeMs
    if (isOld) await database.commit({ writes: [write(deleteKeptAside, userId, roomId, eventId)] })
    if (isOld || isIn || !(await isNews(tools, pdu, held))) continue
    const row = await database.selectOne(selectOutside, userId, roomId)
    if (row?.event_id !== eventId) continue
    await noteOutside(tools, {
      userId,
      roomId,
      version: row.room_version,
      event: { eventId, pdu },
      servers: JSON.parse(row.servers) as ServerName[],
      state: parseStripped(row.state),
      ...(held === undefined ? {} : { instead: held.eventId }),
    })
  }
}

/** Whether an invitation came after what the room says of the user. */
async function isNews({ database }: ReceiveTools, pdu: Pdu, held: Membership | undefined): Promise<boolean> {
  if (pdu.content['membership'] !== 'invite') return false
  if (held === undefined) return true
  if (held.membership !== 'leave') return false
  if (authEventIdsOf(pdu).includes(held.eventId)) return true
  // Dendrite does not cite the membership of somebody who has left.
  const stored = (await loadStored(database.select, [held.eventId])).get(held.eventId)
  return stored !== undefined && depthOf(pdu) > depthOf(stored.pdu)
}
