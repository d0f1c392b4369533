import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { JsonObject } from '../../server/core/json.ts'
import { selectEdus } from '../../server/federation/queue.store.ts'
import type { OutgoingRequest } from '../../server/remote/egress.ts'
import { type TravellingClock, travellingClock } from '../support/apart/travelling-clock.ts'
import { deviceKeysOf } from '../support/device-keys.ts'
import { type Neighbours, startNeighbours, syncUntil } from '../support/federation.ts'
import type { TestServer, TestUser } from '../support/server.ts'

const isFull = process.env['TOMBOLO_PEER_AWAY'] === 'full'
const size = isFull ? { rooms: 200, events: 5000, toDevice: 2000, devices: 500 } : { rooms: 20, events: 540, toDevice: 220, devices: 20 }
const steps = 20
const [minute, hour] = [60_000, 3_600_000]

const absences = [
  ['10 minutes', 10 * minute, 'probing'],
  ['4 hours', 4 * hour, 'being heard from'],
  ['7 days', 7 * 24 * hour, 'being heard from'],
] as const

type Sent = { readonly at: number; readonly pdus: number; readonly edus: number; readonly toDevice: number }

/** Two servers of which one is away and comes back, and all that the other has sent it. */
type Scene = {
  readonly clock: TravellingClock
  readonly neighbours: Neighbours
  readonly here: TestServer
  readonly there: TestServer
  readonly alice: TestUser
  readonly bob: TestUser
  readonly rooms: readonly string[]
  readonly sent: Sent[]
  isAway: boolean
}

async function openScene(): Promise<Scene> {
  const clock = travellingClock()
  const scene = { clock, sent: [] as Sent[], isAway: false } as unknown as Scene & { rooms: string[] }
  const passes = (request: OutgoingRequest) => {
    if (scene.isAway) return false
    note(scene, request)
    return true
  }
  const neighbours = (await startNeighbours(2, 'sqlite', passes, clock)) as Neighbours
  const [here, there] = neighbours.servers as [TestServer, TestServer]
  const [alice, bob] = [await here.register('alice'), await there.register('bob')]
  const rooms: string[] = []
  for (let number = 0; number < size.rooms; number++) {
    const { body } = await alice.post('/createRoom', { preset: 'public_chat', name: `room ${number}` })
    const joined = await bob.post(`/join/${body.room_id}?via=${here.config.server_name}`, {})
    if (joined.status !== 200) throw new Error(joined.text)
    rooms.push(body.room_id)
  }
  const whole = Object.assign(scene, { neighbours, here, there, alice, bob, rooms })
  await here.server.graph.append(rooms[0] as `!${string}`, [{ type: 'm.room.message', sender: alice.userId, content: { body: 'hello' } }])
  while (scene.sent.length === 0) await sleep(20)
  return whole
}

function note({ sent, clock, here }: Scene, { url, body }: OutgoingRequest): void {
  if (!url.includes('/federation/v1/send/')) return
  const { origin, pdus, edus } = JSON.parse(`${body}`)
  if (origin !== here.config.server_name) return
  const toDevice = edus.filter(({ edu_type }: { edu_type: string }) => edu_type === 'm.direct_to_device').length
  sent.push({ at: clock.now(), pdus: pdus.length, edus: edus.length, toDevice })
}

/** What happens while the other is away, all along; `name` tells one absence from another. */
async function live(scene: Scene, name: string, milliseconds: number): Promise<void> {
  const { clock, here, alice, bob, rooms } = scene
  let last = ''
  const share = (all: number, step: number) => [Math.floor((all * step) / steps), Math.floor((all * (step + 1)) / steps)] as const
  for (let step = 0; step < steps; step++) {
    const [firstEvent, endEvent] = share(size.events, step)
    for (let number = firstEvent; number < endEvent; number++) {
      const content = { msgtype: 'm.text', body: `${name} ${number}` }
      await here.server.graph.append(rooms[number % rooms.length] as `!${string}`, [
        { type: 'm.room.message', sender: alice.userId, content },
      ])
    }
    const [firstMessage, endMessage] = share(size.toDevice, step)
    for (let number = firstMessage; number < endMessage; number++) {
      await alice.put(`/sendToDevice/test.away/${name}${number}`, { messages: { [bob.userId]: { [bob.deviceId]: { name, number } } } })
    }
    const [firstDevice, endDevice] = share(size.devices, step)
    for (let number = firstDevice; number < endDevice; number++) last = await addDevice(scene, `${name} ${number}`)
    clock.travel(milliseconds / steps)
    await sleep(20)
  }
  await untilQueued(scene, last)
}

/** Until the last device stands in the queue for the other server, and so all that was before it. */
async function untilQueued({ here, there }: Scene, deviceId: string): Promise<void> {
  const isThere = ({ body }: { body: Uint8Array }) => Buffer.from(body).includes(`"${deviceId}"`)
  const { database } = here.server.home
  while (!(await database.select(selectEdus, there.config.server_name, 10_000)).some(isThere)) await sleep(20)
}

