import { setTimeout as sleep } from 'node:timers/promises'
import { EventStatus, type MatrixClient, type MatrixEvent, ReceiptType, type Room } from 'matrix-js-sdk'
import { EventShieldReason } from 'matrix-js-sdk/lib/crypto-api/index.js'
import { downloadEncrypted, uploadEncrypted } from './matrix-files.ts'

type Content = Readonly<Record<string, unknown>>
/** A message as a client shows it: with the newest correction in place, and with what hangs on it. */
export type Seen = {
  readonly from: string
  readonly text: string
  readonly sender: string
  readonly event: string
  /** The message type, or `m.sticker`. */
  readonly kind: string
  readonly replyTo?: string
  readonly edited?: true
  readonly deleted?: true
  readonly reactions: readonly { readonly from: string; readonly emoji: string }[]
  /** The content as it was decrypted. */
  readonly content: Content
}
export type FileToSend = {
  readonly kind: 'm.image' | 'm.video' | 'm.audio' | 'm.file' | 'm.sticker'
  readonly mime: string
  readonly name: string
  readonly bytes: Buffer
  readonly caption?: string
  readonly voice?: true
  readonly replyTo?: string
}
/** What a person sees and does in one room. What they do gives the event's id, and is tried again while the server is away. */
export type Seat = {
  /** Every message that stands in the room, oldest first; `undecryptable` where its key is missing. */
  sees(): Seen[]
  /** What the crypto finds wrong with who sent it: nothing, in a sound room. */
  faults(): Promise<string[]>
  says(text: string, options?: { replyTo?: string; mentions?: readonly string[]; html?: string }): Promise<string>
  sends(file: FileToSend): Promise<string>
  /** Shows a place. */
  points(place: { readonly latitude: number; readonly longitude: number; readonly name: string }): Promise<string>
  reacts(event: string, emoji: string): Promise<string>
  edits(event: string, text: string): Promise<string>
  /** Takes a message or a reaction back. */
  redacts(event: string): Promise<void>
  reads(event: string, how?: 'privately'): Promise<void>
  types(on: boolean): Promise<void>
  /** The bytes of a message's file, decrypted. */
  opens(event: string): Promise<Buffer>
  /** What the bridges told of a message, the newest last: `network state`. */
  fateOf(event: string): readonly string[]
  /** By whom a message has been read, by user id. */
  readersOf(event: string): readonly string[]
}

/** A client's person in one room, once there is one. */
export function takeSeat(client: MatrixClient, roomOf: () => string | undefined): Seat {
  const room = () => client.getRoom(roomOf())
  const here = () => {
    const roomId = roomOf()
    if (roomId === undefined) throw new Error('in no room yet')
    return roomId
  }
  const find = (event: string) => room()?.findEventById(event)
  const say = (content: Content, type = 'm.room.message') => send(client, here(), type, content)
  return {
    sees: () => messagesIn(room()).map((event) => readSeen(room(), event)),
    faults: () => faultsIn(client, room()),
    says: (text, { replyTo, mentions, html } = {}) =>
      say({ ...textContent(text, html), ...inReplyTo(replyTo), ...(mentions ? { 'm.mentions': { user_ids: mentions } } : {}) }),
    async sends(file) {
      const encrypted = await uploadEncrypted(client, file.bytes)
      return say(fileContent(file, encrypted), file.kind === 'm.sticker' ? 'm.sticker' : 'm.room.message')
    },
    points: ({ latitude, longitude, name }) => say({ msgtype: 'm.location', body: name, geo_uri: `geo:${latitude},${longitude}` }),
    reacts: (event, emoji) => say({ 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key: emoji } }, 'm.reaction'),
    edits: (event, text) =>
      say({
        ...textContent(`* ${text}`),
        'm.new_content': textContent(text),
        'm.relates_to': { rel_type: 'm.replace', event_id: event },
      }),
    redacts: async (event) => void (await client.redactEvent(here(), event)),
    async reads(event, how) {
      const read = find(event)
      if (!read) throw new Error('no such message')
      await client.sendReadReceipt(read, how ? ReceiptType.ReadPrivate : ReceiptType.Read)
    },
    types: async (on) => void (await client.sendTyping(here(), on, 20_000)),
    async opens(event) {
      const content = find(event)?.getContent()
      return downloadEncrypted(client, content?.['file'])
    },
    fateOf: (event) =>
      timelineOf(room())
        .filter((one) => one.getType() === 'org.tombolo.delivery' && one.getContent()['m.relates_to']?.event_id === event)
        .map((one) => `${one.getContent()['network']} ${one.getContent()['state']}`),
    readersOf(event) {
      const at = room()
      const users = at?.getMembers().map(({ userId }) => userId) ?? []
      return users.filter((user) => at?.getReadReceiptForUserId(user) !== null && at?.hasUserReadEvent(user, event))
    },
  }
}

