import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, EventStatus, type MatrixClient, type MatrixEvent, type Room, RoomEvent, RoomMemberEvent } from 'matrix-js-sdk'
import { EventShieldReason } from 'matrix-js-sdk/lib/crypto-api/index.js'
import { logger } from 'matrix-js-sdk/lib/logger.js'

const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => quiet }

// Some of its parts write to this one whatever logger the client is given.
;(logger as unknown as { setLevel(level: 'silent'): void }).setLevel('silent')

// It also leaves the time limit of each request running when the request is over, for a minute or more: such a timer must not keep the tests from ending.
const setTimer = globalThis.setTimeout
globalThis.setTimeout = Object.assign((work: () => void, ms?: number, ...rest: []) => {
  const timer = setTimer(work, ms, ...rest)
  return (ms ?? 0) >= 20_000 ? timer.unref() : timer
}, setTimer) as typeof setTimer

export type Seen = { readonly from: string; readonly text: string; readonly sender: string; readonly event: string }
/** A person with matrix-js-sdk and its Rust crypto, on a device of their own, who accepts every invitation. */
export type MatrixPerson = {
  readonly userId: string
  /** Every message that stands in the room, oldest first; `undecryptable` where its key is missing. */
  sees(): Seen[]
  /** What the crypto finds wrong with who sent it: nothing, in a sound room. */
  faults(): Promise<string[]>
  says(text: string): Promise<string>
  /** The room they were taken into. */
  room(): string | undefined
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
  return personOver(client)
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

function personOver(client: MatrixClient): MatrixPerson {
  const room = (): Room | undefined => client.getRooms().find((one) => one.getMyMembership() === 'join')
  const messages = (): MatrixEvent[] =>
    (room()?.getLiveTimeline().getEvents() ?? []).filter(
      (event) => event.getType() === 'm.room.message' || event.getType() === 'm.room.encrypted',
    )
  return {
    userId: client.getUserId() ?? '',
    sees: () => messages().map((event) => readSeen(room(), event)),
    async faults() {
      const wrong = [EventShieldReason.MISMATCHED_SENDER, EventShieldReason.UNSIGNED_DEVICE, EventShieldReason.UNKNOWN_DEVICE]
      const faults = messages().map(async (event) => {
        if (event.isDecryptionFailure() || event.getType() === 'm.room.encrypted') return [`${event.getSender()}: not decrypted`]
        const info = await client.getCrypto()?.getEncryptionInfoForEvent(event)
        if (!info) return [`${event.getSender()}: not encrypted`]
        return info.shieldReason !== null && wrong.includes(info.shieldReason) ? [`${event.getSender()}: shield ${info.shieldReason}`] : []
      })
      return (await Promise.all(faults)).flat()
    },
    async says(text) {
      const roomId = room()?.roomId
      if (roomId === undefined) throw new Error('in no room yet')
      return send(client, roomId, text)
    },
    room: () => room()?.roomId,
    close: () => client.stopClient(),
  }
}

/** As a person would: what was not sent because the server was away is sent again, as the same message. */
async function send(client: MatrixClient, roomId: string, text: string): Promise<string> {
  const txnId = client.makeTxnId()
  let sending = client.sendTextMessage(roomId, text, txnId)
  for (;;) {
    try {
      return (await sending).event_id
    } catch {
      await sleep(200)
      const room = client.getRoom(roomId)
      const unsent = room
        ?.getLiveTimeline()
        .getEvents()
        .find((event) => event.getTxnId() === txnId && event.status === EventStatus.NOT_SENT)
      if (!room || !unsent) throw new Error('the message is neither sent nor waiting')
      sending = client.resendEvent(unsent, room)
    }
  }
}

function readSeen(room: Room | undefined, event: MatrixEvent): Seen {
  const sender = event.getSender() ?? ''
  const readable = event.getType() === 'm.room.message' && !event.isDecryptionFailure()
  const text = readable ? String(event.getContent()['body']) : 'undecryptable'
  return { from: room?.getMember(sender)?.rawDisplayName ?? sender, text, sender, event: event.getId() ?? '' }
}
