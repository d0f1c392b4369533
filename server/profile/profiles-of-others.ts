import { parseMxc, serverNameOf, type UserId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { MatrixError } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { relayedError } from '../remote/relayed-error.ts'
import { createQuestions } from '../remote/turns.ts'
import { isKey, maxAvatarUrl, maxDisplayName, maxProfileBytes } from './profile-fields.ts'

/** What a user of another server says of themselves. 403, 404, 502 or 504 as that server has it, or when it does not say. */
export type FetchProfile = (userId: UserId) => Promise<JsonObject>

type Known = { readonly profile: JsonObject | MatrixError; readonly bytes: number; readonly until: number }

const keptFor = 5 * 60_000
const failuresKeptFor = 30_000
const mostKeptBytes = 16 * 1024 * 1024
const timeoutMs = 10_000

/**
 * Asks other servers for profiles, and remembers the answers for some minutes: "Requesting servers MAY wish to cache the response".
 * https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile
 */
export function createProfilesOfOthers({ peers, clock }: Pick<Home, 'peers' | 'clock'>): FetchProfile {
  const known = new Map<UserId, Known>()
  const asking = new Map<UserId, Promise<JsonObject | MatrixError>>()
  const inTurn = createQuestions()
  let bytes = 0

  function forget(userId: UserId): void {
    bytes -= known.get(userId)?.bytes ?? 0
    known.delete(userId)
  }
  function keep(userId: UserId, profile: JsonObject | MatrixError): JsonObject | MatrixError {
    const isFailure = profile instanceof MatrixError
    const size = 500 + (isFailure ? 0 : JSON.stringify(profile).length * 2)
    forget(userId)
    known.set(userId, { profile, bytes: size, until: clock.now() + (isFailure ? failuresKeptFor : keptFor) })
    bytes += size
    while (bytes > mostKeptBytes) forget(known.keys().next().value as UserId)
    return profile
  }
  return async (userId) => {
    const kept = known.get(userId)
    if (kept !== undefined && kept.until > clock.now()) return given(kept.profile)
    const running = asking.get(userId) ?? inTurn(serverNameOf(userId), () => ask(peers, userId)).then((profile) => keep(userId, profile))
    asking.set(userId, running)
    return given(await running.finally(() => asking.delete(userId)))
  }
}

function given(profile: JsonObject | MatrixError): JsonObject {
  if (profile instanceof MatrixError) throw profile
  return profile
}

async function ask(peers: Home['peers'], userId: UserId): Promise<JsonObject | MatrixError> {
  const uri = `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(userId)}`
  const answer = await peers.fetchJson({ destination: serverNameOf(userId), method: 'GET', uri, timeoutMs, limit: 2 * maxProfileBytes })
  if (!answer.ok || answer.status !== 200) return relayedError(answer, 'there is no such user')
  return profileOf(answer.body)
}

/** The fields that could be fields here too; none of a profile that is too large. */
function profileOf(told: JsonObject): JsonObject {
  const fields = Object.entries(told).filter((field): field is [string, Json] => isField(...field))
  const profile = Object.fromEntries(fields)
  return Buffer.byteLength(JSON.stringify(profile)) > maxProfileBytes ? {} : profile
}

function isField(key: string, value: Json | undefined): boolean {
  if (value === undefined || value === null || !isKey(key)) return false
  if (key === 'displayname') return typeof value === 'string' && value.length <= maxDisplayName
  if (key === 'avatar_url') return typeof value === 'string' && value.length <= maxAvatarUrl && parseMxc(value) !== undefined
  return true
}
