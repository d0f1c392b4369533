import { createHmac, timingSafeEqual } from 'node:crypto'
import { readOptionalBoolean, readOptionalText, readText } from '../core/fields.ts'
import { localpartOf } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { forbidden, unknown } from '../core/matrix-error.ts'
import { checkPlainText } from '../core/plain-text.ts'
import type { Home } from '../home.ts'
import { type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { chooseUserId } from './registration.ts'
import { readWanted, startSession } from './session-answer.ts'

const path = '/_synapse/admin/v1/register'
const nonceLifetime = 60_000
const longestName = 256

/** Making accounts by a secret that only the operator knows, as administrators' tools do. */
export function registerAdmin(tools: Tools): Endpoint[] {
  const common = { path, auth: 'none', rate: 'other' } as const
  return [
    endpoint({
      ...common,
      method: 'GET',
      operationId: 'getRegistrationNonce',
      body: 'none',
      handle: () => ({ body: { nonce: makeNonce(tools.home, secretOf(tools.home)) } }),
    }),
    endpoint({
      ...common,
      method: 'POST',
      operationId: 'registerBySharedSecret',
      body: 'json',
      limit: 65_536,
      handle: ({ body }) => register(tools, body),
    }),
  ]
}

async function register(tools: Tools, body: JsonObject): Promise<Reply> {
  const secret = secretOf(tools.home)
  const nonce = readText(body, 'nonce')
  if (!isOurNonce(tools.home, secret, nonce)) throw unknown('unrecognised nonce')
  const username = readText(body, 'username')
  const password = readText(body, 'password')
  const admin = readOptionalBoolean(body, 'admin') ?? false
  const kind = readOptionalText(body, 'user_type')
  const signed = [nonce, username, password, admin ? 'admin' : 'notadmin', ...(kind === undefined ? [] : [kind])].join('\0')
  if (!isEqual(createHmac('sha1', secret).update(signed).digest('hex'), readText(body, 'mac'))) throw forbidden('HMAC incorrect')
  const wanted = readWanted(body)
  const userId = await chooseUserId(tools, username, undefined)
  const displayName = checkPlainText('displayname', body['displayname'] ?? localpartOf(userId), longestName)
  await tools.people.createAccount({ userId, password, admin, serviceId: undefined, displayName })
  return { body: await startSession(tools, userId, wanted) }
}

function secretOf({ config }: Pick<Home, 'config'>): string {
  const secret = config.registration.shared_secret
  if (secret === undefined) throw unknown('registration by a shared secret is not enabled')
  return secret
}

/** A nonce is its own proof, so that it is good at every process. Replaying one makes nothing: its account is there. */
function makeNonce({ clock, random }: Pick<Home, 'clock' | 'random'>, secret: string): string {
  const content = `${clock.now() + nonceLifetime}.${random(16).toString('base64url')}`
  return `${content}.${sealOf(secret, content)}`
}

function isOurNonce({ clock }: Pick<Home, 'clock'>, secret: string, nonce: string): boolean {
  const at = nonce.lastIndexOf('.')
  const content = nonce.slice(0, Math.max(0, at))
  return Number(content.split('.')[0]) > clock.now() && isEqual(sealOf(secret, content), nonce.slice(at + 1))
}

function sealOf(secret: string, content: string): string {
  return createHmac('sha256', secret).update(`nonce ${content}`).digest('base64url')
}

function isEqual(right: string, given: string): boolean {
  const [a, b] = [Buffer.from(right), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
