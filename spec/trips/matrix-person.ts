import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type MatrixClient, Preset, type Room, RoomEvent, RoomMemberEvent } from 'matrix-js-sdk'
import { logger } from 'matrix-js-sdk/lib/logger.js'
import { type Seat, takeSeat } from './matrix-seat.ts'

const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => quiet }

// Some of its parts write to this one whatever logger the client is given.
;(logger as unknown as { setLevel(level: 'silent'): void }).setLevel('silent')

// It also leaves the time limit of each request running when the request is over, for a minute or more: such a timer must not keep the tests from ending.
const setTimer = globalThis.setTimeout
globalThis.setTimeout = Object.assign((work: () => void, ms?: number, ...rest: []) => {
  const timer = setTimer(work, ms, ...rest)
  return (ms ?? 0) >= 20_000 ? timer.unref() : timer
}, setTimer) as typeof setTimer

/** A person with matrix-js-sdk and its Rust crypto, on a device of their own, who accepts every invitation. What they do without naming a room is done in the first. */
export type MatrixPerson = Seat & {
  readonly userId: string
  /** The room they were taken into first. */
  room(): string | undefined
  /** All rooms they are in, the first first. */
  rooms(): readonly string[]
  /** The same person in one of their rooms. */
  in(room: string): Seat
  invites(room: string, user: string): Promise<void>
  joins(room: string): Promise<void>
  /** Opens an encrypted chat with one user; gives the room. */
  opensChatWith(user: string): Promise<string>
  /** A request to the homeserver as their client makes it, with its answer. */
  asks(path: string): Promise<unknown>
  close(): void
}

/** Makes an account on a server with open registration, with cross-signing, and starts its client. */
export async function createMatrixPerson(homeserver: string, username: string): Promise<MatrixPerson> {
  const account = await register(homeserver, username)
  const client = createClient({
    baseUrl: homeserver,
    userId: account.user_id,
    accessToken: account.access_token,
    deviceId: account.device_id,
    logger: quiet as never,
  })
  await client.initRustCrypto({ useIndexedDB: false })
  await client.getCrypto()?.bootstrapCrossSigning({ authUploadDeviceSigningKeys: async (upload) => void (await upload(null)) })
  await client.setDisplayName(username.slice(0, 1).toUpperCase() + username.slice(1))
  client.on(RoomMemberEvent.Membership, (_, member) => {
    if (member.userId === account.user_id && member.membership === 'invite') void client.joinRoom(member.roomId).catch(() => undefined)
  })
  client.on(RoomEvent.TimelineReset, (room) => void (room && scrollBack(client, room)))
  client.matrixRTC.start = () => undefined
  await client.startClient({ initialSyncLimit: 200, pollTimeout: 10_000 })
  return personOver(client, homeserver, account.access_token)
}

/** After a gap the client holds the newest part of the room only: reads up to its beginning, as a person scrolls up. */
async function scrollBack(client: MatrixClient, room: Room): Promise<void> {
  await sleep(0)
  for (let more = true; more; ) {
    more = await client.paginateEventTimeline(room.getLiveTimeline(), { backwards: true, limit: 100 }).catch(async () => {
      await sleep(200)
      return true
    })
  }
}

async function register(homeserver: string, username: string) {
  const body = { username, password: 'a password of a scene', auth: { type: 'm.login.dummy' } }
  const answer = await fetch(`${homeserver}/_matrix/client/v3/register`, { method: 'POST', body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`no account: ${await answer.text()}`)
  return (await answer.json()) as { user_id: string; access_token: string; device_id: string }
}

function personOver(client: MatrixClient, homeserver: string, token: string): MatrixPerson {
  const rooms = () =>
    client
      .getRooms()
      .filter((one) => one.getMyMembership() === 'join')
      .map(({ roomId }) => roomId)
  return {
    ...takeSeat(client, () => rooms()[0]),
    userId: client.getUserId() ?? '',
    room: () => rooms()[0],
    rooms,
    in: (room) => takeSeat(client, () => room),
    invites: async (room, user) => void (await client.invite(room, user)),
    joins: async (room) => void (await client.joinRoom(room)),
    async opensChatWith(user) {
      const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }
      const options = { preset: Preset.TrustedPrivateChat, is_direct: true, invite: [user], initial_state: [encryption] }
      return (await client.createRoom(options)).room_id
    },
    async asks(path) {
      const answer = await fetch(`${homeserver}${path}`, { headers: { authorization: `Bearer ${token}` } })
      return answer.json()
    },
    close: () => client.stopClient(),
  }
}
