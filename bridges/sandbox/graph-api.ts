import { type Network, networks, objectOf, type SandboxAccount } from './accounts.ts'
import { type ApiCall, asJson, type Json, type Outcome, stringOf } from './api-call.ts'
import { createMessagingLimits, postMessaging, postPersona } from './api-messaging.ts'
import type { Faults } from './faults.ts'
import { type ErrorSpec, graphErrors, parameterError, unknownObject } from './graph-error.ts'
import { messageNode, postAttachment, postWhatsappMedia, whatsappMediaNode } from './media/api-files.ts'
import type { UploadedFile } from './media/read-form.ts'
import { renewToken } from './renew-token.ts'
import { createWhatsappLimits, postWhatsapp } from './whatsapp/api-whatsapp.ts'
import { listTemplates } from './whatsapp/templates.ts'
import type { World } from './world.ts'

/** A request as it came in, below the address of the sandbox. */
export interface RawCall {
  method: string
  path: string
  query: URLSearchParams
  authorization?: string
  body: Json
  files?: ReadonlyMap<string, UploadedFile>
}

export interface GraphApi {
  /** The account behind a token, while it is good. */
  accountOf(raw: Pick<RawCall, 'query' | 'authorization'>): SandboxAccount | undefined
  /** Finds the account first, so that a fault may hit the call before it is carried out by `run`. */
  open(raw: RawCall): { account?: SandboxAccount; isSend: boolean; run(): Promise<Outcome> }
}

type Subscribe = (account: SandboxAccount, url: string, verifyToken: string) => Promise<string | undefined>

const versions = /^\/v2[1-6]\.0\/(.+)$/

/** Routes of the Graph API that business messaging needs; everything else answers as Meta does for what does not exist. */
export function createGraphApi(world: World, faults: Faults, subscribe: Subscribe): GraphApi {
  const whatsapp = createWhatsappLimits(world)
  const messaging = createMessagingLimits(world)

  const run = (call: ApiCall): Outcome => {
    const [id, edge, ...rest] = call.segments
    const { account, method } = call
    if (id === 'refresh_access_token' && method === 'GET' && !edge) return renewToken(world, call)
    const own = id === account.id || (id === 'me' && account.network !== 'whatsapp')
    if (rest.length > 0 || !id) return { error: graphErrors.unknownPath }
    if (edge === 'message_templates' && method === 'GET' && account.network === 'whatsapp' && id === account.entryId)
      return listTemplates(world.templates, call)
    if (!edge && method !== 'POST')
      return (own && method === 'GET' ? { body: nodeOf(account, call.query) } : undefined) ?? nodeUnder(world, call, id)
    if (method === 'POST' && edge === 'subscribed_apps' && (own || id === account.entryId)) return { body: { success: true } }
    if (!own || method !== 'POST') return { error: unknownObject(method, id) }
    if (edge === 'messages') {
      return account.network === 'whatsapp' ? postWhatsapp(world, whatsapp, faults, call) : postMessaging(world, messaging, call)
    }
    if (edge === 'media' && account.network === 'whatsapp') return postWhatsappMedia(world, call)
    if (edge === 'message_attachments' && account.network !== 'whatsapp') return postAttachment(world, call)
    if (edge === 'personas' && account.network === 'messenger') return postPersona(world, call.body)
    return { error: unknownObject(method, id) }
  }

  const accountOf = (raw: Pick<RawCall, 'query' | 'authorization'> & { body?: Json }) => {
    const token = tokenOf(raw)
    const renewed = world.renewedTokens.get(token ?? '')?.network
    return networks.map((one) => world.accounts[one]).find(({ accessToken, network }) => accessToken === token || network === renewed)
  }

  return {
    accountOf,
    open(raw) {
      const segments = versions.exec(raw.path)?.[1]?.split('/').map(decodeSegment) ?? []
      const token = tokenOf(raw)
      const account = accountOf(raw)
      const app = networks.map((network) => world.accounts[network]).find(({ appId, appSecret }) => token === `${appId}|${appSecret}`)
      const isSend = raw.method === 'POST' && segments[1] === 'messages' && account !== undefined
      const refuse = (error: ErrorSpec) => ({ isSend: false, run: async (): Promise<Outcome> => ({ error }) })
      if (segments.length === 0) return refuse(graphErrors.unknownPath)
      if (token === undefined) return refuse(graphErrors.noToken)
      const ended = account && tokenProblem(world, account.network, token)
      if (ended) return refuse(ended)
      const caller = account ?? app
      if (!caller) return refuse(graphErrors.badToken)
      const { method, query, body, files } = raw
      if (segments[0] === 'debug_token') return { isSend: false, run: async () => debugToken(world, query.get('input_token')) }
      if (segments[1] === 'subscriptions') {
        return { isSend: false, run: () => postSubscription(app, segments[0], body, subscribe) }
      }
      if (!account) return refuse(graphErrors.noPermission)
      return { account, isSend, run: async () => run({ method, segments, query, body, account, ...(files ? { files } : {}) }) }
    },
  }
}

