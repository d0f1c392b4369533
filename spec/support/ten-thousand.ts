import { expect } from 'chai'
import { type Cluster, type Hopper, startCluster } from './cluster.ts'
import { compare, createJournal } from './journal.ts'
import { killRepeatedly } from './killing.ts'
import { hammer, makeRoom } from './load.ts'
import type { Engine } from './server.ts'
import { startReader } from './sync-reader.ts'

type Load = {
  readonly engine: Engine
  readonly clients: number
  readonly rooms: number
  /** Messages of each client, one after the other, to one room after the other. */
  readonly each: number
  readonly kills: number
  readonly pause: () => number
}

/**
 * Many clients write to many rooms; the process is killed meanwhile and started again, and they send again under the same transaction ids. Then all is
 * compared: what was acknowledged, what the rooms hold, and what two readers saw. Gives the milliseconds of each start; undefined where there is no
 * PostgreSQL.
 */
export async function playLoad(load: Load): Promise<number[] | undefined> {
  const cluster = await startCluster(load.engine)
  if (!cluster) return undefined
  try {
    return await play(cluster, load)
  } finally {
    await cluster.close()
  }
}

async function play(cluster: Cluster, { clients, rooms: roomCount, each, kills, pause }: Load): Promise<number[]> {
  const people = (await Promise.all(Array.from({ length: clients }, (_, place) => cluster.register(`client-${place}`)))) as [
    Hopper,
    ...Hopper[],
  ]
  const rooms = await Promise.all(Array.from({ length: roomCount }, () => makeRoom(people[0], people.slice(1))))
  const journal = createJournal()
  const readers = {
    'who waits': startReader(people[0], { member: () => 0 }),
    'who asks often, for little': startReader(people[1] ?? people[0], { member: () => 0, timeout: 0, limit: 5, pause: 30 }),
  }
  let loading = true
  const sent = hammer(journal, people, rooms, each).finally(() => {
    loading = false
  })
  const ready = await killRepeatedly(cluster.members[0]!, kills, pause)
  expect(loading || kills === 0, 'the load was over before the last kill').to.equal(true)
  await sent
  for (const reader of Object.values(readers)) await reader.untilCaughtUp()
  const timelines = Object.fromEntries(Object.entries(readers).map(([name, reader]) => [name, reader.timelines]))
  const kept = await compare(journal, people[0], timelines)
  const messages = [...kept.values()].flat().filter(({ type }) => type === 'm.room.message')
  expect(messages).to.have.length(clients * each)
  return ready
}
