import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hopper } from './cluster.ts'
import type { SeenEvent, Timelines } from './journal.ts'
import type { Body } from './server.ts'

export type SyncReader = {
  readonly timelines: Timelines
  /** Messages to this device, as they came. */
  readonly toDevice: readonly Body[]
  /** How often a timeline had a gap that was filled by `/messages`. */
  gaps(): number
  /** Goes on until it has been told all that was acknowledged when this was asked for; then stops. */
  untilCaughtUp(): Promise<void>
}

type Reading = {
  /** Which process to ask for the n-th sync. */
  readonly member: (turn: number) => number
  readonly timeout?: number
  /** The most events that a sync tells of a room. */
  readonly limit?: number
  readonly pause?: number
}

const patience = 60_000

/** Syncs over and over and writes down what it is told; gaps are filled from `/messages`, as a client would. */
export function startReader(hopper: Hopper, { member, timeout = 1000, limit = 100, pause = 0 }: Reading): SyncReader {
  const timelines = new Map<string, SeenEvent[]>()
  const toDevice: Body[] = []
  const filter = encodeURIComponent(JSON.stringify({ room: { timeline: { limit } } }))
  let [since, turn, gaps] = ['', 0, 0]
  let ending = false
  let failure: unknown
  /** What is told last: nothing that was written before it comes after it, whichever process tells it. */
  const mark = `com.example.reader.${randomUUID()}`

  /** Gives whether there was news, and whether the mark was among it. */
  async function once(wait: number): Promise<{ news: boolean; marked: boolean }> {
    const from = since && `&since=${encodeURIComponent(since)}`
    const { status, body } = await hopper.insist(member(turn), 'GET', `/sync?timeout=${wait}&filter=${filter}${from}`)
    if (status !== 200) throw new Error(`sync: ${status} ${JSON.stringify(body)}`)
    let news = false
    for (const [roomId, { timeline }] of Object.entries<Body>(body.rooms?.join ?? {})) {
      const events: SeenEvent[] = timelines.get(roomId) ?? []
      timelines.set(roomId, events)
      if (timeline.limited) {
        if (events.length > 0) gaps++
        events.push(...(await fill(hopper, member(turn + 1), { roomId, end: timeline.prev_batch, last: events.at(-1)?.event_id })))
      }
      events.push(...timeline.events)
      news ||= timeline.events.length > 0
    }
    toDevice.push(...(body.to_device?.events ?? []))
    news ||= (body.to_device?.events ?? []).length > 0
    since = body.next_batch
    return { news, marked: body.account_data?.events?.some(({ type }: Body) => type === mark) ?? false }
  }

  async function read(): Promise<void> {
    for (; !ending; turn++) {
      await once(timeout)
      if (pause > 0) await sleep(pause)
    }
    await setMark(hopper, mark)
    const latest = performance.now() + patience
    for (; !(await once(1000)).marked; turn++) {
      if (performance.now() > latest) throw new Error(`${hopper.userId} was not told within ${patience / 1000} s what was written last`)
    }
    // More messages to a device than one answer holds are told by the same process at once.
    while ((await once(0)).news);
  }

  const reading = read().catch((error: unknown) => {
    failure = error
  })
  return {
    timelines,
    toDevice,
    gaps: () => gaps,
    async untilCaughtUp() {
      ending = true
      await reading
      if (failure) throw failure
    },
  }
}

async function setMark(hopper: Hopper, mark: string): Promise<void> {
  const put = await hopper.insist(0, 'PUT', `/user/${encodeURIComponent(hopper.userId)}/account_data/${mark}`, {})
  if (put.status !== 200) throw new Error(`account data: ${put.status} ${JSON.stringify(put.body)}`)
}

type Gap = { readonly roomId: string; readonly end: string; readonly last: string | undefined }

/** What lies between the last event known and a gap's end, oldest first. */
async function fill(hopper: Hopper, member: number, { roomId, end, last }: Gap): Promise<SeenEvent[]> {
  const newestFirst: SeenEvent[] = []
  for (let from: string | undefined = end; from !== undefined; ) {
    const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=50&from=${encodeURIComponent(from)}`
    const { status, body } = await hopper.insist(member, 'GET', path)
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`)
    const known: number = body.chunk.findIndex((event: SeenEvent) => event.event_id === last)
    newestFirst.push(...(known < 0 ? body.chunk : body.chunk.slice(0, known)))
    from = known < 0 ? body.end : undefined
  }
  return newestFirst.reverse()
}
