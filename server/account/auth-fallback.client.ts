import { unrecognized } from '../core/matrix-error.ts'
import { readBytes } from '../http/body.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { headersWithScript, pageHeaders } from '../http/html.ts'
import type { Stage } from '../people/interaction/interaction.ts'
import { namedUser } from '../people/interaction/interaction.ts'
import type { InteractionSession } from '../people/interaction/interaction-session.ts'
import type { Tools } from '../slice.ts'
import { donePage, doneScript, expiredPage, type Field, stagePage } from './auth-fallback-pages.ts'
import { registrationStages, termsStage, tokenStage } from './registration-stages.ts'

const longestForm = 16 * 1024

/** Pages on which a stage can be completed by clients that do not know it. https://spec.matrix.org/v1.19/client-server-api/#fallback */
export function authFallback(tools: Tools): Endpoint[] {
  const common = {
    path: '/_matrix/client/v3/auth/{authType}/fallback/web',
    aliases: ['/_matrix/client/r0/auth/{authType}/fallback/web'],
    auth: 'none',
    rate: 'login',
  } as const
  return [
    endpoint({
      ...common,
      method: 'GET',
      operationId: 'getAuthFallback',
      body: 'none',
      rate: 'other',
      handle: (call) => show(tools, call),
    }),
    endpoint({ ...common, method: 'POST', operationId: 'postAuthFallback', body: 'stream', handle: (call) => complete(tools, call) }),
  ]
}

function show(tools: Tools, { params, query }: Call): Reply {
  const type = params['authType']!
  const fields = fieldsOf(tools, type)
  const session = tools.people.interaction(query.get('session') ?? '')
  if (!session) return { status: 400, body: expiredPage(), headers: pageHeaders }
  return { body: stagePage({ type, session: session.id, fields, terms: tools.home.config.registration.terms }), headers: pageHeaders }
}

async function complete(tools: Tools, { params, query, request }: Call): Promise<Reply> {
  const type = params['authType']!
  const fields = fieldsOf(tools, type)
  const form = new URLSearchParams(Buffer.from(await readBytes(request, longestForm)).toString())
  const session = tools.people.interaction(form.get('session') ?? query.get('session') ?? '')
  if (!session) return { status: 400, body: expiredPage(), headers: pageHeaders }
  const refused = await tryStage(tools, type, session, form)
  if (refused !== undefined) {
    const body = stagePage({ type, session: session.id, fields, terms: tools.home.config.registration.terms, refused })
    return { status: 403, body, headers: pageHeaders }
  }
  return { body: donePage(), headers: headersWithScript(doneScript) }
}

/** What a page asks for; 404 M_UNRECOGNIZED for a stage that has none. */
function fieldsOf({ home }: Tools, type: string): readonly Field[] {
  if (type === 'm.login.password') return ['user', 'password']
  if (registrationStages(home).every((stage) => stage.type !== type)) throw unrecognized('there is no page for this stage')
  return type === tokenStage ? ['token'] : []
}

/** Completes the stage, or says in words why not. What a password proves is bound to the request for which the session was begun. */
async function tryStage(tools: Tools, type: string, session: InteractionSession, form: URLSearchParams): Promise<string | undefined> {
  const { home, people } = tools
  if (type === 'm.login.password') {
    const userId = namedUser({ user: form.get('user')?.trim() ?? '' }, home.serverName)
    const right = await people.checkPassword(userId ?? `@:${home.serverName}`, form.get('password') ?? '')
    if (!userId || !right) return 'The user name or the password is wrong.'
    await people.completeStage(session, type, userId, session.body)
    return undefined
  }
  if (type === termsStage && form.get('agree') !== 'yes') return 'Say that you agree, or close this page.'
  const stage: Stage = registrationStages(home).find((one) => one.type === type)!
  const outcome = await stage.attempt({ token: form.get('token')?.trim() ?? '' })
  if ('refused' in outcome) return 'This token cannot be used.'
  await people.completeStage(session, type, outcome.done, '')
  return undefined
}
