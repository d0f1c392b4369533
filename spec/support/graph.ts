import { randomBytes } from 'node:crypto'
import type { RoomId, UserId } from '../../server/core/ids.ts'
import { generateSigningKey } from '../../server/core/signatures.ts'
import { createGraph } from '../../server/graph/create-graph.ts'
import type { Graph, Template } from '../../server/graph/graph.ts'
import type { Home } from '../../server/home.ts'
import type { Database } from '../../server/storage/database.ts'
import type { Notifier } from '../../server/storage/notifier.ts'

/** A graph over an open database: what it needs of a home and nothing more. */
export function graphOver(open: { database: Database; notifier: Notifier }, seed = 7): Graph {
  const home: Pick<Home, 'database' | 'notifier' | 'serverName' | 'signingKey' | 'clock' | 'random'> = {
    ...open,
    serverName: 'here.test',
    signingKey: generateSigningKey(Buffer.alloc(32, seed)),
    clock: { now: () => Date.now(), sleep: () => Promise.resolve() },
    random: randomBytes,
  }
  return createGraph(home as Home)
}

/** A user of the specs' server. */
export function user(name: string): UserId {
  return `@${name}:here.test`
}

/** A membership event. */
export function member(sender: UserId, target: UserId, membership: string): Template {
  return { type: 'm.room.member', stateKey: target, sender, content: { membership } }
}

/** A text message. */
export function message(sender: UserId, body: string): Template {
  return { type: 'm.room.message', sender, content: { msgtype: 'm.text', body } }
}

/** A public room of its creator, `more` after the usual beginning. */
export async function publicRoom(graph: Graph, creator: UserId, more: readonly Template[] = [], version = '12'): Promise<RoomId> {
  const state = (type: string, content: Template['content']): Template => ({ type, stateKey: '', sender: creator, content })
  const isNew = version === '12'
  const { roomId } = await graph.create(version, [
    state('m.room.create', { room_version: version, ...(Number(version) < 11 ? { creator } : {}) }),
    member(creator, creator, 'join'),
    state('m.room.power_levels', { users: isNew ? {} : { [creator]: 100 } }),
    state('m.room.join_rules', { join_rule: 'public' }),
    state('m.room.history_visibility', { history_visibility: 'shared' }),
    ...more,
  ])
  return roomId
}
