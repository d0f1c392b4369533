import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { InboundEvent, NetworkConnector, OutgoingText, SendResult, Session } from '../../../bridges/kit/connector.ts'
import type { HubPlan, Kit, LateRules } from '../../../bridges/kit/kit.ts'
import { login, openSessions } from '../../../bridges/kit/logins.ts'
import type { Encryption } from '../../../bridges/kit/matrix/encryption.ts'
import type { MatrixEvent } from '../../../bridges/kit/matrix/event.ts'
import { MatrixRequestError, type MatrixSide, type Member, type OutgoingEvent } from '../../../bridges/kit/matrix/side.ts'
import { defaultLateRules } from '../../../bridges/kit/outbound/late-rules.ts'
import { openStore } from '../../../bridges/kit/store/store.ts'
import { openVault } from '../../../bridges/kit/vault.ts'
import { filesOf, mediaOf } from './cards-files.ts'

/** What the kit throws at when a spec lets the process end at a point. */
export class Crash extends Error {}

/** A homeserver and a network that outlive the bridge, and count what really happened. */
export type World = {
  readonly folder: string
  readonly events: (OutgoingEvent & { id: string; clear: Record<string, unknown> })[]
  readonly rooms: Map<string, { alias: string; members: Map<string, string> }>
  /** The rooms that are not encrypted. */
  readonly open: Set<string>
  /** What people wrote, as the homeserver has it. */
  readonly posted: MatrixEvent[]
  /** Who is in the rooms, all of them in each. */
  members: Member[]
  readonly redactions: { txn: string; room: string; sender: string; event: string }[]
  readonly receipts: string[]
  /** What the network was given. */
  readonly sent: { to: string; text: string; key: string; replyTo?: string; media?: string }[]
  /** Files of the homeserver, and those that people have sent on the network; `later` for one that cannot be had yet. */
  readonly files: Map<string, Buffer>
  readonly remoteFiles: Map<string, Buffer | 'later'>
  /** The account's reaction by person and message; an empty one was taken back. */
  readonly reacted: Map<string, string>
  /** Messages of people that the network was told we read, and where it was shown that we type. */
  readonly marked: string[]
  readonly typed: string[]
  /** What the network answers next; a sent message by default. */
  answers: ((message: OutgoingText, key: string) => SendResult)[]
  now: number
}

export function createWorld(folder: string): World {
  mkdirSync(folder, { recursive: true })
  return {
    folder,
    events: [],
    rooms: new Map(),
    open: new Set(),
    posted: [],
    members: [{ userId: '@alice:hs.test', membership: 'join', name: 'Alice' }],
    redactions: [],
    receipts: [],
    files: new Map(),
    remoteFiles: new Map(),
    reacted: new Map(),
    marked: [],
    typed: [],
    sent: [],
    answers: [],
    now: Date.UTC(2026, 10, 1),
  }
}

export const account = '1000'
export const bot = '@_whatsapp_bot:hs.test'

export function matrixOf(world: World, botUserId = bot): MatrixSide {
  const roomOf = (alias: string) => [...world.rooms].find(([, room]) => room.alias === alias)?.[0]
  return {
    botUserId,
    registerBot: async () => undefined,
    ensureUser: async () => undefined,
    join: async (userId, room) => void world.rooms.get(room)?.members.set(userId, userId),
    async send(event) {
      const known = world.events.find(({ txn, sender }) => txn === event.txn && sender === event.sender)
      if (known) return known.id
      const clear = clearOf(event.content)
      world.events.push({ ...event, id: `$event${world.events.length}`, clear })
      return `$event${world.events.length - 1}`
    },
    async redact({ txn, room, sender, event }) {
      const known = world.redactions.findIndex((redaction) => redaction.txn === txn)
      if (known >= 0) return `$redaction${known}`
      world.redactions.push({ txn, room, sender, event })
      return `$redaction${world.redactions.length - 1}`
    },
    async event(room_id, event_id) {
      const posted = world.posted.find((event) => event.event_id === event_id && event.room_id === room_id)
      const sent = world.events.find(({ id, room }) => id === event_id && room === room_id)
      const unsigned = world.redactions.some(({ event }) => event === event_id) ? { redacted_because: {} } : {}
      return posted ?? (sent && { event_id, room_id, sender: sent.sender, type: sent.type, content: { ...sent.content }, unsigned })
    },
    markRead: async (userId, _room, event) => void world.receipts.push(`${userId} ${event}`),
    resolve: async (alias) => roomOf(alias),
    async createRoom({ alias }) {
      const known = roomOf(alias)
      if (known) return known
      world.rooms.set(`!room${world.rooms.size}`, { alias, members: new Map([[botUserId, 'bot']]) })
      return `!room${world.rooms.size - 1}`
    },
    async leave(userId, room) {
      if (world.rooms.get(room)?.members.get(userId) === 'left') throw new MatrixRequestError(403, 'M_FORBIDDEN')
      world.rooms.get(room)?.members.set(userId, 'left')
    },
    async creator(room) {
      const { members } = world.rooms.get(room) ?? {}
      return members?.has(botUserId) ? [...members.keys()][0] : undefined
    },
    members: async () => world.members,
  }
}

