import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { createClient, type MatrixClient, type MatrixEvent, RoomEvent, RoomMemberEvent } from 'matrix-js-sdk'
import { SlidingSync } from 'matrix-js-sdk/lib/sliding-sync.js'
import { startServer, type TestServer, type TestUser } from '../support/server.ts'
import './matrix-person.ts'

const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => quiet }

const list = {
  ranges: [[0, 19]],
  timeline_limit: 20,
  required_state: [
    ['*', '*'],
    ['m.room.member', '$LAZY'],
    ['m.room.member', '$ME'],
  ],
  sort: ['by_recency'],
}

/** A client of matrix-js-sdk with its Rust crypto, that syncs by sliding sync. */
async function startClient(server: TestServer, { userId, token, deviceId }: TestUser): Promise<MatrixClient> {
  const client = createClient({ baseUrl: server.url, userId, accessToken: token, deviceId, logger: quiet as never })
  await client.initRustCrypto({ useIndexedDB: false })
  client.matrixRTC.start = () => undefined
  const slidingSync = new SlidingSync(
    server.url,
    new Map([['all', list]]),
    { timeline_limit: 20, required_state: list.required_state },
    client,
    10_000,
  )
  await client.startClient({ slidingSync })
  await until(() => client.getSyncState() === 'SYNCING')
  return client
}

async function until<T>(look: () => T): Promise<NonNullable<T>> {
  for (;;) {
    const found = look()
    if (found) return found
    await sleep(20)
  }
}

/** Messages as they are shown, decrypted. */
const shown = (client: MatrixClient, roomId: string): unknown[] =>
  (client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [])
    .filter((event) => event.getType() === 'm.room.message')
    .map((event) => event.getContent()['body'])

describe('A walk by sliding sync with matrix-js-sdk', () => {
  let server: TestServer
  let people: [TestUser, TestUser]
  const clients: MatrixClient[] = []

  before(async () => {
    server = await startServer()
    people = [await server.register('alice'), await server.register('bob')]
    for (const one of people) clients.push(await startClient(server, one))
  })
  after(async () => {
    for (const client of clients) client.stopClient()
    await server?.close()
  })

  it('leads into an encrypted room, through messages, reading and typing, and out again', async () => {
    const [alice, bob] = clients as [MatrixClient, MatrixClient]
    const { room_id: roomId } = await alice.createRoom({
      name: 'Walk',
      invite: [people[1].userId],
      initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
    })
    await until(() => bob.getRoom(roomId)?.getMyMembership() === 'invite')
    await until(() => bob.getRoom(roomId)?.name === 'Walk')
    await bob.joinRoom(roomId)
    await until(() => bob.getRoom(roomId)?.getMyMembership() === 'join' && alice.getRoom(roomId)?.getJoinedMemberCount() === 2)
    await until(() => bob.getRoom(roomId)?.hasEncryptionStateEvent())

    await alice.sendTextMessage(roomId, 'the key comes by a message to the device')
    await until(() => shown(bob, roomId).length === 1)
    await bob.sendTextMessage(roomId, 'and the answer too')
    await until(() => shown(alice, roomId).length === 2)
    expect(shown(alice, roomId)).to.deep.equal(shown(bob, roomId))

    const last = bob.getRoom(roomId)?.getLiveTimeline().getEvents().at(-1) as MatrixEvent
    const read = new Promise<void>((resolve) => void bob.getRoom(roomId)?.once(RoomEvent.Receipt, () => resolve()))
    await alice.sendReadReceipt(alice.getRoom(roomId)?.findEventById(last.getId() ?? '') ?? null)
    await read
    const typing = new Promise<boolean>((resolve) => void bob.once(RoomMemberEvent.Typing, (_, member) => resolve(member.typing)))
    await alice.sendTyping(roomId, true, 20_000)
    expect(await typing).to.equal(true)
    await bob.leave(roomId)
    await until(() => bob.getRoom(roomId)?.getMyMembership() === 'leave' && alice.getRoom(roomId)?.getJoinedMemberCount() === 1)
  })
})
