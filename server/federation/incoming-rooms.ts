import { eventIdOf } from '../core/hashes.ts'
import type { EventId, RoomId, ServerName } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Pdu } from '../core/pdu.ts'
import type { RoomRules } from '../core/room-versions.ts'
import { isAllowedByAcl } from '../core/servers/server-acl.ts'
import type { Received } from '../graph/graph.ts'
import { createOnceMore } from '../graph/receive/once-more.ts'
import { errorFields } from '../http/log.ts'
import type { Tools } from '../slice.ts'
import { createFairTurns } from './fair-turns.ts'

/** What became of PDUs, by their ids: why one was not taken in, or undefined for one that was. */
export type Results = Map<EventId, string | undefined>

/** Gives PDUs of one room to the graph, after those that came before. Rejects when the disk cannot be written to: then they are to come again. */
export type ReceivePdus = (origin: ServerName, roomId: RoomId, pdus: readonly JsonObject[]) => Promise<Results>

/** PDUs in lanes of their rooms, in which servers take turns. One that the graph cannot take stops neither the others nor those that come after. */
export function createRoomLanes({ home, graph }: Pick<Tools, 'home' | 'graph'>): ReceivePdus {
  const inTurn = createFairTurns()
  const onceMore = createOnceMore(home)

  async function receive(origin: ServerName, roomId: RoomId, pdus: readonly JsonObject[]): Promise<Results> {
    const results: Results = new Map()
    try {
      const room = await graph.room(roomId)
      if (room !== undefined && !isAllowedByAcl(room.state('m.room.server_acl', '')?.pdu.content, origin)) {
        return refuseAll(pdus, room.rules, 'your server is denied by the ACL of this room')
      }
      for (const [eventId, received] of await graph.receive(origin, roomId, pdus)) results.set(eventId, wordsOf(received))
      return results
    } catch (error) {
      home.log.error('events of another server could not be taken in', { origin, roomId, count: pdus.length, ...errorFields(error) })
    }
    // One of them may be to blame: the others are not to suffer from it.
    for (const pdu of pdus) for (const [eventId, words] of await receiveAlone(origin, roomId, pdu)) results.set(eventId, words)
    return results
  }

  async function receiveAlone(origin: ServerName, roomId: RoomId, pdu: JsonObject): Promise<Results> {
    const results: Results = new Map()
    const isTaken = await onceMore({ origin, roomId }, async () => {
      for (const [eventId, received] of await graph.receive(origin, roomId, [pdu])) results.set(eventId, wordsOf(received))
    })
    if (isTaken) return results
    const room = await graph.room(roomId).catch(() => undefined)
    return refuseAll([pdu], room?.rules, 'this server could not take it in')
  }

  const takeTurn: ReceivePdus = (origin, roomId, pdus) => inTurn(roomId, origin, () => receive(origin, roomId, pdus))

  return (origin, roomId, pdus) => {
    // Whoever waits for a policy server holds up what the same server says of the room, and nobody else.
    const asked = graph.askBeforehand(origin, roomId, pdus)
    return asked === undefined ? takeTurn(origin, roomId, pdus) : asked.then(() => takeTurn(origin, roomId, pdus))
  }
}

function wordsOf(received: Received): string | undefined {
  if (typeof received === 'string') return undefined
  // What could not be had yet may come with a later event: nothing is wrong with this one.
  return 'rejected' in received ? received.rejected : undefined
}

function refuseAll(pdus: readonly JsonObject[], rules: RoomRules | undefined, words: string): Results {
  const results: Results = new Map()
  for (const pdu of rules === undefined ? [] : pdus) {
    try {
      results.set(eventIdOf(pdu as unknown as Pdu, rules as RoomRules), words)
    } catch {}
  }
  return results
}
