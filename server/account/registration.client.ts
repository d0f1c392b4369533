import { readOptionalBoolean, readOptionalText, readText } from '../core/fields.ts'
import { localpartOf } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { forbidden, guestAccessForbidden, invalidParam, missingParam, missingToken } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Passed } from '../people/interaction/interaction.ts'
import type { Tools } from '../slice.ts'
import { chooseUserId, makeUsername } from './registration.ts'
import { registrationStages, tokenStage } from './registration-stages.ts'
import { usingToken } from './registration-tokens.ts'
import { readWanted, startSession } from './session-answer.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#account-registration */
export function registration(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/register',
      aliases: ['/_matrix/client/r0/register', '/_matrix/client/v1/register'],
      operationId: 'register',
      auth: 'as_token?',
      body: 'json?',
      limit: 65_536,
      rate: 'registration',
      handle: (call) => register(tools, call),
    }),
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/register/available',
      aliases: ['/_matrix/client/r0/register/available'],
      operationId: 'checkUsernameAvailability',
      auth: 'none',
      body: 'none',
      rate: 'other',
      handle: async ({ query }) => {
        const username = query.get('username')
        if (username === null) throw missingParam('username is missing')
        await chooseUserId(tools, username, undefined)
        return { body: { available: true } }
      },
    }),
  ]
}

async function register(tools: Tools, call: Call<'as_token?'>): Promise<Reply> {
  const { query, body, requester } = call
  const kind = query.get('kind') ?? 'user'
  if (kind === 'guest') throw guestAccessForbidden('there are no guest accounts here')
  if (kind !== 'user') throw invalidParam('`kind` must be user or guest')
  if (body['type'] === 'm.login.application_service') return registerForService(tools, body, requester)
  const { open, token_required: tokenRequired } = tools.home.config.registration
  if (!open && !tokenRequired) throw forbidden('accounts are made by the administrators of this server')
  const wanted = readWanted(body)
  const username = readOptionalText(body, 'username')
  const wished = username === undefined ? undefined : await chooseUserId(tools, username, undefined)
  const operation = { method: 'POST', path: call.path, userId: undefined, body }
  const proof = await tools.people.interact(operation, [registrationStages(tools.home)])
  const password = readText(body, 'password')
  if (password === '') throw missingParam('password is missing')
  const userId = wished ?? (await chooseUserId(tools, makeUsername(tools), undefined))
  const made = await tools.people.createAccount({
    userId,
    password,
    admin: false,
    serviceId: undefined,
    displayName: localpartOf(userId),
    ...ending(tools, proof),
  })
  if (made.guard === 'token') proof.refuse('the registration token cannot be used')
  if (made.guard !== undefined) proof.refuse('this session was used before')
  if (readOptionalBoolean(body, 'inhibit_login')) return { body: { user_id: userId, home_server: tools.home.serverName } }
  return { body: await startSession(tools, userId, wanted) }
}

/** What is used up by making the account. */
function ending({ home }: Tools, { details, guards, writes }: Passed): Pick<Passed, 'guards' | 'writes'> {
  const token = details.get(tokenStage)
  if (token === undefined) return { guards, writes }
  const using = usingToken(home, token)
  return { guards: [...guards, ...using.guards], writes: [...writes, ...using.writes] }
}

/** https://spec.matrix.org/v1.19/application-service-api/#server-admin-style-permissions */
async function registerForService(tools: Tools, body: JsonObject, requester: Call<'as_token?'>['requester']): Promise<Reply> {
  const service = requester?.service
  if (!service) throw missingToken('this needs the token of an application service')
  const wanted = readWanted(body)
  const userId = await chooseUserId(tools, readText(body, 'username'), service)
  await tools.people.createAccount({ userId, password: undefined, admin: false, serviceId: service.id })
  if (readOptionalBoolean(body, 'inhibit_login')) return { body: { user_id: userId, home_server: tools.home.serverName } }
  return { body: await startSession(tools, userId, wanted) }
}
