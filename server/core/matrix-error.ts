import type { JsonObject } from './json.ts'

/** An error that a client or a server should see: a status, a code and words. https://spec.matrix.org/v1.19/client-server-api/#standard-error-response */
export class MatrixError extends Error {
  readonly status: number
  readonly errcode: string
  readonly fields: JsonObject

  constructor(status: number, errcode: string, message: string, fields: JsonObject = {}) {
    super(message)
    this.name = 'MatrixError'
    this.status = status
    this.errcode = errcode
    this.fields = fields
  }

  /** The body of the response. */
  toJSON(): JsonObject {
    return { ...this.fields, errcode: this.errcode, error: this.message }
  }
}

type Maker = (message?: string, fields?: JsonObject) => MatrixError

function maker(status: number, errcode: string, words: string): Maker {
  return (message = words, fields = {}) => new MatrixError(status, errcode, message, fields)
}

export const badAlias = maker(400, 'M_BAD_ALIAS', 'the alias does not point to this room')
export const badJson = maker(400, 'M_BAD_JSON', 'the JSON is not what this endpoint asks for')
export const badState = maker(400, 'M_BAD_STATE', 'the state change is not possible')
export const badStatus = maker(502, 'M_BAD_STATUS', 'the application service answered with an error')
export const cannotLeaveServerNoticeRoom = maker(403, 'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM', 'this room cannot be left')
export const cannotOverwriteMedia = maker(409, 'M_CANNOT_OVERWRITE_MEDIA', 'this media has been uploaded already')
export const conflict = maker(409, 'M_UNKNOWN', 'the request collided with another one')
export const connectionFailed = maker(502, 'M_CONNECTION_FAILED', 'the application service cannot be reached')
export const connectionTimeout = maker(504, 'M_CONNECTION_TIMEOUT', 'the application service did not answer in time')
export const duplicateAnnotation = maker(400, 'M_DUPLICATE_ANNOTATION', 'the same annotation was sent before')
export const exclusive = maker(400, 'M_EXCLUSIVE', 'this name belongs to an application service')
export const forbidden = maker(403, 'M_FORBIDDEN', 'not allowed')
export const guestAccessForbidden = maker(403, 'M_GUEST_ACCESS_FORBIDDEN', 'guests are not allowed here')
export const incompatibleRoomVersion = maker(400, 'M_INCOMPATIBLE_ROOM_VERSION', 'the room has a version that the server does not offer')
export const invalidParam = maker(400, 'M_INVALID_PARAM', 'a parameter has a wrong value')
export const invalidRoomState = maker(400, 'M_INVALID_ROOM_STATE', 'the initial state of the room is not possible')
export const invalidSignature = maker(400, 'M_INVALID_SIGNATURE', 'a signature is not valid')
export const invalidUsername = maker(400, 'M_INVALID_USERNAME', 'this is not a valid user name')
export const inviteBlocked = maker(403, 'M_INVITE_BLOCKED', 'this user takes no invitations from you')
export const keyTooLarge = maker(400, 'M_KEY_TOO_LARGE', 'the name of the field is too long')
export const methodNotAllowed = maker(405, 'M_UNRECOGNIZED', 'this path knows no such method')
export const missingParam = maker(400, 'M_MISSING_PARAM', 'a required parameter is missing')
export const missingToken = maker(401, 'M_MISSING_TOKEN', 'an access token is required')
export const notFound = maker(404, 'M_NOT_FOUND', 'not found')
export const notJson = maker(400, 'M_NOT_JSON', 'the body is not JSON')
export const notYetUploaded = maker(504, 'M_NOT_YET_UPLOADED', 'this media has not been uploaded yet')
export const profileTooLarge = maker(400, 'M_PROFILE_TOO_LARGE', 'the profile would be too large')
export const resourceLimitExceeded = maker(403, 'M_RESOURCE_LIMIT_EXCEEDED', 'the server has reached a limit of its own')
export const roomInUse = maker(400, 'M_ROOM_IN_USE', 'this room alias is taken')
export const serverNotTrusted = maker(400, 'M_SERVER_NOT_TRUSTED', 'that server is not trusted')
export const threepidDenied = maker(403, 'M_THREEPID_DENIED', 'this third-party identifier is not allowed')
export const threepidInUse = maker(400, 'M_THREEPID_IN_USE', 'this third-party identifier is in use')
export const threepidNotFound = maker(400, 'M_THREEPID_NOT_FOUND', 'no such third-party identifier')
export const tooLarge = maker(413, 'M_TOO_LARGE', 'the request is too large')
export const unableToAuthoriseJoin = maker(400, 'M_UNABLE_TO_AUTHORISE_JOIN', 'the server cannot tell whether the join is allowed')
export const unableToGrantJoin = maker(400, 'M_UNABLE_TO_GRANT_JOIN', 'no user of this server may let the joiner in')
export const unauthorized = maker(401, 'M_UNAUTHORIZED', 'the request is not authorised')
export const unknown = maker(400, 'M_UNKNOWN', 'something is wrong with the request')
export const unknownDevice = maker(400, 'M_UNKNOWN_DEVICE', 'no such device')
export const unknownPos = maker(400, 'M_UNKNOWN_POS', 'the connection has expired')
export const unreachable = maker(502, 'M_UNKNOWN', 'the other server cannot be reached, or made no sense')
export const unrecognized = maker(404, 'M_UNRECOGNIZED', 'no such endpoint')
export const unsupportedRoomVersion = maker(400, 'M_UNSUPPORTED_ROOM_VERSION', 'the server does not support this room version')
export const urlNotSet = maker(400, 'M_URL_NOT_SET', 'the application service has no URL')
export const userDeactivated = maker(403, 'M_USER_DEACTIVATED', 'this account has been deactivated')
export const userInUse = maker(400, 'M_USER_IN_USE', 'this user name is taken')
export const userSuspended = maker(403, 'M_USER_SUSPENDED', 'this account is suspended')
export const wrongRoomKeysVersion = maker(403, 'M_WRONG_ROOM_KEYS_VERSION', 'this is not the current version of the backup')
export const appserviceLoginUnsupported = maker(400, 'M_APPSERVICE_LOGIN_UNSUPPORTED', 'application services cannot log in here')

/** 401 for a token that is not (or no longer) known. A soft logout tells the client to keep its data and log in again. */
export function unknownToken(options: { softLogout?: boolean; message?: string } = {}): MatrixError {
  const fields = options.softLogout ? { soft_logout: true } : {}
  return new MatrixError(401, 'M_UNKNOWN_TOKEN', options.message ?? 'unknown access token', fields)
}

/** 401 for a locked account; the client keeps its session. */
export function userLocked(message = 'this account is locked'): MatrixError {
  return new MatrixError(401, 'M_USER_LOCKED', message, { soft_logout: true })
}

/** 429 with the time after which a request may succeed; the HTTP wall derives `Retry-After` from `retry_after_ms`. */
export function limitExceeded(retryAfterMs: number): MatrixError {
  return new MatrixError(429, 'M_LIMIT_EXCEEDED', 'too many requests', { retry_after_ms: Math.max(0, Math.ceil(retryAfterMs)) })
}

/** 400 for a room version that this server cannot join; names the version. */
export function incompatibleVersion(roomVersion: string): MatrixError {
  return incompatibleRoomVersion(undefined, { room_version: roomVersion })
}
