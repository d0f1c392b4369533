import { isUserId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { MatrixError } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'

/**
 * The 401 of user-interactive authentication. Each flow here has one stage and each proof comes with the request that it is for, so nothing is kept
 * between two requests and a session id gives nobody anything. Without a failed attempt there is no errcode: clients would show it.
 * https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
 */
export class InteractionRequired extends MatrixError {
  readonly failure: { readonly errcode: string; readonly error: string } | undefined

  constructor(of: { stages: readonly string[]; session: string; failure?: { errcode: string; error: string } }) {
    const flows = of.stages.map((stage) => ({ stages: [stage] }))
    super(401, of.failure?.errcode ?? 'M_UNAUTHORIZED', of.failure?.error ?? 'more is needed', { session: of.session, flows, params: {} })
    this.failure = of.failure
  }

  override toJSON(): JsonObject {
    return { ...this.fields, ...this.failure }
  }
}

/** The stage that a request's `auth` tries, among those that are asked for; throws the 401 when it tries none of them. */
export function attempt(
  home: Pick<Home, 'random'>,
  body: JsonObject,
  stages: readonly string[],
): { auth: JsonObject; stage: string; fail: (words: string) => never } {
  const auth = isJsonObject(body['auth']) ? body['auth'] : {}
  const session =
    typeof auth['session'] === 'string' && auth['session'].length <= 64 ? auth['session'] : home.random(18).toString('base64url')
  const stage = stages.find((one) => one === auth['type'])
  if (stage === undefined) throw new InteractionRequired({ stages, session })
  const fail = (error: string): never => {
    throw new InteractionRequired({ stages, session, failure: { errcode: 'M_FORBIDDEN', error } })
  }
  return { auth, stage, fail }
}

/**
 * The user that a login or an `auth` names: `identifier` of type `m.id.user`, or the older `user`; a localpart or a whole id of this server.
 * Undefined for anything else. https://spec.matrix.org/v1.19/client-server-api/#identifier-types
 */
export function namedUser(body: JsonObject, serverName: ServerName): UserId | undefined {
  const { identifier } = body
  const name = isJsonObject(identifier) ? (identifier['type'] === 'm.id.user' ? identifier['user'] : undefined) : body['user']
  if (typeof name !== 'string' || name === '') return undefined
  const userId = name.startsWith('@') && name.includes(':') ? name : `@${name}:${serverName}`
  return isUserId(userId) && serverNameOf(userId) === serverName ? userId : undefined
}
