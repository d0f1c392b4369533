import { openConnection } from './client.ts'
import { closedLoop, percentile } from './loops.ts'
import { call, type Person } from './people.ts'
import type { StartedServer } from './started-server.ts'

/** Who says something where. */
export type Place = { readonly roomId: string; readonly sender: Person }
export type Sent = {
  readonly count: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Seconds of processor time for 1,000 messages. */
  readonly cost: number
}

/** 120 bytes, which is about what people write. */
const text = 'A message of about the length that people write to each other, neither a word nor a letter: one hundred and twenty bytes'
let transactions = 0

/** Sends one message; gives its event id. */
export function sendText(connection: ReturnType<typeof openConnection>, { roomId, sender }: Place, body = text): Promise<string> {
  const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/t${transactions++}`
  return call(connection, 'PUT', path, { token: sender.token, body: { msgtype: 'm.text', body } }).then(({ event_id: id }) => id)
}

/**
 * Sends for so many seconds, with one message in flight at each place. Throws when a message is refused or an event id is given twice.
 */
export async function measureSending(server: StartedServer, places: readonly Place[], seconds: number): Promise<Sent> {
  const connections = places.map(() => openConnection(server.url))
  const ids = new Set<string>()
  const times: number[] = []
  const one = async (worker: number) => {
    const began = performance.now()
    ids.add(await sendText(connections[worker]!, places[worker]!))
    times.push(performance.now() - began)
  }
  try {
    const used = server.processorTime()
    const took = await closedLoop(places.length, seconds, one)
    const cost = ((server.processorTime() - used) * 1000) / times.length
    if (ids.size !== times.length) throw new Error(`${times.length} messages were acknowledged with ${ids.size} ids`)
    return { count: times.length, perSecond: times.length / took, p50: percentile(times, 0.5), p99: percentile(times, 0.99), cost }
  } finally {
    for (const connection of connections) connection.close()
  }
}

/** Sends so many messages to a room as fast as they are taken. */
export async function fillHistory(server: StartedServer, places: readonly Place[], count: number): Promise<void> {
  const connections = places.map(() => openConnection(server.url))
  let left = count
  const go = async (worker: number) => {
    while (left-- > 0) await sendText(connections[worker]!, places[worker]!)
  }
  await Promise.all(places.map((_, worker) => go(worker)))
  for (const connection of connections) connection.close()
}
