import type { DeviceId, RoomAlias, UserId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Authenticate } from '../http/client-auth.ts'
import type { AppService, Requester } from '../http/endpoint.ts'
import type { Guard, Write } from '../storage/database.ts'

export type Account = {
  readonly userId: UserId
  readonly admin: boolean
  readonly deactivated: boolean
  readonly locked: boolean
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

  readonly account: (userId: UserId) => Promise<Account | undefined>
  /** 400 M_USER_IN_USE when there is one. */
  readonly createAccount: (of: NewAccount) => Promise<{ guard?: string }>
  /** A local user's profile fields (`displayname`, `avatar_url` and others), as membership events and queries show them; `{}` when unknown. The table is people's; the profile slice writes through here. */
  readonly profile: (
    userId: UserId,
  ) => Promise<{ readonly displayname?: string; readonly avatar_url?: string; readonly [field: string]: Json | undefined }>
  /** Sets (or, with undefined, deletes) one profile field. */
  readonly setProfileField: (userId: UserId, field: string, value: Json | undefined) => Promise<void>
  /** True when it is the account's password; costs a hash even when there is no such account. */
  readonly checkPassword: (userId: UserId, password: string) => Promise<boolean>
  /**
   * User-interactive authentication by password: returns when `body.auth` proves it, or when a service asks; throws the 401 with flows and a session
   * otherwise. https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
   */
  readonly confirmByPassword: (requester: Requester, body: JsonObject) => Promise<void>

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
  readonly device: (userId: UserId, deviceId: DeviceId) => Promise<Device | undefined>
  /** Makes or renames a device without a session (application services); `made` tells which. Without a name the name stays. */
  readonly putDevice: (userId: UserId, deviceId: DeviceId, displayName: string | undefined) => Promise<{ made: boolean }>
  /** Ends devices, their sessions and all that slices keep for them (their `forget.device`). */
  readonly removeDevices: (userId: UserId, deviceIds: readonly DeviceId[]) => Promise<void>
  /** Slices' clean-up, called by the composition root once. */
  readonly onDeviceRemoved: (forget: (userId: UserId, deviceId: DeviceId) => Promise<void>) => void
}