function clearOf(content: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const relation = content['m.relates_to']
  return { ...((content['plain'] ?? content) as Record<string, unknown>), ...(relation === undefined ? {} : { 'm.relates_to': relation }) }
}

/** Stands in for the encryption, which has its own specs: the content goes into an envelope that only `decrypt` opens. */
export function encryptionOf(world: Pick<World, 'open'>): Encryption {
  return {
    isEncrypted: async (room) => !world.open.has(room),
    async encrypt(sender, room, _txn, type, { 'm.relates_to': relation, ...plain }) {
      if (world.open.has(room)) return undefined
      return { content: { plain, type, ...(relation === undefined ? {} : { 'm.relates_to': relation }) }, device: `DEVICE ${sender}` }
    },
    decrypt({ content }) {
      if (content['late'] === true) return { kind: 'no key' }
      if (typeof content['type'] !== 'string') return { kind: 'refused', words: 'no envelope' }
      return { kind: 'clear', type: content['type'], content: clearOf(content) }
    },
    receive: (_, also) => also(),
    start: async () => undefined,
    close: async () => undefined,
  }
}

function connectorOf(world: World): NetworkConnector {
  const session: Session = {
    async send(message, key) {
      const answer = world.answers.shift()
      const result = answer ? answer(message, key) : ({ kind: 'sent', id: `m${world.sent.length}` } as const)
      if (result.kind === 'sent' || result.kind === 'unknown') world.sent.push({ ...message, to: message.to[0].value, key })
      return result
    },
    ...mediaOf(world),
    async react({ to, target, emoji = '' }, key) {
      const answer = world.answers.shift()
      const result = answer ? answer({ to, text: emoji }, key) : ({ kind: 'sent' } as const)
      if (result.kind === 'sent' || result.kind === 'unknown') world.reacted.set(`${to[0].value} ${target}`, emoji)
      return result
    },
    async markRead({ to, id }) {
      world.marked.push(`${to[0].value} ${id}`)
      return { kind: 'sent' }
    },
    async showTyping({ to, on, read }) {
      world.typed.push(`${to[0].value} ${on} ${read}`)
    },
    close: async () => undefined,
  }
  return {
    info: { network: 'whatsapp', title: 'WhatsApp', e2ee: 'none' },
    webhook: {
      signedIn: 'x-signature',
      challenge: () => ({ status: 403 }),
      accept: () => ({ status: 401 }),
      read: (raw) => JSON.parse(raw) as InboundEvent,
    },
    files: { image: { maxBytes: 1_000_000, caption: 20 } },
    tells: ['message'],
    replyWindowMs: 86_400_000,
    agentWindowMs: 7 * 86_400_000,
    split: (text) => text.match(/.{1,60}/gsu) ?? [],
    login: async (secrets) => ({ kind: 'done', account: secrets.account }),
    open: () => session,
  }
}

/** A bridge on the world's folder; `crashAt` ends it at the nth checkpoint that it passes. */
export async function openKit(
  world: World,
  options: { hub?: HubPlan; coalesceMs?: number; late?: LateRules; crashAt?: number } = {},
): Promise<Kit & { passed: string[]; close(): void }> {
  const store = openStore(join(world.folder, 'bridge.db'))
  const vault = openVault('whatsapp', join(world.folder, 'vault.key'))
  const connector = connectorOf(world)
  await login({ store, vault, connector, clock: () => world.now }, { account, accessToken: 'token' })
  const passed: string[] = []
  return {
    connector,
    serverName: 'hs.test',
    owner: '@alice:hs.test',
    hub: options.hub,
    coalesceMs: options.coalesceMs ?? 0,
    late: options.late ?? defaultLateRules,
    store,
    vault,
    matrix: matrixOf(world),
    encryption: encryptionOf(world),
    files: filesOf(world),
    clock: () => world.now,
    log: () => undefined,
    sessions: openSessions({ store, vault, connector }),
    checkpoint(name) {
      passed.push(name)
      if (passed.length === options.crashAt) throw new Crash(name)
    },
    passed,
    close: () => store.close(),
  }
}

/** The texts that stand in the rooms, with who wrote them: a ghost as `ghost`, the bot as `bot`. */
export function messagesIn(world: World): string[] {
  const messages = world.events.filter(({ clear }) => typeof clear['body'] === 'string')
  return messages.map(({ sender, clear }) => `${sender === bot ? 'bot' : 'ghost'}: ${clear['body']}`)
}
