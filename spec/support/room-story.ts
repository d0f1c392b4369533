import { type AuthEvent, checkAuthEvents } from '../../server/core/event-auth/check-auth-events.ts'
import { checkAuthRules } from '../../server/core/event-auth/check-auth-rules.ts'
import { selectAuthEvents } from '../../server/core/event-auth/select-auth-events.ts'
import { referenceHash } from '../../server/core/hashes.ts'
import { type EventId, type RoomId, serverNameOf, type UserId } from '../../server/core/ids.ts'
import type { JsonObject } from '../../server/core/json.ts'
import { type Pdu, referenceTo, type UnsignedPdu } from '../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../server/core/room-versions.ts'
import { generateSigningKey, hashAndSignPdu } from '../../server/core/signatures.ts'
import type { Verdict } from '../../server/core/verdict.ts'

/** What a test says of an event; the story fills in the rest from where the room stands. */
export type Told = {
  readonly type: string
  readonly sender?: UserId
  readonly state_key?: string
  readonly content?: JsonObject
} & { readonly [field in keyof Pdu]?: Pdu[field] | undefined }

const key = generateSigningKey(new Uint8Array(32).fill(7), 'story')

/** A room told in the order in which things happen in it; every event is hashed and signed as on the wire. */
export class RoomStory {
  readonly rules: RoomRules
  readonly creator: UserId
  roomId: RoomId | undefined
  private readonly state = new Map<string, Pdu>()
  private readonly ids = new Map<Pdu, EventId>()
  private readonly hashes = new Map<EventId, string>()
  private extremity: EventId[] = []
  private depth = 1

  constructor(version: string, creator: UserId, createContent: JsonObject = {}) {
    this.rules = roomRules(version)!
    this.creator = creator
    this.roomId = this.rules.roomIdIsCreateHash ? undefined : `!room:${serverNameOf(creator)}`
    const content = { room_version: version, ...(this.rules.creatorInContent ? { creator } : {}), ...createContent }
    const id = this.tell({ type: 'm.room.create', sender: creator, state_key: '', content })
    this.roomId ??= `!${id.slice(1)}`
  }

  /** The state as it is now, for the rules. */
  readonly readState = (type: string, stateKey: string): Pdu | undefined => this.state.get(JSON.stringify([type, stateKey]))

  /** Makes an event without adding it to the room; by the creator, unless it says otherwise. */
  build(told: Told): Pdu {
    const isHashed = this.rules.roomIdIsCreateHash && told.type === 'm.room.create'
    const event: Told & { content: JsonObject; sender: UserId } = {
      ...(isHashed ? {} : { room_id: this.roomId! }),
      sender: this.creator,
      content: {},
      prev_events: this.refer(this.extremity),
      depth: this.depth,
      origin_server_ts: 1_700_000_000_000 + this.depth,
      ...(this.rules.eventIds === 'wire' ? { event_id: `$${this.depth}:${serverNameOf(told.sender ?? this.creator)}` } : {}),
      ...told,
    }
    const cited = selectAuthEvents(event, this.rules).flatMap(([type, stateKey]) => this.ids.get(this.readState(type, stateKey)!) ?? [])
    return hashAndSignPdu({ auth_events: this.refer(cited), ...event } as UnsignedPdu, this.rules, serverNameOf(event.sender), key).pdu
  }

  /** Cites events as the room version has it. */
  private refer(eventIds: readonly EventId[]): readonly EventId[] {
    return eventIds.map((eventId) => referenceTo(eventId, this.hashes.get(eventId)!, this.rules)) as readonly EventId[]
  }

  /** Adds an event to the room, allowed or not; its id. */
  tell(told: Told): EventId {
    const event = this.build(told)
    const { eventId } = hashAndSignPdu(event, this.rules, serverNameOf(event.sender), key)
    this.ids.set(event, eventId)
    this.hashes.set(eventId, referenceHash(event, this.rules))
    if (event.state_key !== undefined) this.state.set(JSON.stringify([event.type, event.state_key]), event)
    this.extremity = [eventId]
    this.depth++
    return eventId
  }

  member(user: UserId, membership: string, sender: UserId = user, content: JsonObject = {}): this {
    this.tell({ type: 'm.room.member', sender, state_key: user, content: { ...content, membership } })
    return this
  }

  join(...users: UserId[]): this {
    for (const user of users) this.member(user, 'join')
    return this
  }

  invite(user: UserId): this {
    return this.member(user, 'invite', this.creator)
  }

  ban(user: UserId): this {
    return this.member(user, 'ban', this.creator)
  }

  joinRule(joinRule: string): this {
    this.tell({ type: 'm.room.join_rules', state_key: '', content: { join_rule: joinRule } })
    return this
  }

  levels(content: JsonObject): this {
    this.tell({ type: 'm.room.power_levels', state_key: '', content })
    return this
  }

  /** Judges an event by the state as it is now; `signedBy` are the servers whose signatures count as valid. */
  judge(told: Told, signedBy: readonly string[] = []): Verdict {
    return checkAuthRules(this.build(told), this.rules, this.readState, (server) => signedBy.includes(server))
  }

  /** Judges a membership event, by the user it is about unless it says otherwise. */
  judgeMember(
    user: UserId,
    membership: string,
    sender: UserId = user,
    content: JsonObject = {},
    signedBy: readonly string[] = [],
  ): Verdict {
    return this.judge({ type: 'm.room.member', sender, state_key: user, content: { ...content, membership } }, signedBy)
  }

  /** The events that an event must cite, none of them rejected. */
  authEventsOf(event: Pdu): AuthEvent[] {
    return selectAuthEvents(event, this.rules).flatMap(([type, stateKey]) => {
      const pdu = this.readState(type, stateKey)
      return pdu === undefined ? [] : [{ pdu, rejected: false }]
    })
  }

  /** Judges which events an event cites. */
  judgeCited(told: Told, change: (authEvents: AuthEvent[]) => AuthEvent[] = (authEvents) => authEvents): Verdict {
    const event = this.build(told)
    return checkAuthEvents(event, this.rules, change(this.authEventsOf(event)))
  }
}

/** Begins a room of a version: its create event, and the creator's join. */
export function room(version: string, createContent: JsonObject = {}, creator: UserId = '@alice:a.test'): RoomStory {
  return new RoomStory(version, creator, createContent).join(creator)
}
