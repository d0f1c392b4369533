import { setTimeout as sleep } from 'node:timers/promises'
import {
  DecryptionSettings,
  DeviceId,
  DeviceLists,
  OlmMachine,
  RequestType,
  RoomId,
  TrustRequirement,
  UserId,
} from '@matrix-org/matrix-sdk-crypto-wasm'
import { openConnection } from './client.ts'
import { call, type Person } from './people.ts'

type Event = { readonly event_id: string; readonly type: string; readonly sender: string; readonly content: unknown }
type Heard = { readonly event: Event; readonly at: number }
/** A person who accepts every invitation, hears what comes into their rooms, and holds the keys to read it afterwards. */
export type Reader = {
  /** The encrypted events of each room in their order, each with when it was heard. */
  rooms(): { room: string; events: readonly Heard[] }[]
  /** Throws when it stands still for so long. */
  untilHeard(count: number, patienceMs: number): Promise<void>
  /** The text of a message. */
  decrypt(room: string, event: Event): Promise<string>
  close(): Promise<void>
}

const filter = JSON.stringify({
  presence: { types: [] },
  account_data: { types: [] },
  room: {
    timeline: { types: ['m.room.encrypted'], limit: 1000 },
    state: { types: [] },
    ephemeral: { types: [] },
    account_data: { types: [] },
  },
})

/** Starts one, with the crypto that Element uses, on the device of the person's session. */
export async function openReader(url: string, person: Person): Promise<Reader> {
  const [syncing, asking] = [openConnection(url), openConnection(url)]
  const { device_id: device } = await call(asking, 'GET', '/account/whoami', { token: person.token })
  const machine = await OlmMachine.initialize(new UserId(person.userId), new DeviceId(device))
  const heard = new Map<string, Heard[]>()
  let total = 0
  let isClosed = false
  const ask = (method: string, path: string, body: object) => call(asking, method, path, { token: person.token, body })

  const pump = () => sendRequests(machine, (path, body) => ask('POST', path, body))
  const take = async (answer: Answer) => {
    const at = performance.now()
    for (const [room, { timeline }] of Object.entries(answer.rooms?.join ?? {})) {
      if (timeline.limited && heard.has(room)) throw new Error('the reader cannot keep up')
      const events = timeline.events.filter(({ type }) => type === 'm.room.encrypted').map((event) => ({ event, at }))
      heard.set(room, [...(heard.get(room) ?? []), ...events])
      total += events.length
    }
    for (const room of Object.keys(answer.rooms?.invite ?? {})) await ask('POST', `/rooms/${encodeURIComponent(room)}/join`, {})
    const counts = new Map(Object.entries(answer.device_one_time_keys_count ?? {}))
    const toDevice = answer.to_device?.events ?? []
    if (toDevice.length > 0)
      await machine.receiveSyncChanges(JSON.stringify(toDevice), new DeviceLists(), counts, new Set(['signed_curve25519']))
    await pump()
  }
  const listen = async () => {
    for (let since = ''; !isClosed; ) {
      const path = `/sync?timeout=10000&filter=${encodeURIComponent(filter)}${since === '' ? '' : `&since=${encodeURIComponent(since)}`}`
      const answer = (await call(syncing, 'GET', path, { token: person.token })) as Answer
      await take(answer)
      since = answer.next_batch
    }
  }
  await pump()
  let broken: unknown
  const listening = listen().catch((error: unknown) => {
    broken = isClosed ? undefined : error
  })
  return {
    rooms: () => [...heard].map(([room, events]) => ({ room, events })),
    async untilHeard(count, patienceMs) {
      for (let [before, since] = [total, performance.now()]; total < count; await sleep(5)) {
        if (broken !== undefined) throw broken
        if (total > before) [before, since] = [total, performance.now()]
        if (performance.now() - since > patienceMs) throw new Error(`only ${total} of ${count} messages have come`)
      }
    },
    decrypt: (room, event) => decrypt(machine, room, event),
    async close() {
      isClosed = true
      syncing.close()
      await listening
      asking.close()
      machine.close()
    },
  }
}

async function sendRequests(machine: OlmMachine, post: (path: string, body: object) => Promise<object>): Promise<void> {
  for (const request of await machine.outgoingRequests()) {
    const { id, type, body } = request as unknown as { id: string; type: RequestType; body: string }
    const path = pathOf[type]
    if (path) await machine.markRequestAsSent(id, type, JSON.stringify(await post(path, JSON.parse(body))))
  }
}

async function decrypt(machine: OlmMachine, room: string, event: Event): Promise<string> {
  const settings = new DecryptionSettings(TrustRequirement.Untrusted)
  const { event: clear } = await machine.decryptRoomEvent(JSON.stringify(event), new RoomId(room), settings)
  return JSON.parse(clear).content.body
}

const pathOf: Partial<Record<RequestType, string>> = {
  [RequestType.KeysUpload]: '/keys/upload',
  [RequestType.KeysQuery]: '/keys/query',
  [RequestType.KeysClaim]: '/keys/claim',
}

type Answer = {
  readonly next_batch: string
  readonly rooms?: {
    readonly join?: Record<string, { timeline: { limited?: boolean; events: Event[] } }>
    readonly invite?: Record<string, unknown>
  }
  readonly to_device?: { readonly events: unknown[] }
  readonly device_one_time_keys_count?: Record<string, number>
}
