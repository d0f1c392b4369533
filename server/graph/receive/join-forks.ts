import { powerScope, requiredLevel, userPower } from '../../core/event-auth/power-levels.ts'
import { serverNameOf } from '../../core/ids.ts'
import { MatrixError } from '../../core/matrix-error.ts'
import { append } from '../append.ts'
import { committedHead, findOn } from '../draft.ts'
import type { Room } from '../room.ts'
import type { ReceiveTools } from './receive-tools.ts'

const mostExtremities = 10
const mostLooked = 1000
const type = 'org.matrix.dummy_event'

/**
 * Where a room has forked many times and nobody here says anything, what comes next would cost more and more: events of ours that say nothing join the
 * forks, as many at a time as an event may cite. Does nothing where no user of this server may send one. Other servers do it under the same type.
 */
export async function joinForks(tools: ReceiveTools, room: Room): Promise<void> {
  for (let left = Number.POSITIVE_INFINITY; room.extremities.length > mostExtremities && room.extremities.length < left; ) {
    left = room.extremities.length
    await joinSome(tools, room)
  }
}

async function joinSome(tools: ReceiveTools, room: Room): Promise<void> {
  const find = findOn(room, committedHead(room))
  const scope = powerScope((eventType, stateKey) => find(eventType, stateKey)?.pdu, room.rules)
  const needed = requiredLevel(scope, type, false)
  let looked = 0
  for (const sender of room.joined) {
    if (++looked > mostLooked) return
    if (serverNameOf(sender) !== tools.serverName || userPower(scope, sender) < needed) continue
    try {
      await append(tools, room.roomId, [{ type, sender, content: {} }])
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
    }
    return
  }
}
