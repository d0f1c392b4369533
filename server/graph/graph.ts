import type { JsonObject } from '../core/canonical-json.ts'
import type { EventId, RoomAlias, RoomId, ServerName, UserId } from '../core/ids.ts'
import type { Pdu, UnsignedPdu } from '../core/pdu.ts'
import type { PushContext } from '../core/push-conditions.ts'
import type { PushReader } from '../core/push-reader.ts'
import type { RoomRules } from '../core/room-versions.ts'
import type { Guard, LogRow, Write } from '../storage/database.ts'
import type { ForServers } from './for-servers/for-servers.ts'
import type { SharedRooms } from './for-servers/shared-rooms.ts'
import type { Unread } from './unread/unread-count.ts'

export type MembershipName = 'join' | 'invite' | 'leave' | 'ban' | 'knock'

/** A user's current membership in one room. */
export type Membership = {
  readonly membership: MembershipName
  readonly eventId: EventId
  readonly sender: UserId
  /** The position at which it became so; for a profile change of a joined member, still that of the change. */
  readonly position: number
  /** The position of the event that first made them joined in the present stay; 0 when not joined. */
  readonly joinedAt: number
  readonly forgotten: boolean
}

/** The rooms that a user is in, and the position of the last change of their memberships. */
export type JoinedRooms = { readonly rooms: ReadonlySet<RoomId>; readonly newest: number }

/** A state event with its id. */
export type StateEvent = { readonly eventId: EventId; readonly pdu: Pdu }

/** A state event as clients get it: JSON text that wants but its age at the end. Of a membership which, and the member's line among the joined ones. */
export type StateText = {
  readonly eventId: EventId
  readonly sentAt: number
  readonly open: string
  readonly membership: MembershipName | undefined
  readonly profile: string
}

/** An event in the place it has in its room. */
export type TimelineEvent = {
  readonly eventId: EventId
  readonly roomId: RoomId
  readonly pdu: Pdu
  /** Order of arrival; undefined for history and outliers. */
  readonly position: number | undefined
  /** Place in the room: by depth, then order. */
  readonly depth: number
  readonly order: number
  /** The state after this event: a state group, named by the event that made it. */
  readonly stateGroup: string
  /** The state of the room when it had arrived: another one where the room had forked. */
  readonly headGroup: string
  /** The state event that this one took the place of. */
  readonly replaces: EventId | undefined
  readonly replacedContent: JsonObject | undefined
  readonly replacedSender: UserId | undefined
  /** The root of the thread that it is in, also over other events. */
  readonly thread: EventId | undefined
  readonly redactedBy: EventId | undefined
  readonly redactedBecause: Pdu | undefined
  /** The session that sent it and under which transaction id, for `unsigned.transaction_id`. */
  readonly sentBy: { readonly session: string; readonly transactionId: string } | undefined
  /** Under which id it was delayed, for its sender alone. */
  readonly delayId: string | undefined
  /** Whether another server brought it into the room, and tells the others of it. */
  readonly handed: boolean
  /** Whether events before it were missing when it arrived. */
  readonly gap: boolean
}

/** An event that a reader may see, and the reader's membership when it was sent. */
export type Seen = { readonly event: TimelineEvent; readonly membership: MembershipName }

/** The committed head of a room in memory. Read it and decide without an await in between. */
export type RoomView = {
  readonly roomId: RoomId
  readonly version: string
  readonly rules: RoomRules
  /** Position of the last applied change. */
  readonly position: number
  readonly stateGroup: string
  readonly extremities: readonly EventId[]
  /** A current state event; memberships only as far as they are loaded (`Graph.members` loads them). */
  readonly state: (type: string, stateKey: string) => StateEvent | undefined
  /** Every current state event but the memberships. */
  readonly allState: () => Iterable<StateEvent>
  readonly membership: (userId: UserId) => MembershipName | undefined
  readonly joined: ReadonlySet<UserId>
  /** The servers in the room, and how many of the joined are of each. */
  readonly servers: ReadonlyMap<ServerName, number>
  /** Whether memberships are still on the way: then only some of them are known. */
  readonly isPartial: boolean
  readonly invited: ReadonlySet<UserId>
  /** Those who were in the room, or invited, and are no more. */
  readonly gone: () => Iterable<UserId>
  readonly memberCount: (of: MembershipName) => number
  /** Where one goes on reading towards older events, from one that is the oldest of those told. */
  readonly placeBefore: (first: TimelineEvent) => Place
  /** Up to this position the state may have changed otherwise than the events say that arrived: `stateChanges` tells. */
  readonly resolvedAt: number
}

