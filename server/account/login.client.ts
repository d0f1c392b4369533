import { readText } from '../core/fields.ts'
import type { UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { exclusive, forbidden, missingParam, missingToken, unknown, userDeactivated, userLocked } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { namedUser } from '../people/interaction/interaction.ts'
import type { Tools } from '../slice.ts'
import { useLoginToken } from './login-token.client.ts'
import { readWanted, startSession } from './session-answer.ts'

const path = '/_matrix/client/v3/login'
const aliases = ['/_matrix/client/r0/login', '/_matrix/client/v1/login']

/** https://spec.matrix.org/v1.19/client-server-api/#login */
export function login(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      aliases,
      operationId: 'getLoginFlows',
      auth: 'none',
      body: 'none',
      rate: 'other',
      handle: () => ({ body: { flows: flowsOf(tools) } }),
    }),
    endpoint({
      method: 'POST',
      path,
      aliases,
      operationId: 'login',
      auth: 'as_token?',
      body: 'json',
      limit: 65_536,
      rate: 'login',
      handle: (call) => logIn(tools, call),
    }),
  ]
}

function flowsOf({ home }: Tools): JsonObject[] {
  const byToken = home.config.login_via_existing_session.enabled ? [{ type: 'm.login.token', get_login_token: true }] : []
  return [{ type: 'm.login.password' }, ...byToken, { type: 'm.login.application_service' }]
}

async function logIn(tools: Tools, { body, requester }: Call<'as_token?'>): Promise<Reply> {
  const type = readText(body, 'type')
  const wanted = readWanted(body)
  const userId = await identify(tools, type, body, requester)
  if (!requester?.service) tools.people.countLogin(userId)
  const account = await tools.people.account(userId)
  if (account?.deactivated) throw userDeactivated()
  if (account?.locked) throw userLocked()
  const answer = await startSession(tools, userId, wanted)
  return { body: { ...answer, well_known: { 'm.homeserver': { base_url: tools.home.config.public_baseurl } } } }
}

async function identify(tools: Tools, type: string, body: JsonObject, requester: Call<'as_token?'>['requester']): Promise<UserId> {
  const { home, people } = tools
  if (type === 'm.login.application_service') {
    if (!requester?.service) throw missingToken('this needs the token of an application service')
    const userId = namedUser(body, home.serverName)
    if (!userId) throw missingParam('identifier names no user of this server')
    if (!people.servicesOf(userId).includes(requester.service))
      throw exclusive('this user is not in the namespaces of the application service')
    if (!(await people.account(userId))) throw forbidden('there is no such user')
    return userId
  }
  if (type === 'm.login.token') return useLoginToken(home, readText(body, 'token'))
  if (type !== 'm.login.password') throw unknown('this login type is not known')
  const password = readText(body, 'password')
  if (['identifier', 'user', 'address'].every((key) => body[key] === undefined)) throw missingParam('identifier is missing')
  const named = namedUser(body, home.serverName)
  // New names are in small letters; people write theirs as their keyboard likes.
  const userId = named === undefined || (await people.account(named)) ? named : (named.toLowerCase() as UserId)
  // A name that cannot be one costs as long as one that could, and gets the same words.
  const right = await people.checkPassword(userId ?? `@:${home.serverName}`, password)
  if (!userId || !right) throw forbidden('the user name or the password is wrong')
  return userId
}