/** A device of alice's, with keys of its own; gives its id. */
async function addDevice({ here, alice }: Scene, name: string): Promise<string> {
  const of = { userId: alice.userId, deviceId: undefined, displayName: name, refreshable: false }
  const { accessToken, deviceId = '' } = await here.server.people.createSession(of)
  const { json } = deviceKeysOf({ userId: alice.userId, deviceId })
  await here.as(accessToken).post('/keys/upload', { device_keys: json })
  return deviceId
}

/** Comes back; gives how long it took by the clock until the first transaction came. */
async function comeBack(scene: Scene, by: (typeof absences)[number][2]): Promise<number> {
  const { clock, sent, bob, alice } = scene
  sent.length = 0
  scene.isAway = false
  const from = clock.now()
  while (sent.length === 0) {
    if (by === 'being heard from') await bob.get(`/profile/${alice.userId}`)
    else clock.travel(5_000)
    // Time goes by no faster than the server's disk.
    await alice.put(`/user/${alice.userId}/account_data/test.pace`, { now: clock.now() })
    await sleep(50)
    if (clock.now() - from > hour) throw new Error('nothing was sent for an hour')
  }
  return (sent[0]?.at ?? 0) - from
}

/** The messages to bob's device, as they come, until all are there. */
async function messagesTo({ bob }: Scene, since: string): Promise<JsonObject[]> {
  const found: JsonObject[] = []
  const look = (body: { to_device?: { events: { content: JsonObject }[] } }) => {
    found.push(...(body.to_device?.events ?? []).map(({ content }) => content))
    return found.length >= size.toDevice ? found : undefined
  }
  return syncUntil(bob, look, since)
}

/** The bodies of what was said in a room, as bob reads them, back to where he knew it. */
async function readBack({ bob }: Scene, roomId: string, name: string): Promise<string[]> {
  const bodies: string[] = []
  for (let from = ''; ; ) {
    const { body } = await bob.get(`/rooms/${roomId}/messages?dir=b&limit=100${from === '' ? '' : `&from=${from}`}`)
    for (const { content } of body.chunk) if (`${content.body}`.startsWith(`${name} `)) bodies.unshift(content.body)
    if (body.end === undefined || body.chunk.some(({ type }: JsonObject) => type === 'm.room.create')) return bodies
    from = body.end
  }
}

async function untilRoomsAreRead(scene: Scene, name: string): Promise<void> {
  for (const [place, roomId] of scene.rooms.entries()) {
    const expected = Array.from({ length: size.events }, (_, number) => number).filter((number) => number % size.rooms === place)
    const wanted = expected.map((number) => `${name} ${number}`)
    for (;;) {
      const found = await readBack(scene, roomId, name)
      if (found.length >= wanted.length) {
        expect(found).to.deep.equal(wanted)
        break
      }
      await sleep(100)
    }
  }
}

async function untilDevicesAreKnown({ alice, bob }: Scene): Promise<void> {
  const all = async (user: TestUser) =>
    Object.values((await user.post('/keys/query', { device_keys: { [alice.userId]: [] } })).body.device_keys[alice.userId] ?? {}).map(
      (keys) => JSON.stringify((keys as JsonObject)['keys']),
    )
  const wanted = (await all(alice)).sort()
  while ((await all(bob)).length < wanted.length) await sleep(100)
  expect((await all(bob)).sort()).to.deep.equal(wanted)
}

describe(`F-07: ${size.events} events in ${size.rooms} rooms, ${size.toDevice} messages and ${size.devices} devices while a peer is away`, () => {
  let scene: Scene
  before(async () => {
    scene = await openScene()
  })
  after(() => scene?.neighbours.close())

  for (const [name, milliseconds, by] of absences) {
    it(`for ${name}: it gets all of them within a minute by ${by}, messages in order and beside the events`, async () => {
      const { next_batch: since } = (await scene.bob.get('/sync')).body
      scene.isAway = true
      await live(scene, name, milliseconds)
      const begun = performance.now()
      const first = await comeBack(scene, by)
      expect(first, 'until the first transaction').to.be.below(minute)
      const messages = await messagesTo(scene, since)
      const delivered = performance.now() - begun
      expect(messages).to.deep.equal(Array.from({ length: size.toDevice }, (_, number) => ({ name, number })))
      await untilRoomsAreRead(scene, name)
      await untilDevicesAreKnown(scene)
      const withMessages = scene.sent.findLastIndex(({ toDevice }) => toDevice > 0)
      // The first transaction is the one that did not arrive; whatever there is of events, each of the others is full of what is no event.
      expect(scene.sent.slice(1, withMessages).filter(({ edus }) => edus < 100)).to.deep.equal([])
      console.log(
        `      first after ${Math.round(first)} ms, messages after ${Math.round(delivered)} ms, all read after ${Math.round(performance.now() - begun)} ms, in ${scene.sent.length} transactions`,
      )
    })
  }
})