/** What an event to be appended says of itself; the rest is filled in by the graph. */
export type Template = {
  readonly type: string
  readonly stateKey?: string
  readonly sender: UserId
  readonly content: JsonObject
  readonly redacts?: EventId
  /** The state event that it is to take the place of; it is refused when another one stands there by then. */
  readonly replaces?: EventId
  /** Milliseconds since the epoch, by an application service's `ts`; now without it. */
  readonly timestamp?: number
  /** Under which id it was delayed. */
  readonly delayId?: string
}

export type AppendOptions = {
  /** The session and its transaction; the same again answers the first event's id. `path` is the endpoint's path with its ids. */
  readonly transaction?: { readonly session: string; readonly path: string; readonly id: string }
  /** Written, guarded and logged with the events, or not at all. A failed guard of the caller's comes back by name. */
  readonly guards?: readonly Guard[]
  readonly writes?: readonly Write[]
  readonly log?: readonly LogRow[]
}

/** As `AppendOptions`; `of` adds what names the new room. */
export type CreateOptions = AppendOptions & {
  readonly of?: (roomId: RoomId) => Pick<AppendOptions, 'guards' | 'writes' | 'log'>
}

/** `guard` is set when one of the caller's guards failed and nothing was written. */
export type Appended = { readonly eventIds: readonly EventId[]; readonly guard?: string }

/** What a server gave in return for a join: the room as it was before, and the event itself. */
export type Entering = {
  readonly origin: ServerName
  readonly roomId: RoomId
  readonly version: string
  readonly event: JsonObject
  /** The memberships may have been left out. */
  readonly state: readonly JsonObject[]
  readonly authChain: readonly JsonObject[]
  readonly membersOmitted: boolean
  /** The servers in the room, as that server says. */
  readonly servers: readonly ServerName[]
}

/** An event that another server made of a proposal of this one; `sign` when it is to bear this server's signature too. */
export type Handed = { readonly event: JsonObject; readonly sign?: boolean }

/** A moment in a room, where to look from it, and when the closest event was sent that is known already. */
export type Moment = {
  readonly roomId: RoomId
  readonly timestamp: number
  readonly direction: 'b' | 'f'
  readonly than: number | undefined
}

/** What became of a PDU of another server. */
export type Received = 'accepted' | 'known' | 'soft-failed' | { readonly rejected: string } | { readonly dropped: string }

/** A state event as those see it who are not in its room. https://spec.matrix.org/v1.19/client-server-api/#stripped-state */
export type Stripped = { readonly type: string; readonly state_key: string; readonly sender: UserId; readonly content: JsonObject }

/** What a user of this server is to become in a room that this server is not in. */
export type OutsideNote = {
  readonly userId: UserId
  readonly roomId: RoomId
  readonly version: string
  readonly event: StateEvent
  /** Servers that know the room, the likeliest first. */
  readonly servers: readonly ServerName[]
  /** What came with the event to tell the room by. */
  readonly state: readonly Stripped[]
  /** The membership that it ends: where another one has come meanwhile nothing is kept. */
  readonly instead?: EventId
}

/** What a user of this server is in a room that this server is not in. */
export type OutsideMembership = {
  readonly membership: Membership
  readonly version: string
  readonly servers: readonly ServerName[]
  /** The membership event itself; its position is that of the membership. */
  readonly event: TimelineEvent
  readonly state: readonly Stripped[]
}

/** What users of this server are in rooms that it is not in, and how they come to it over other servers. */
export type Outside = {
  /** What a user is in a room that this server is not in; undefined where the room itself tells, or nothing is known. */
  readonly find: (userId: UserId, roomId: RoomId) => Promise<OutsideMembership | undefined>
  /** Whether other servers alone can end what a user is in a room: as was told, or as it was when this server left the room. */
  readonly stands: (userId: UserId, roomId: RoomId) => Promise<boolean>
  /** What kind of rooms those are that a user is invited to, or knocks on: as far as was told. */
  readonly kinds: (userId: UserId) => Promise<ReadonlyMap<RoomId, RoomKind>>
  /** Keeps it in the place of what was kept before, aside while this server is in the room; false when the user has joined meanwhile, or `instead` stands no more. */
  readonly note: (note: OutsideNote) => Promise<boolean>
  /** Declines an invitation or takes back a knock, over other servers if one of them answers. 403 M_FORBIDDEN for somebody who has no part in the room. */
  readonly leave: (roomId: RoomId, userId: UserId, content: JsonObject) => Promise<void>
  /** Knocks over one of these servers. 404 M_NOT_FOUND without any, what the last one refused with otherwise. */
  readonly knock: (roomId: RoomId, userId: UserId, content: JsonObject, servers: readonly ServerName[]) => Promise<void>
  /** Goes on with what is kept aside. */
  readonly resume: () => void
  readonly stop: () => Promise<void>
}

