import { type Edu, isEdu } from '../core/edu.ts'
import { isRoomId, type RoomId, type ServerName } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { isAllowedByAcl } from '../core/servers/server-acl.ts'
import { createOnceMore } from '../graph/receive/once-more.ts'
import type { EduReceiver, Tools } from '../slice.ts'

/** Gives EDUs of a server to those who take them; resolves when all are done. Rejects when the disk cannot be written to: then they are to come again. */
export type DispatchEdus = (origin: ServerName, edus: readonly Json[]) => Promise<void>

const mostRooms = 100
const patienceMs = 60_000

/** Hands over EDUs in the order in which each server sent them. A receiver that throws stops neither the others nor those that come after. */
export function createEduDispatch({ home, graph }: Pick<Tools, 'home' | 'graph'>, receivers: () => readonly EduReceiver[]): DispatchEdus {
  const tails = new Map<ServerName, Promise<void>>()
  let byType: Map<string, EduReceiver[]> | undefined
  const onceMore = createOnceMore(home)

  async function dispatch(origin: ServerName, edus: readonly Json[]): Promise<void> {
    byType ??= Map.groupBy(receivers(), ({ type }) => type)
    for (const edu of edus) {
      const takers = isEdu(edu) ? byType.get(edu.edu_type) : undefined
      const content = takers === undefined ? undefined : await withoutDenied(graph, edu as Edu, origin)
      if (content === undefined) continue
      for (const { type, receive } of takers ?? []) {
        const isInTime = await withinPatience(onceMore({ origin, type }, () => receive(content, origin)))
        if (!isInTime) home.log.error('an EDU takes too long', { origin, type })
      }
    }
  }

  return (origin, edus) => {
    const before = tails.get(origin) ?? Promise.resolve()
    const mine = before.then(() => dispatch(origin, edus))
    const tail = mine.catch(() => {})
    tails.set(origin, tail)
    void tail.then(() => tails.get(origin) === tail && tails.delete(origin))
    return mine
  }
}

/** One that hangs goes on alone: it does not keep its server's other EDUs waiting. */
async function withinPatience(received: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs)
  })
  return Promise.race([received.then(() => true), late]).finally(() => clearTimeout(timer))
}

/**
 * What an EDU may say of rooms: those that deny its origin are left out, also where nothing is left.
 * "ACLs MUST be applied to all EDUs that are local to a specific room." https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls
 */
async function withoutDenied(
  graph: Pick<Tools['graph'], 'room'>,
  { edu_type: type, content }: Edu,
  origin: ServerName,
): Promise<JsonObject | undefined> {
  if (type === 'm.typing') return (await mayEnter(graph, content['room_id'], origin)) ? content : undefined
  if (type !== 'm.receipt') return content
  const kept: Record<string, Json> = {}
  for (const [roomId, receipts] of Object.entries(content).slice(0, mostRooms)) {
    if (isJsonObject(receipts) && (await mayEnter(graph, roomId, origin))) kept[roomId] = receipts
  }
  return Object.keys(kept).length === 0 ? undefined : kept
}

/** False for what is no room of this server. */
async function mayEnter(graph: Pick<Tools['graph'], 'room'>, roomId: unknown, origin: ServerName): Promise<boolean> {
  const room = isRoomId(roomId) ? await graph.room(roomId as RoomId) : undefined
  return room !== undefined && isAllowedByAcl(room.state('m.room.server_acl', '')?.pdu.content, origin)
}
