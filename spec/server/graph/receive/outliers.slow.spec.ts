import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { eventIdOf } from '../../../../server/core/hashes.ts'
import type { EventId, RoomId, UserId } from '../../../../server/core/ids.ts'
import type { Pdu } from '../../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../../server/core/room-versions.ts'
import { storeOutliers } from '../../../../server/graph/receive/auth-events.ts'
import type { Incoming } from '../../../../server/graph/receive/check-incoming.ts'
import { loadStored } from '../../../../server/graph/receive/known-events.ts'
import type { Database } from '../../../../server/storage/database.ts'
import { forEachEngine } from '../../../support/storage.ts'

const rules = roomRules('11') as RoomRules
const roomId: RoomId = '!r:x'
const long = 1200

const opening: Pdu = {
  type: 'm.room.create',
  room_id: roomId,
  sender: '@u1:x',
  state_key: '',
  content: { room_version: '11' },
  auth_events: [],
  prev_events: [],
  depth: 1,
  origin_server_ts: 1,
  hashes: { sha256: 'x' },
  signatures: {},
}
const createId = eventIdOf(opening, rules)
const create: Incoming = { eventId: createId, pdu: opening, signedBy: new Set(['x']) }

const idOf = (name: string | number): EventId => `$${createHash('sha256').update(`${name}`).digest('base64url')}`

function join(n: number, authEvents: readonly EventId[], over: Partial<Pdu> = {}): Incoming {
  const user: UserId = `@u${n}:x`
  const pdu: Pdu = {
    ...opening,
    type: 'm.room.member',
    sender: user,
    state_key: user,
    content: { membership: 'join' },
    auth_events: authEvents,
    prev_events: [createId],
    depth: n + 1,
    ...over,
  }
  return { eventId: idOf(n), signedBy: new Set(['x']), pdu }
}

const creator = join(1, [createId])

/** One profile change after the other, each citing the one before. */
const chain = Array.from({ length: long }, (_, at) =>
  at === 0 ? creator : { ...join(1, [createId, idOf(at)], { depth: at + 1 }), eventId: idOf(at + 1) },
)

forEachEngine('storing events that others are judged by', (open) => {
  /** A database that tells how often something was written to it. */
  async function counted(): Promise<{ database: Database; commits: () => number }> {
    const { database } = await open()
    let count = 0
    const commit: Database['commit'] = (part) => {
      count++
      return database.commit(part)
    }
    return { database: { ...database, select: database.select, commit }, commits: () => count }
  }

  it('takes a chain that is given newest first in a few writes', async () => {
    const { database, commits } = await counted()
    const known = await storeOutliers({ database }, rules, roomId, [create, ...chain].reverse())
    expect([...known.values()].filter(({ rejected }) => !rejected)).to.have.length(long + 1)
    expect(commits()).to.be.at.most(4)
    expect((await loadStored(database.select, [idOf(1), idOf(long)])).size).to.equal(2)
  })

  it('lets other work be done meanwhile, however fast the database is', async () => {
    const { database } = await open()
    const atOnce: Database = { ...database, select: async () => [], commit: async () => ({ ok: true, position: 0 }) }
    let [turns, isOver] = [0, false]
    const turn = () => {
      turns++
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    await storeOutliers({ database: atOnce }, rules, roomId, [create, ...chain].reverse())
    isOver = true
    expect(turns).to.be.at.least(long / 40)
  })

  it('leaves out what cites an event that nobody has, and what cites that', async () => {
    const { database } = await counted()
    const [orphan, above] = [join(2, [createId, idOf('nowhere')]), join(3, [createId, idOf(2)])]
    const known = await storeOutliers({ database }, rules, roomId, [above, orphan, creator, create])
    expect([...known.keys()].sort()).to.deep.equal([createId, idOf(1)].sort())
  })

  it('rejects what the events that it cites refuse, and what cites a rejected one', async () => {
    const { database } = await counted()
    const refused = join(2, [createId], { content: { membership: 'leave' } })
    const above = { ...join(2, [createId, idOf(2)]), eventId: idOf('above') }
    const known = await storeOutliers({ database }, rules, roomId, [above, refused, creator, create])
    expect([idOf(1), idOf(2), idOf('above')].map((id) => known.get(id)?.rejected)).to.deep.equal([false, true, true])
  })
})
