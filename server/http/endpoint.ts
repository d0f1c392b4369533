import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonObject } from '../core/canonical-json.ts'
import type { DeviceId, UserId } from '../core/ids.ts'
import type { ServiceNamespaces } from '../core/namespaces.ts'

/** Who asks: an account's session (with a device or without), or an application service acting as one of its users. */
export type Requester = {
  readonly userId: UserId
  readonly deviceId: DeviceId | undefined
  /** Scopes transaction ids and typing: the session, or the service's id; survives token refresh. */
  readonly session: string
  readonly admin: boolean
  /** May read and tidy up, but not take part. https://spec.matrix.org/v1.19/client-server-api/#account-suspension */
  readonly suspended?: boolean
  /** Present when the token is an application service's. */
  readonly service: AppService | undefined
}

/** A registered application service, as its file says. https://spec.matrix.org/v1.19/application-service-api/#registration */
export type AppService = {
  readonly id: string
  readonly url: string | null
  readonly asToken: string
  readonly hsToken: string
  readonly sender: UserId
  readonly namespaces: ServiceNamespaces
  readonly rateLimited: boolean
  readonly receiveEphemeral: boolean
  readonly receiveDevices: boolean
  readonly protocols: readonly string[]
}

/**
 * What an endpoint asks for. With `as_token?` a token is optional and speaks for itself: `user_id` and `device_id` in the query are not looked at
 * (registration and login of users that may not exist yet).
 */
export type Auth = 'none' | 'access_token' | 'access_token?' | 'as_token' | 'as_token?' | 'x-matrix'

export type Call<A extends Auth = Auth> = {
  readonly requester: A extends 'access_token' | 'as_token'
    ? Requester
    : A extends 'access_token?' | 'as_token?'
      ? Requester | undefined
      : undefined
  /** The server that signed the request, for `x-matrix`. */
  readonly origin: A extends 'x-matrix' ? string : undefined
  /** Path parameters, percent-decoded once. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** The parsed object, `{}` when `body` is 'none' or an optional body is missing. */
  readonly body: JsonObject
  /** The path without query and with aliases resolved: the scope of transaction ids. */
  readonly path: string
  /** The request itself: to stream a body (`body: 'stream'`), never to read the token from. */
  readonly request: IncomingMessage
  /** For replies that stream; a handler that used it answers `undefined`. */
  readonly response: ServerResponse
  readonly ip: string
  /** Aborted when the client has gone or the server drains. */
  readonly signal: AbortSignal
}

/** What a handler answers: an object is sent as JSON, a string or bytes as they are (JSON unless `headers` say otherwise). `undefined`: it answered itself. */
export type Reply = {
  readonly status?: number
  readonly body: JsonObject | string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

export type Endpoint = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** As in the specification: `/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`; a last `{name*}` takes the rest, slashes too. */
  readonly path: string
  /** Other paths of the same operation: unstable names, r0 and v1 of old clients. */
  readonly aliases?: readonly string[]
  readonly operationId: string
  /** Operations of the specification that share path and verb, and are answered by the same. */
  readonly alsoOperations?: readonly string[]
  readonly auth: Auth
  /** 'json' asks for an object, 'json?' takes a missing body for `{}`, 'stream' leaves the body to the handler, 'none' ignores it. */
  readonly body: 'json' | 'json?' | 'stream' | 'none'
  /** Bytes; 1 MiB unless told. */
  readonly limit?: number
  /** The bucket of the rate limit, when the specification documents a 429. */
  readonly rate?:
    | 'message'
    | 'login'
    | 'registration'
    | 'token_validity'
    | 'join'
    | 'invite'
    | '3pid'
    | 'report'
    | 'create_room'
    | 'create_media'
    | 'search_users'
    | 'delayed_event'
    | 'other'
  readonly handle: (call: Call) => Promise<Reply | undefined> | Reply | undefined
}

/** Declares an endpoint with the requester's type as its `auth` says. */
export function endpoint<A extends Auth>(
  of: Omit<Endpoint, 'auth' | 'handle'> & {
    readonly auth: A
    readonly handle: (call: Call<A>) => Promise<Reply | undefined> | Reply | undefined
  },
): Endpoint {
  return of as unknown as Endpoint
}