function tokenOf(raw: Pick<RawCall, 'query' | 'authorization'> & { body?: Json }): string | undefined {
  const bearer = /^(?:Bearer|OAuth) (.+)$/i.exec(raw.authorization ?? '')?.[1]
  return bearer ?? raw.query.get('access_token') ?? stringOf(raw.body, 'access_token')
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function nodeOf(account: SandboxAccount, query: URLSearchParams): Json {
  const { network, id, name, username, phone, entryId } = account
  if (network === 'whatsapp' && query.get('fields') === 'whatsapp_business_account')
    return { id, whatsapp_business_account: { id: entryId, name } }
  if (network === 'whatsapp')
    return { id, display_phone_number: phone, verified_name: name, quality_rating: 'GREEN', platform_type: 'CLOUD_API' }
  return network === 'messenger' ? { id, name } : { id, user_id: id, username, name }
}

/** What else has an id: files of WhatsApp, messages and people of the others. */
function nodeUnder(world: World, call: ApiCall, id: string): Outcome {
  const { account, method } = call
  const file = account.network === 'whatsapp' ? whatsappMediaNode(world, call, id) : undefined
  if (file) return file
  if (method !== 'GET') return { error: unknownObject(method, id) }
  const profile = profileOf(world, account, id)
  return 'error' in profile ? messageNode(world, call, id) : profile
}

/** What a token that is no longer good is answered. */
export function tokenProblem({ tokenEnds, renewedTokens, clock }: World, network: Network, token = ''): ErrorSpec | undefined {
  const own = tokenEnds.get(network)
  if (own === 'revoked') return graphErrors.revokedToken
  const end = renewedTokens.get(token)?.until ?? own
  return end !== undefined && end <= clock.now() ? graphErrors.expiredToken : undefined
}

/** The profile of a person, for Pages and Instagram accounts to which they wrote. */
function profileOf(world: World, account: SandboxAccount, id: string): Outcome {
  const person = world.people.find((one) => one.network === account.network && one.id === id && one.lastWroteAt !== undefined)
  if (!person || account.network === 'whatsapp') return { error: unknownObject('GET', id) }
  if (account.network === 'instagram') return { body: { id, name: person.name, username: person.username } }
  const [first, ...last] = person.name.split(' ')
  return { body: { id, first_name: first, last_name: last.join(' ') } }
}

function debugToken(world: World, inspected: string | null): Outcome {
  const account = networks.map((network) => world.accounts[network]).find(({ accessToken }) => accessToken === inspected)
  if (!account) return { body: { data: { is_valid: false, error: { code: 190, message: 'Malformed access token' }, scopes: [] } } }
  const scopes = {
    whatsapp: ['whatsapp_business_messaging', 'whatsapp_business_management'],
    messenger: ['pages_messaging', 'pages_manage_metadata'],
    instagram: ['instagram_business_basic', 'instagram_business_manage_messages'],
  }[account.network]
  const end = world.tokenEnds.get(account.network)
  const expiresAt = typeof end === 'number' ? Math.floor(end / 1000) : 0
  const type = account.network === 'messenger' ? 'PAGE' : account.network === 'whatsapp' ? 'SYSTEM_USER' : 'USER'
  return {
    body: {
      data: { app_id: account.appId, type, is_valid: tokenProblem(world, account.network) === undefined, expires_at: expiresAt, scopes },
    },
  }
}

/** `POST /{app-id}/subscriptions` with the app's token: the callback is asked for the challenge before it is taken. */
async function postSubscription(
  app: SandboxAccount | undefined,
  id: string | undefined,
  body: Json,
  subscribe: Subscribe,
): Promise<Outcome> {
  const url = stringOf(body, 'callback_url')
  const verifyToken = stringOf(body, 'verify_token')
  if (!app || id !== app.appId) return { error: graphErrors.noPermission }
  if (!url || !verifyToken || asJson(body)['object'] !== objectOf[app.network]) return { error: parameterError('Invalid parameter', false) }
  const problem = await subscribe(app, url, verifyToken)
  if (problem === undefined) return { body: { success: true } }
  return { error: { status: 400, code: 2200, message: `(#2200) Callback verification failed with the following errors: ${problem}` } }
}
