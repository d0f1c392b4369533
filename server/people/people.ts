import type { DeviceId, UserId } from '../core/ids.ts'
import type { AppService, Requester } from '../http/endpoint.ts'

export type Account = {
  readonly userId: UserId
  readonly admin: boolean
  readonly deactivated: boolean
  /** The service whose namespace made it, or undefined. */
  readonly serviceId: string | undefined
  readonly createdAt: number
}

export type Device = { readonly deviceId: DeviceId; readonly displayName: string | undefined; readonly lastSeenIp: string | undefined; readonly lastSeenAt: number | undefined }

/** Tokens are given out once and stored hashed. */
export type NewSession = {
  readonly accessToken: string
  readonly deviceId: DeviceId | undefined
  readonly refreshToken: string | undefined
  readonly expiresInMilliseconds: number | undefined
}

/** What every slice needs to know of who asks. */
export type People = {
  /** The requester of a token; 401 M_UNKNOWN_TOKEN, 403 M_EXCLUSIVE and the like otherwise. `userId` and `deviceId` are an application service's masquerading. */
  readonly authenticate: (token: string, as: { userId: string | undefined; deviceId: string | undefined; ip: string }) => Promise<Requester>

  readonly services: readonly AppService[]
  /** The services whose user namespaces (or sender) match. */
  readonly servicesOf: (userId: UserId) => readonly AppService[]
  readonly service: (id: string) => AppService | undefined

  readonly account: (userId: UserId) => Promise<Account | undefined>
  /** 400 M_USER_IN_USE when there is one. `password` undefined: no password login. */
  readonly createAccount: (of: { userId: UserId; password: string | undefined; admin: boolean; serviceId: string | undefined }) => Promise<void>
  /** True when it is the account's password; costs a hash even when there is no such account. */
  readonly checkPassword: (userId: UserId, password: string) => Promise<boolean>

  /** A session; with a device unless `deviceId` is null (a device of that id is taken over: its old sessions end). */
  readonly createSession: (of: {
    userId: UserId
    deviceId: DeviceId | undefined | null
    displayName: string | undefined
    refreshable: boolean
  }) => Promise<NewSession>
  /** 401 M_UNKNOWN_TOKEN when it is unknown or was used before the new one was confirmed by use (then the family is revoked). */
  readonly refresh: (refreshToken: string) => Promise<NewSession>
  readonly endSession: (requester: Requester) => Promise<void>
  readonly endAllSessions: (userId: UserId) => Promise<void>

  readonly devices: (userId: UserId) => Promise<Device[]>
  readonly device: (userId: UserId, deviceId: DeviceId) => Promise<Device | undefined>
  /** Makes or renames a device without a session (application services); `made` tells which. */
  readonly putDevice: (userId: UserId, deviceId: DeviceId, displayName: string | undefined) => Promise<{ made: boolean }>
  /** Ends the device, its sessions and all that slices keep for it (their `forget.device`). */
  readonly removeDevices: (userId: UserId, deviceIds: readonly DeviceId[]) => Promise<void>
  /** Slices' clean-up, called by the composition root once. */
  readonly onDeviceRemoved: (forget: (userId: UserId, deviceId: DeviceId) => Promise<void>) => void
}
