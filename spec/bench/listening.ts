import { setTimeout as sleep } from 'node:timers/promises'
import type { Body } from '../support/server.ts'
import { type Connection, openConnection } from './client.ts'
import { percentile } from './loops.ts'
import { call, type Person } from './people.ts'
import { sendText } from './sending.ts'
import type { StartedServer } from './started-server.ts'

export type Heard = {
  readonly deliveries: number
  /** Milliseconds from the moment a message was due to its arrival at a listener. */
  readonly p50: number
  readonly p99: number
  /** Milliseconds of processor time for one delivery. */
  readonly cost: number
}

type Listener = { readonly connection: Connection; readonly done: Promise<void>; stop: () => void }

const filter = encodeURIComponent(JSON.stringify({ room: { state: { lazy_load_members: true } }, presence: { types: [] } }))
const patience = 60_000

/**
 * Everybody of a room holds a `/sync` open while one of them speaks at fixed times, however far the server is behind. Throws unless every listener hears
 * every message once and in order.
 */
export async function measureListening(
  server: StartedServer,
  { roomId, people }: { roomId: string; people: readonly Person[] },
  { messages, perSecond }: { messages: number; perSecond: number },
): Promise<Heard> {
  const due: number[] = []
  const times: number[] = []
  const listeners: Listener[] = []
  for (const person of people) listeners.push(await listen(server.url, person, roomId, (number, at) => times.push(at - due[number]!)))
  const speaker = openConnection(server.url)
  const failed = Promise.race(listeners.map(({ done }) => done))
  failed.catch(() => {})
  const place = { roomId, sender: people[0]! }
  const heard = async (count: number) => {
    for (const until = performance.now() + patience; times.length < count * people.length; await Promise.race([sleep(2), failed])) {
      if (performance.now() > until) throw new Error(`${times.length} of ${count * people.length} deliveries arrived`)
    }
  }
  try {
    due.push(performance.now())
    await sendText(speaker, place, '0')
    await heard(1)
    times.length = 0
    const used = server.processorTime()
    const began = performance.now()
    for (let number = 1; number <= messages; number++) {
      due.push(began + ((number - 1) * 1000) / perSecond)
      await sleep(Math.max(0, due[number]! - performance.now()))
      await sendText(speaker, place, String(number))
    }
    await heard(messages)
    const cost = ((server.processorTime() - used) * 1000) / times.length
    return { deliveries: times.length, p50: percentile(times, 0.5), p99: percentile(times, 0.99), cost }
  } finally {
    for (const { stop } of listeners) stop()
    speaker.close()
  }
}

/** Syncs once, then again and again; tells each message's number when it arrives. `done` rejects when one is missing, doubled or out of order. */
async function listen(url: string, { token }: Person, roomId: string, onHeard: (number: number, at: number) => void): Promise<Listener> {
  const connection = openConnection(url)
  let since: string = (await call(connection, 'GET', `/sync?filter=${filter}`, { token })).next_batch
  let expected = 0
  let stopped = false
  const go = async () => {
    while (!stopped) {
      const body: Body = await call(connection, 'GET', `/sync?filter=${filter}&timeout=30000&since=${since}`, { token })
      const at = performance.now()
      since = body.next_batch
      for (const event of body.rooms?.join?.[roomId]?.timeline.events ?? []) {
        if (event.type !== 'm.room.message') continue
        const number = Number(event.content.body)
        if (number !== expected++) throw new Error(`message ${number} arrived where ${expected - 1} was due`)
        onHeard(number, at)
      }
    }
  }
  const done = go().catch((error: Error) => {
    if (!stopped) throw error
  })
  done.catch(() => {})
  const stop = () => {
    stopped = true
    connection.close()
  }
  return { connection, done, stop }
}