function timelineOf(room: Room | null): MatrixEvent[] {
  return room?.getLiveTimeline().getEvents() ?? []
}

/** Without corrections, which stand in what they correct, and without what two verify each other by. */
function messagesIn(room: Room | null): MatrixEvent[] {
  const kinds = ['m.room.message', 'm.sticker', 'm.room.encrypted']
  const isShown = (event: MatrixEvent) => !event.isRelation('m.replace') && event.getContent()['msgtype'] !== 'm.key.verification.request'
  return timelineOf(room).filter((event) => kinds.includes(event.getType()) && isShown(event))
}

async function faultsIn(client: MatrixClient, room: Room | null): Promise<string[]> {
  const wrong = [EventShieldReason.MISMATCHED_SENDER, EventShieldReason.UNSIGNED_DEVICE, EventShieldReason.UNKNOWN_DEVICE]
  const faults = messagesIn(room).map(async (event) => {
    // Of what was taken back nothing is left to decrypt.
    if (event.isRedacted()) return []
    if (event.isDecryptionFailure() || event.getType() === 'm.room.encrypted') return [`${event.getSender()}: not decrypted`]
    const info = await client.getCrypto()?.getEncryptionInfoForEvent(event)
    if (!info) return [`${event.getSender()}: not encrypted`]
    return info.shieldReason !== null && wrong.includes(info.shieldReason) ? [`${event.getSender()}: shield ${info.shieldReason}`] : []
  })
  return (await Promise.all(faults)).flat()
}

function textContent(text: string, html?: string): Content {
  return { msgtype: 'm.text', body: text, ...(html === undefined ? {} : { format: 'org.matrix.custom.html', formatted_body: html }) }
}

function inReplyTo(event: string | undefined): Content {
  return event === undefined ? {} : { 'm.relates_to': { 'm.in_reply_to': { event_id: event } } }
}

function fileContent({ kind, mime, name, bytes, caption, voice, replyTo }: FileToSend, file: Content): Content {
  return {
    ...(kind === 'm.sticker' ? {} : { msgtype: kind }),
    body: caption ?? name,
    filename: name,
    info: { mimetype: mime, size: bytes.length },
    file,
    ...(voice ? { 'org.matrix.msc3245.voice': {} } : {}),
    ...inReplyTo(replyTo),
  }
}

/** As a person would: what was not sent because the server was away is sent again, as the same message. */
async function send(client: MatrixClient, roomId: string, type: string, content: Content): Promise<string> {
  const txnId = client.makeTxnId()
  let sending = client.sendEvent(roomId, type as never, content as never, txnId)
  for (;;) {
    try {
      return (await sending).event_id
    } catch {
      await sleep(200)
      const room = client.getRoom(roomId)
      const own = timelineOf(room).find((event) => [event.getTxnId(), event.getUnsigned().transaction_id].includes(txnId))
      // The answer was lost, and the message came by a sync.
      if (own?.status === null) return own.getId() ?? ''
      if (!room || own?.status !== EventStatus.NOT_SENT) throw new Error('the message is neither sent nor waiting')
      sending = client.resendEvent(own, room)
    }
  }
}

function readSeen(room: Room | null, event: MatrixEvent): Seen {
  const sender = event.getSender() ?? ''
  const nameOf = (user: string | undefined) => room?.getMember(user ?? '')?.rawDisplayName ?? user ?? ''
  const readable = event.getType() !== 'm.room.encrypted' && !event.isDecryptionFailure()
  const content = event.getContent()
  const deleted = event.isRedacted()
  const annotations = room?.relations.getChildEventsForEvent(event.getId() ?? '', 'm.annotation', 'm.reaction')?.getRelations() ?? []
  const replyTo =
    event.getWireContent()['m.relates_to']?.['m.in_reply_to']?.event_id ?? content['m.relates_to']?.['m.in_reply_to']?.event_id
  return {
    ...{ from: nameOf(sender), sender, event: event.getId() ?? '' },
    text: deleted ? '' : readable ? String(content['body']) : 'undecryptable',
    kind: deleted ? 'deleted' : event.getType() === 'm.sticker' ? 'm.sticker' : String(content['msgtype']),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(event.replacingEvent() ? { edited: true as const } : {}),
    ...(deleted ? { deleted: true as const } : {}),
    reactions: annotations
      .filter((one) => !one.isRedacted())
      .map((one) => ({ from: nameOf(one.getSender()), emoji: String(one.getContent()['m.relates_to']?.key) })),
    content,
  }
}
