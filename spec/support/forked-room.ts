import { selectAuthEvents } from '../../server/core/event-auth/select-auth-events.ts'
import { eventIdOf, referenceHash } from '../../server/core/hashes.ts'
import { type EventId, type RoomId, serverNameOf, type UserId } from '../../server/core/ids.ts'
import type { JsonObject } from '../../server/core/json.ts'
import { authEventIdsOf, type Pdu, referenceTo } from '../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../server/core/room-versions.ts'
import { addToIndex, createAuthChainIndex } from '../../server/core/state-resolution/auth-chain-index.ts'
import { type StateMap, stateMapKey } from '../../server/core/state-resolution/conflict.ts'
import { resolveStates } from '../../server/core/state-resolution/resolve-states.ts'
import { finish, type KnownEvent } from '../../server/core/state-resolution/steps.ts'

/** What a story says of an event. */
export type ToldState = {
  readonly type: string
  readonly state_key?: string
  readonly sender?: UserId
  readonly content?: JsonObject
  readonly ts?: number
  readonly rejected?: boolean
  /** The events cited, where they are to be others than the state before demands. */
  readonly cites?: readonly EventId[]
}

const alice = '@alice:a.test'

/** A room with branches: each event is told after those that it names, and has a readable id. Nothing judges what is told. */
export class ForkedRoom {
  readonly rules: RoomRules
  roomId: RoomId = '!room:a.test'
  readonly create: EventId
  readonly events = new Map<EventId, KnownEvent>()
  readonly index = createAuthChainIndex()
  private readonly states = new Map<EventId, StateMap>()
  private clock = 1_700_000_000_000

  constructor(version: string, createContent: JsonObject = {}) {
    this.rules = roomRules(version)!
    const content = { room_version: version, ...(this.rules.creatorInContent ? { creator: alice } : {}), ...createContent }
    const { room_id: roomId, ...event } = this.build({ type: 'm.room.create', state_key: '', content }, '$create:a.test', [], [])
    const begun: Pdu = this.rules.roomIdIsCreateHash ? event : { ...event, room_id: roomId! }
    this.create = eventIdOf(begun, this.rules)
    if (this.rules.roomIdIsCreateHash) this.roomId = `!${this.create.slice(1)}`
    this.keep(this.create, begun, false, new Map())
  }

  readonly readEvent = (eventId: EventId): KnownEvent | undefined => this.events.get(eventId)

  /** An event's id, as a story's name makes it. */
  id(name: string): EventId {
    return this.rules.eventIds === 'wire' ? `$${name}:a.test` : `$${name}`
  }

  /** Adds an event after others. */
  tell(name: string, told: ToldState, ...after: EventId[]): EventId {
    const before = this.stateAfter(...after)
    const cited = selectAuthEvents({ sender: alice, content: {}, ...told }, this.rules).flatMap(
      ([type, key]) => before.get(stateMapKey(type, key)) ?? [],
    )
    const eventId = this.id(name)
    return this.keep(eventId, this.build(told, eventId, after, told.cites ?? cited), told.rejected ?? false, before)
  }

  member(name: string, user: UserId, membership: string, sender: UserId, ...after: EventId[]): EventId {
    return this.tell(name, { type: 'm.room.member', state_key: user, sender, content: { membership } }, ...after)
  }

  levels(name: string, users: JsonObject, sender: UserId, ...after: EventId[]): EventId {
    return this.tell(name, { type: 'm.room.power_levels', state_key: '', sender, content: { users } }, ...after)
  }

  topic(name: string, sender: UserId, ...after: EventId[]): EventId {
    return this.tell(name, { type: 'm.room.topic', state_key: '', sender, content: { topic: name } }, ...after)
  }

  /** The state after events: of one what it leaves, of several what resolution makes of theirs. */
  stateAfter(...ids: EventId[]): StateMap {
    if (ids.length === 1) return this.states.get(ids[0]!)!
    return this.resolve(ids.map((eventId) => this.states.get(eventId)!))
  }

  resolve(states: readonly StateMap[]): StateMap {
    return finish(resolveStates(states, this.rules, this.readEvent, this.index))
  }

  /** The event of the state after some events. */
  at(after: readonly EventId[], type: string, stateKey = ''): EventId | undefined {
    return this.stateAfter(...after).get(stateMapKey(type, stateKey))
  }

  /** An event as it would be after others, without telling it. */
  draft(told: ToldState, after: readonly EventId[]): Pdu {
    return this.build(told, this.id('draft'), after, [])
  }

  private build(told: ToldState, eventId: EventId, after: readonly EventId[], cited: readonly EventId[]): Pdu {
    const refer = (ids: readonly EventId[]) =>
      ids.map((id) => referenceTo(id, referenceHash(this.events.get(id)!.pdu, this.rules), this.rules)) as readonly EventId[]
    return {
      room_id: this.roomId,
      type: told.type,
      sender: told.sender ?? alice,
      content: told.content ?? {},
      ...(told.state_key === undefined ? {} : { state_key: told.state_key }),
      ...(this.rules.eventIds === 'wire' ? { event_id: eventId } : {}),
      auth_events: refer(cited),
      prev_events: refer(after),
      depth: 1 + Math.max(0, ...after.map((id) => Number(this.events.get(id)!.pdu.depth))),
      origin_server_ts: told.ts ?? ++this.clock,
      hashes: { sha256: '' },
      signatures: { [serverNameOf(told.sender ?? alice)]: {} },
    }
  }

  private keep(eventId: EventId, pdu: Pdu, rejected: boolean, before: StateMap): EventId {
    this.events.set(eventId, { eventId, pdu, rejected })
    addToIndex(this.index, eventId, authEventIdsOf(pdu))
    const isState = pdu.state_key !== undefined && !rejected
    this.states.set(eventId, isState ? new Map(before).set(stateMapKey(pdu.type, pdu.state_key!), eventId) : before)
    return eventId
  }
}
