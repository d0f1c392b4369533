import type { DeviceId, RoomAlias, UserId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { PushReader } from '../core/push-reader.ts'
import type { Authenticate } from '../http/client-auth.ts'
import type { AppService, Call, Requester } from '../http/endpoint.ts'
import type { Guard, Write } from '../storage/database.ts'
import type { Passed, Stage } from './interaction/interaction.ts'
import type { InteractionSession, Operation } from './interaction/interaction-session.ts'

export type Account = {
  readonly userId: UserId
  readonly admin: boolean
  readonly deactivated: boolean
  readonly locked: boolean
  readonly suspended: boolean
  readonly hasPassword: boolean
  /** The service whose namespace made it, or undefined. */
  readonly serviceId: string | undefined
  readonly createdAt: number
}

export type NewAccount = {
  readonly userId: UserId
  /** Undefined: no password login. */
  readonly password: string | undefined
  readonly admin: boolean
  readonly serviceId: string | undefined
  /** The `displayname` of their profile; none without it. */
  readonly displayName?: string
  /** Refused (403) when there is an administrator already. */
  readonly onlyAsFirstAdmin?: boolean
  /** Written and guarded with the account, or not at all. A failed guard of the caller's comes back by name. */
  readonly guards?: readonly Guard[]
  readonly writes?: readonly Write[]
}

export type Device = {
  readonly deviceId: DeviceId
  readonly displayName: string | undefined
  readonly lastSeenIp: string | undefined
  readonly lastSeenAt: number | undefined
}

/** Tokens are given out once and stored hashed. */
export type NewSession = {
  readonly accessToken: string
  readonly deviceId: DeviceId | undefined
  readonly refreshToken: string | undefined
  readonly expiresInMilliseconds: number | undefined
}

/**
 * What every slice needs to know of who asks. Log rows, with the user id as key: `session` when sessions or devices changed so that what is
 * remembered of them is void, `device_list` when a device was made, renamed or removed.
 */
export type People = {
  /**
   * The requester of a token; 401 M_UNKNOWN_TOKEN (with soft_logout when it has expired) or M_USER_LOCKED otherwise. `userId` and `deviceId` are an
   * application service's masquerading: 403 M_FORBIDDEN for a user that is not its own or not registered, 400 M_UNKNOWN_DEVICE.
   */
  readonly authenticate: Authenticate
  /** Called whenever a service asks something under its token: it is alive. Must be cheap. */
  readonly onServiceSeen: (seen: (service: AppService) => void) => void

  readonly services: readonly AppService[]
  /** The services whose user namespaces (or sender) match. */
  readonly servicesOf: (userId: UserId) => readonly AppService[]
  readonly service: (id: string) => AppService | undefined
  /** The service (other than `own`) that has this user id for itself. */
  readonly exclusiveServiceOf: (userId: UserId, own?: AppService) => AppService | undefined

  /** Whether a local user exists; the services (but `asking`) in whose namespaces an unknown one is are asked, and may make it. */
  readonly userExists: (userId: UserId, asking?: AppService) => Promise<boolean>
  /** Asks the services (but `asking`) in whose namespaces an unknown local alias is; true when one has given it to a room. */
  readonly queryAlias: (alias: RoomAlias, asking?: AppService) => Promise<boolean>

  /** The user as one whom events notify: push rules and those who are ignored, from memory. */
  readonly pushReader: (userId: UserId) => Promise<PushReader>

  readonly account: (userId: UserId) => Promise<Account | undefined>
  /** 400 M_USER_IN_USE when there is one. */
  readonly createAccount: (of: NewAccount) => Promise<{ guard?: string }>
  /** A local user's profile fields (`displayname`, `avatar_url` and others), as membership events and queries show them; `{}` when unknown. The table is people's; the profile slice writes through here. */
  readonly profile: (
    userId: UserId,
  ) => Promise<{ readonly displayname?: string; readonly avatar_url?: string; readonly [field: string]: Json | undefined }>
  /** Sets (or, with undefined, deletes) one profile field. */
  readonly setProfileField: (userId: UserId, field: string, value: Json | undefined) => Promise<void>
  /** Counts a login of this account; 429 M_LIMIT_EXCEEDED when there were too many. */
  readonly countLogin: (userId: UserId) => void
  /** True when it is the account's password; costs a hash even when there is no such account. 429 M_LIMIT_EXCEEDED after too many wrong ones. */
  readonly checkPassword: (userId: UserId, password: string) => Promise<boolean>
  /**
   * User-interactive authentication by password: returns when the call's `auth` proves it, or when a service asks; throws the 401 with flows and a
   * session otherwise. https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
   */
  readonly confirmByPassword: (call: Call<'access_token'>) => Promise<void>
  /** Passes when the call (without a token: of somebody who registers) proves one of the flows; throws the 401 otherwise. */
  readonly interact: (operation: Operation, flows: readonly (readonly Stage[])[]) => Promise<Passed>
  /** The session of an id that this server gave, for its fallback pages. */
  readonly interaction: (sessionId: string) => InteractionSession | undefined
  /** Notes that a stage of a session was completed on a fallback page. */
  readonly completeStage: (session: InteractionSession, type: string, detail: string, body: string) => Promise<void>

  /**
   * A session; with a device unless `deviceId` is null (a device of that id is taken over: its old sessions end). 403 M_USER_DEACTIVATED when the
   * account is no more.
   */
  readonly createSession: (of: {
    userId: UserId
    deviceId: DeviceId | undefined | null
    displayName: string | undefined
    refreshable: boolean
  }) => Promise<NewSession>
  /** 401 M_UNKNOWN_TOKEN when it is unknown, or was used after its successors were (then the session ends). */
  readonly refresh: (refreshToken: string) => Promise<NewSession>
  /** Ends the session and its device. */
  readonly endSession: (requester: Requester) => Promise<void>
  /** Ends all sessions of a user, with their devices. */
  readonly endAllSessions: (userId: UserId) => Promise<void>

  readonly devices: (userId: UserId) => Promise<Device[]>
  /** The devices of many users at once; each of the users is in the map. */
  readonly devicesOf: (userIds: readonly UserId[]) => Promise<Map<UserId, Device[]>>
  readonly device: (userId: UserId, deviceId: DeviceId) => Promise<Device | undefined>
  /** Makes or renames a device without a session (application services); `made` tells which. Without a name the name stays. */
  readonly putDevice: (userId: UserId, deviceId: DeviceId, displayName: string | undefined) => Promise<{ made: boolean }>
  /** The device that collects messages without a session, with what its owner keeps of it. */
  readonly dehydratedDevice: (userId: UserId) => Promise<{ readonly deviceId: DeviceId; readonly data: JsonObject } | undefined>
  readonly setDehydratedDevice: (userId: UserId, deviceId: DeviceId, data: JsonObject) => Promise<void>
  /** Ends devices, their sessions and all that slices keep for them (their `forget.device`). */
  readonly removeDevices: (userId: UserId, deviceIds: readonly DeviceId[]) => Promise<void>
  /** Locks or suspends an account, or sets it free. */
  readonly setStanding: (userId: UserId, of: { locked?: boolean | undefined; suspended?: boolean | undefined }) => Promise<void>
  /** Sets a password. `ending` ends all sessions and devices but those to be kept; without it all go on. 400 M_INVALID_PARAM when it is too long. */
  readonly setPassword: (
    userId: UserId,
    password: string,
    ending: { keepDevice: DeviceId | undefined; keepSession: string } | undefined,
  ) => Promise<void>
  /** Ends an account: nobody logs in any more, its sessions, devices, profile and account data are gone. `finishDeactivation` is to follow. */
  readonly deactivate: (userId: UserId) => Promise<void>
  /** Has the slices forget the user (their `forget.user`), and notes that nothing is left to do. */
  readonly finishDeactivation: (userId: UserId) => Promise<void>
  /** Those whose account was ended and not cleared away to the end. */
  readonly deactivating: () => Promise<UserId[]>
  /** Slices' clean-up, called by the composition root once. */
  readonly onUserRemoved: (forget: (userId: UserId) => Promise<void>) => void
  /** Slices' clean-up, called by the composition root once. */
  readonly onDeviceRemoved: (forget: (userId: UserId, deviceId: DeviceId) => Promise<void>) => void
}
