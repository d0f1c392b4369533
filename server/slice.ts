import type { JsonObject } from './core/canonical-json.ts'
import type { Edu } from './core/edu.ts'
import type { DeviceId, EventId, RoomId, ServerName, UserId } from './core/ids.ts'
import type { Graph } from './graph/graph.ts'
import type { Home } from './home.ts'
import type { AppService, Endpoint } from './http/endpoint.ts'
import type { People } from './people/people.ts'
import type { Logged } from './storage/database.ts'

/** What a slice is built from. */
export type Tools = { readonly home: Home; readonly people: People; readonly graph: Graph }

/** One part of the Matrix specification, plugged in as data. A slice never imports a slice. */
export type Slice = {
  readonly name: string
  readonly endpoints?: readonly Endpoint[]
  readonly sections?: readonly Section[]
  readonly edus?: readonly EduReceiver[]
  readonly broadcasts?: readonly Broadcast[]
  readonly readers?: readonly Reader[]
  /** Called with every server that has signed a request. */
  readonly heardFrom?: (server: ServerName) => void
  readonly forget?: Forget
}

/** A device asks, waits for so long at most, and wants to be seen like this. */
export type Polls = { readonly as: 'online' | 'offline' | 'unavailable'; readonly milliseconds: number }

/** For whom a section speaks. */
export type Audience =
  | { readonly kind: 'device'; readonly userId: UserId; readonly deviceId: DeviceId | undefined; readonly polls?: Polls }
  | { readonly kind: 'appservice'; readonly service: AppService }

/** What a section has to say; each list holds events in the client-server format. */
export type Piece = {
  toDevice?: JsonObject[]
  /** Set when more messages wait than one answer holds: how far `toDevice` goes, for the token (`encodeToken(upTo, toDeviceUpTo)`). */
  toDeviceUpTo?: number
  deviceLists?: { changed: UserId[]; left: UserId[] }
  /** Key counts of the audience's device; for an application service by user and device. */
  oneTimeKeyCounts?: JsonObject
  unusedFallbackKeyTypes?: string[] | JsonObject
  accountData?: JsonObject[]
  presence?: JsonObject[]
  rooms?: Map<RoomId, { ephemeral?: JsonObject[]; accountData?: JsonObject[] }>
}

export type Between = {
  readonly audience: Audience
  /** Exclusive; 0 for all there is (a first sync). */
  readonly after: number
  /** Inclusive. */
  readonly upTo: number
  /** The log rows of this audience in (after, upTo] of this section's kinds, or undefined when memory does not reach back: then ask the tables. */
  readonly rows: readonly Logged[] | undefined
  /** The rooms that the audience is in now (joined); rooms newly joined since `after` are in `newRooms` too and are told whole. */
  readonly rooms: ReadonlySet<RoomId>
  readonly newRooms: ReadonlySet<RoomId>
  /** Where new rooms are not told whole: the position of the first event that is shown of each. What says something of earlier ones is left out. */
  readonly shownFrom?: ReadonlyMap<RoomId, number>
  /** How many send-to-device messages are wanted at most; without it the section's own limit. */
  readonly most?: number
}

/** What there is between two positions for an audience; `/sync`, application services and federation read the same sections. */
export type Section = {
  readonly name: string
  /** The log kinds it reads; with none of them in (after, upTo] it is not asked (unless `always`). */
  readonly kinds: readonly string[]
  /** Asked although none of its kinds is there: at every look, or once for each answer (what is told always and is no news, as key counts are). */
  readonly always?: 'look' | 'answer'
  readonly between: (between: Between) => Promise<Piece | undefined> | Piece | undefined
  /** The audience has shown that it holds everything up to here (it came back with the token, or took the transaction): clean up. */
  readonly acknowledge?: (audience: Audience, upTo: number) => Promise<void> | void
}

/**
 * Takes one type of EDU from another server; called in the order in which a server sent them, each when the one before is done. What is malformed, or
 * speaks for somebody who is not of `origin`, is left out in silence; throws only when this server could not do it.
 */
export type EduReceiver = { readonly type: string; readonly receive: (content: JsonObject, origin: ServerName) => Promise<void> }

/** What other servers are to be told of that is no event: read from the log, as EDUs with the servers that each is for, in their order. */
export type Broadcast = {
  /** The log kinds it reads. */
  readonly kinds: readonly string[]
  /**
   * One kept for a server that cannot be reached takes the place of an earlier one of the same key; without a key all are kept and sent, but for the oldest
   * of very many. `gapIsSeen`: whoever is told the last notices that there were others, and asks; so all are sent to a server that takes what it is sent.
   */
  readonly between: (rows: readonly Logged[]) => Promise<readonly Told[]>
}
export type Told = { readonly edu: Edu; readonly servers: Iterable<ServerName>; readonly key?: string; readonly gapIsSeen?: boolean }

/** Runs after the events it reads; keeps its own position. Started once the server listens, ended before it drains. */
export type Reader = { readonly name: string; readonly start: () => Promise<void> | void; readonly stop: () => Promise<void> }

export type Forget = {
  readonly user?: (userId: UserId) => Promise<void>
  readonly device?: (userId: UserId, deviceId: DeviceId) => Promise<void>
  readonly room?: (roomId: RoomId) => Promise<void>
  readonly event?: (eventId: EventId) => Promise<void>
}
