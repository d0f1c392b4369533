import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { UserId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Home } from '../../home.ts'

/** What somebody asks to be allowed to do. `path` has its ids in it, so a session for one device is none for another. */
export type Operation = { readonly method: string; readonly path: string; readonly userId: UserId | undefined; readonly body: JsonObject }

/** What a session id says of itself. */
export type InteractionSession = { readonly id: string; readonly expiresAt: number; readonly purpose: string; readonly body: string }

type Tools = Pick<Home, 'clock' | 'random' | 'signingKey'>

export const sessionLifetime = 60 * 60_000
const longest = 128

/**
 * A new session for an operation. Its id is its own proof (what it is for, whose it is, until when), so that it is good at every process and costs
 * nothing to give away; only completed stages are kept.
 */
export function openSession(home: Tools, operation: Operation): InteractionSession {
  const expiresAt = home.clock.now() + sessionLifetime
  const purpose = purposeOf(home, operation)
  const body = digestOf(home, operation.body)
  const content = [expiresAt.toString(36), home.random(9).toString('base64url'), purpose, body].join('.')
  return { id: `${content}.${sealOf(home, content)}`, expiresAt, purpose, body }
}

/** The session of an id; undefined when this server did not give it, or it has expired. */
export function readSession(home: Tools, id: string): InteractionSession | undefined {
  if (id.length > longest) return undefined
  const at = id.lastIndexOf('.')
  const content = id.slice(0, Math.max(0, at))
  const [expires = '', , purpose = '', body = ''] = content.split('.')
  const expiresAt = Number.parseInt(expires, 36)
  const isOurs = isEqual(sealOf(home, content), id.slice(at + 1)) && expiresAt > home.clock.now()
  return isOurs ? { id, expiresAt, purpose, body } : undefined
}

/** Whether a session was given for this operation of this user. */
export function isFor(home: Tools, session: InteractionSession, operation: Operation): boolean {
  return isEqual(purposeOf(home, operation), session.purpose)
}

/** What stands for the body of a request, without its `auth`. */
export function digestOf(home: Pick<Home, 'signingKey'>, { auth: _, ...body }: JsonObject): string {
  return sealOf(home, `body ${canonicalJson(body, false)}`).slice(0, 16)
}

function purposeOf(home: Pick<Home, 'signingKey'>, { method, path, userId }: Operation): string {
  return sealOf(home, `purpose ${method} ${path} ${userId ?? ''}`).slice(0, 16)
}

const keys = new WeakMap<object, Buffer>()

function sealOf({ signingKey }: Pick<Home, 'signingKey'>, content: string): string {
  let key = keys.get(signingKey)
  if (key === undefined) {
    key = Buffer.from(hkdfSync('sha256', signingKey.seed, '', 'sessions of user-interactive authentication', 32))
    keys.set(signingKey, key)
  }
  return createHmac('sha256', key).update(content).digest('base64url').slice(0, 22)
}

function isEqual(right: string, given: string): boolean {
  const [a, b] = [Buffer.from(right), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
