import { canonicalJson } from '../core/canonical-json.ts'
import { readOptionalBoolean, readOptionalObject, readOptionalText, readText } from '../core/fields.ts'
import type { DeviceId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { invalidParam, missingParam } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { PusherRow } from './pushers.store.ts'

/** Where notifications of a user go. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset */
export type Pusher = {
  readonly userId: UserId
  readonly appId: string
  readonly pushkey: string
  readonly deviceId: DeviceId | undefined
  readonly enabled: boolean
  /** Seconds since the epoch. */
  readonly changedAt: number
  /** As the client wrote it: `kind`, names, `lang`, `profile_tag`, `data`. */
  readonly description: JsonObject
}

export type PusherKey = Pick<Pusher, 'userId' | 'appId' | 'pushkey'>

/** Rows of the log that tell which pusher was set that was not there before, or not enabled. */
export const setKind = 'pusher_set'

/** The name of a pusher among all. */
export function nameOf({ userId, appId, pushkey }: PusherKey): string {
  return JSON.stringify([userId, appId, pushkey])
}

const longestAppId = 64
const longestPushkey = 512
const largestData = 16_384
const gatewayPath = '/_matrix/push/v1/notify'
const named = ['app_display_name', 'device_display_name', 'lang'] as const

/** Which pusher a body is about. 400 M_MISSING_PARAM, M_BAD_JSON, M_INVALID_PARAM. */
export function readPusherKey(body: JsonObject): { appId: string; pushkey: string } {
  const appId = readText(body, 'app_id')
  const pushkey = readText(body, 'pushkey')
  if (!isPlainText(appId, 4 * longestAppId) || [...appId].length > longestAppId)
    throw invalidParam(`\`app_id\` has 1 to ${longestAppId} characters`)
  if (!isPlainText(pushkey, longestPushkey)) throw invalidParam(`\`pushkey\` has 1 to ${longestPushkey} bytes`)
  return { appId, pushkey }
}

/** What a body says of an HTTP pusher. `plainHttp`: gateways need not speak HTTPS. 400 M_MISSING_PARAM, M_BAD_JSON, M_INVALID_PARAM. */
export function readDescription(body: JsonObject, plainHttp: boolean): { description: JsonObject; enabled: boolean } {
  const names = Object.fromEntries(named.map((name) => [name, readText(body, name)]))
  const profileTag = readOptionalText(body, 'profile_tag')
  const data = readOptionalObject(body, 'data')
  if (data === undefined) throw missingParam('`data` is missing')
  checkGateway(readText(data, 'url'), plainHttp)
  const description = { kind: 'http', ...names, ...(profileTag === undefined ? {} : { profile_tag: profileTag }), data }
  if (Buffer.byteLength(canonicalJson(description, false)) > largestData) throw invalidParam(`a pusher has at most ${largestData} bytes`)
  return { description, enabled: readOptionalBoolean(body, 'org.matrix.msc3881.enabled') ?? true }
}

function checkGateway(text: string, plainHttp: boolean): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isKnown = url?.protocol === 'https:' || (plainHttp && url?.protocol === 'http:')
  if (!isKnown || url?.pathname !== gatewayPath || url.username || url.password)
    throw invalidParam(`\`data.url\` must be an HTTPS address that ends in ${gatewayPath}`)
}

/** A pusher as clients see it. */
export function pusherContent({ appId, pushkey, deviceId, enabled, description }: Pusher): JsonObject {
  return {
    ...description,
    app_id: appId,
    pushkey,
    'org.matrix.msc3881.enabled': enabled,
    ...(deviceId === undefined ? {} : { 'org.matrix.msc3881.device_id': deviceId }),
  }
}

/** A row as a pusher. */
export function pusherOf(row: PusherRow): Pusher {
  return {
    userId: row.user_id as UserId,
    appId: row.app_id,
    pushkey: row.pushkey,
    deviceId: row.device_id ?? undefined,
    enabled: row.enabled === 1,
    changedAt: row.changed_at,
    description: JSON.parse(row.description) as JsonObject,
  }
}