/** Where to read a room's events from, and how far. Places are (depth, order), positions are arrival. */
export type Place = {
  readonly depth: number
  readonly order: number
  /** Events that arrived at this position or later are passed over: where a room forked, their place may be further up. */
  readonly before?: number
}

/** Of a page of history: nothing is missing there; some of it was brought in and more is missing; or nobody gave what is missing. */
export type Filled = 'whole' | 'more' | 'silent'

/** Who reads bundled aggregations. `ignored` are those whose events do not count. */
export type BundleReader = {
  readonly userId: UserId
  readonly session: string
  readonly now: number
  readonly ignored: () => Promise<readonly UserId[]>
}

/** Which relations are asked for: of an event, of one relation type, of one event type, and over how many events in between. */
export type RelatedTo = {
  readonly roomId: RoomId
  readonly eventId: EventId
  readonly relType: string | undefined
  readonly type: string | undefined
  readonly levels: number
}

/** What kind of room it is: its type (a space, …), and whether it is encrypted. */
export type RoomKind = { readonly type: string | undefined; readonly encrypted: boolean }

export type Graph = {
  /** The room in memory, loaded when it is not; undefined when this server does not have it. */
  readonly room: (roomId: RoomId) => Promise<RoomView | undefined>
  /** The same, compared with the disk first where other processes write too: before a refusal, a no-op or a permission to read. */
  readonly freshRoom: (roomId: RoomId) => Promise<RoomView | undefined>
  /** Appends local events, in order, in one part: build, authorise, hash, sign, commit. 403 with the rule's words when one is refused. */
  readonly append: (roomId: RoomId, templates: readonly Template[], options?: AppendOptions) => Promise<Appended>
  /** Throws what `append` would throw for what is no event, or too large: 413 M_TOO_LARGE, 400 M_BAD_JSON. Whether it is allowed is not asked. */
  readonly checkTemplate: (roomId: RoomId, template: Template) => Promise<void>
  /**
   * Receives PDUs of a room that another server sent, in their order: each is checked, and joined to the room, kept aside, or dropped. What they cite and
   * is not here is asked of that server. Those that are malformed, or signed by nobody, are not in the answer. Never throws for what a PDU says.
   */
  readonly receive: (origin: ServerName, roomId: RoomId, pdus: readonly JsonObject[]) => Promise<ReadonlyMap<EventId, Received>>
  /** Has the policy server of a room asked about another server's PDUs before they are received; undefined where there is none. Never rejects. */
  readonly askBeforehand: (origin: ServerName, roomId: RoomId, pdus: readonly JsonObject[]) => Promise<void> | undefined
  /** An event as it would be appended now, for another server to hash and sign. 404 when this server is not in the room, 403 with the rule's words. */
  readonly propose: (
    roomId: RoomId,
    template: Template,
    signedBy: readonly ServerName[],
  ) => Promise<{ readonly version: string; readonly event: UnsignedPdu }>
  /** Brings in the event that other servers have closest to a moment, where history is missing here and theirs is closer than what we have. */
  readonly bringClosest: (moment: Moment) => Promise<EventId | undefined>
  /** Sees to it that a page of history before a place has what other servers have of it. */
  readonly fillBack: (roomId: RoomId, from: Place, limit: number) => Promise<Filled>
  /** Takes an event that another server made of a proposal. 403 in words when it does not become part of the room. */
  readonly takeHanded: (origin: ServerName, roomId: RoomId, handed: Handed) => Promise<StateEvent>
  /** Takes over a room that one of our users joins over another server, by `join`; what is sent of the room meanwhile waits. 502 M_UNKNOWN when it is none; 403 when its rules refuse the join. */
  readonly enter: (roomId: RoomId, join: () => Promise<Entering>) => Promise<EventId>
  /** Makes a room: the create event first, then the rest, in one part. Returns its id (in version 12 made of the create event). */
  readonly create: (version: string, templates: readonly Template[], options?: CreateOptions) => Promise<{ roomId: RoomId; guard?: string }>

  /** A user's memberships by room. */
  readonly memberships: (userId: UserId) => Promise<ReadonlyMap<RoomId, Membership>>
  /** The same object until one of the user's memberships changes. */
  readonly joinedRooms: (userId: UserId) => Promise<JoinedRooms>
  /** Those who share a joined room with the user, the user excluded. */
  readonly sharing: (userId: UserId) => Promise<ReadonlySet<UserId>>
  /** Membership events of a set of members, from memory or disk. */
  readonly members: (roomId: RoomId, userIds: Iterable<UserId>) => Promise<Map<UserId, StateEvent>>
  /** A user's membership events in a room as far as this server heard of them, newest first; those without a position came as part of a state. */
  readonly membershipEvents: (userId: UserId, roomId: RoomId) => Promise<TimelineEvent[]>
  /** Marks a room forgotten by a user who has left it. 400 M_UNKNOWN when still in it. */
  readonly forget: (roomId: RoomId, userId: UserId) => Promise<void>

  /** The room that a local alias points to. */
  readonly aliasTarget: (alias: RoomAlias) => Promise<RoomId | undefined>
  /** The local aliases of a room. */
  readonly aliasesOf: (roomId: RoomId) => Promise<RoomAlias[]>
  /** What takes an alias for a room: fails with the guard `alias` when it is taken. */
  readonly claimAlias: (alias: RoomAlias, roomId: RoomId, creator: UserId) => { guards: Guard[]; writes: Write[]; log: LogRow[] }
  /** Ends an alias; false when there was none. */
  readonly removeAlias: (alias: RoomAlias) => Promise<boolean>
  /** What gives these aliases of a room to another one. */
  readonly moveAliases: (from: RoomId, aliases: readonly RoomAlias[], to: RoomId) => { writes: Write[]; log: LogRow[] }
  readonly aliasCreator: (alias: RoomAlias) => Promise<UserId | undefined>

  readonly event: (eventId: EventId) => Promise<TimelineEvent | undefined>
  /** Those of these events that there are, in no order. */
  readonly events: (eventIds: readonly EventId[]) => Promise<TimelineEvent[]>
  /** The event, if it is in this room and this user may see it; 404 M_NOT_FOUND otherwise. */
  readonly visibleEvent: (roomId: RoomId, eventId: EventId, userId: UserId) => Promise<Seen>
  /** Of these events, those that the user may see, by the specification's history visibility. */
  readonly visible: (events: readonly TimelineEvent[], userId: UserId) => Promise<Seen[]>
  /** From now on this user's events are served redacted to whoever was not in the room when they were sent. Nothing in rooms changes. */
  readonly erase: (userId: UserId) => Promise<void>
  /** Events that arrived in (after, upTo], the newest `limit` of them, oldest first; `limited` when there were more. */
  readonly arrived: (roomId: RoomId, after: number, upTo: number, limit: number) => Promise<{ events: TimelineEvent[]; limited: boolean }>
  /** A page of a room's history from a place: `b` towards older (before the place), `f` towards newer. */
  readonly page: (roomId: RoomId, from: Place, direction: 'b' | 'f', limit: number) => Promise<TimelineEvent[]>
  /** A room's events sent at a moment or later (`f`), or at it or earlier (`b`), the closest first. */
  readonly sentAround: (roomId: RoomId, timestamp: number, direction: 'b' | 'f', limit: number, offset: number) => Promise<TimelineEvent[]>
  /** The place of a position in a room: just after the last event that had arrived by then. */
  readonly placeOf: (roomId: RoomId, position: number) => Promise<Place>
  /**
   * Bundled aggregations of events that a user may see, as JSON text by event id; events that nothing relates to cost one look into an index.
   * `ignored` is asked for when there are any. https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events
   */
  readonly bundles: (events: readonly Seen[], reader: BundleReader) => Promise<ReadonlyMap<EventId, string>>
  /** A page of the events that relate to one, directly or over others. */
  readonly related: (of: RelatedTo, from: Place, direction: 'b' | 'f', limit: number) => Promise<TimelineEvent[]>
  /** The roots of a room's threads by their newest event, newest first, before a position; of one user's threads alone if `participant` says so. */
  readonly threads: (
    roomId: RoomId,
    before: number,
    limit: number,
    participant: UserId | undefined,
  ) => Promise<{ event: TimelineEvent | undefined; position: number }[]>
  /** State after an event, by its state group: the wanted keys (`[type, stateKey]`), or all. */
  readonly stateOf: (stateGroup: string, wanted?: readonly (readonly [string, string])[]) => Promise<StateEvent[]>
  /** State after an event as text, by its state group; what is still so comes from memory, and what must be read lets other work be done in between. */
  readonly stateTexts: (roomId: RoomId, stateGroup: string) => Promise<readonly StateText[]>
  /** The same of the memberships that are wanted. */
  readonly memberTexts: (roomId: RoomId, stateGroup: string, isWanted: (of: MembershipName) => boolean) => Promise<readonly StateText[]>
  /** Who is joined now and under which profile, as the body of `/joined_members`. */
  readonly joinedMembersText: (roomId: RoomId) => Promise<Uint8Array>
  /** State after an event without its memberships; quicker when it is known of which room. */
  readonly stateWithoutMembers: (stateGroup: string, roomId?: RoomId) => Promise<StateEvent[]>
  /** The position of the last event of each of these rooms, and of others: kept in memory, without loading a room. Live: read it without an await. */
  readonly lastActivity: (roomIds: Iterable<RoomId>) => Promise<ReadonlyMap<RoomId, number>>
  /** The position of the last message or the like of each room, up to a position. */
  readonly bumpStamps: (roomIds: readonly RoomId[], upTo: number) => Promise<ReadonlyMap<RoomId, number>>
  readonly roomKinds: (roomIds: readonly RoomId[]) => Promise<ReadonlyMap<RoomId, RoomKind>>
  /** Of these membership events, those that took the place of a join. */
  readonly endedStays: (eventIds: readonly EventId[]) => Promise<ReadonlySet<EventId>>
  /** Of these rooms, those in which something happened after a position. */
  readonly changedRooms: (roomIds: Iterable<RoomId>, after: number) => Promise<RoomId[]>
  /** Current state that changed in (after, upTo], as it is at `upTo`. */
  readonly stateChanges: (roomId: RoomId, after: number, upTo: number) => Promise<StateEvent[]>
  /** The same without the memberships. */
  readonly stateChangesWithoutMembers: (roomId: RoomId, after: number, upTo: number) => Promise<StateEvent[]>
  /** Of the events whose ids come next after one, those of the past that a search may find; `last` is the id to go on after, while there are more. */
  readonly searchedPast: (after: string, limit: number) => Promise<{ eventIds: EventId[]; last: string | undefined }>
  /** The state group of a room as it was at a position; undefined before its first event. */
  readonly stateGroupAt: (roomId: RoomId, position: number) => Promise<string | undefined>
  /** Who joined or left the rooms in (after, upTo]. */
  readonly membershipChanges: (
    after: number,
    upTo: number,
    rooms: ReadonlySet<RoomId>,
  ) => Promise<{ roomId: RoomId; userId: UserId; membership: MembershipName; position: number }[]>
  /** Of those who joined the rooms in (after, upTo] and are there still, so many; where very much has changed, some are left out. */
  readonly newcomers: (after: number, upTo: number, rooms: ReadonlySet<RoomId>, most: number) => Promise<UserId[]>
  /** What moves how far a user has read a room, or only a thread of it or its `main` timeline: to be written, logged and applied with the caller's part. */
  readonly readMarker: (
    userId: UserId,
    roomId: RoomId,
    position: number,
    threadId: string | undefined,
  ) => { writes: Write[]; log: LogRow[]; applied: () => void }
  /**
   * What a joined member has not read: the events that notify under the rules and the state of the room at each of them, redacted ones left out. Asked
   * again it costs what came since. https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications
   */
  readonly unread: (roomId: RoomId, reader: PushReader) => Promise<Unread>
  /** The rooms that a user has read to their end, without loading any of them: nothing is unread there. */
  readonly readRooms: (userId: UserId) => Promise<ReadonlySet<RoomId>>
  /** Whether a receipt for an event may be one for a thread (its root's id, or `main`): https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts */
  readonly isOfThread: (event: TimelineEvent, threadId: string) => Promise<boolean>
  /** Of these rooms, those in which users of other servers are joined; none of them is loaded for it. */
  readonly sharedRooms: SharedRooms
  /** The rooms in which users of a server are joined, by their ids: looked for through all rooms, for those who administrate. */
  readonly roomsOfServer: (server: ServerName) => Promise<RoomId[]>
  /** What other servers may read of rooms. */
  readonly forServers: ForServers
  /** Goes on with rooms that were entered before their memberships were here. */
  readonly wholeRooms: { readonly resume: () => Promise<void>; readonly stop: () => Promise<void> }
  /** What users of this server are in rooms that it is not in. */
  readonly outside: Outside
  /** Invites a user of another server, which signs the invitation too. 403 when the rules or that server refuse, 502 M_UNKNOWN when it cannot be asked. */
  readonly inviteRemote: (roomId: RoomId, template: Template) => Promise<StateEvent>
  /** The context of push rules at a room's head; undefined when there is no such room. */
  readonly pushContext: (roomId: RoomId, reader: PushReader) => Promise<MovingContext | undefined>
}

/** What push rules ask of a room for one user, walked back in time: told each event before its rules are evaluated, the newest first. */
export type MovingContext = { readonly now: PushContext; readonly before: (event: TimelineEvent) => void }
