import type { UserId } from '../core/ids.ts'
import { isUserId, serverNameOf } from '../core/ids.ts'
import { forbidden, unknownDevice, unknownToken, userDeactivated, userLocked } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import type { Authenticate } from '../http/client-auth.ts'
import type { AppService, Requester } from '../http/endpoint.ts'
import { selectAccount } from './accounts.store.ts'
import { selectDevice } from './devices.store.ts'
import { lastSeenNotes } from './devices.ts'
import type { People } from './people.ts'
import { type Services, sessionOfService } from './services.ts'
import { selectByAccessToken } from './sessions.store.ts'
import { confirmGeneration } from './sessions.ts'
import { hashToken } from './tokens.ts'

type Tools = Pick<Home, 'database' | 'clock' | 'random' | 'log' | 'serverName'>
type Known = { readonly requester: Requester; readonly expiresAt: number; readonly locked: boolean }
type As = Parameters<Authenticate>[1]

export type Requesters = {
  readonly authenticate: Authenticate
  /** What is remembered of a user is void. */
  readonly forget: (userId: string) => void
} & Pick<People, 'onServiceSeen'>

const mostRemembered = 100_000

/** Finds out who asks. What was found is remembered until the user's sessions, devices or account change, here or in another process. */
export function createRequesters(home: Tools, services: Services): Requesters {
  const remembered = createMemory()
  const noteSeen = lastSeenNotes(home)
  const servicesSeen: ((service: AppService) => void)[] = []

  async function authenticate(token: string, as: As): Promise<Requester> {
    const hash = hashToken(token)
    const service = services.byToken(hash)
    if (service) for (const seen of servicesSeen) seen(service)
    const key = service ? JSON.stringify([hash, as.userId, as.deviceId]) : hash
    const known = remembered.get(key) ?? (await remembered.learn(key, () => (service ? asUser(service, as) : ofToken(hash))))
    if (known.expiresAt <= home.clock.now()) throw unknownToken({ softLogout: true, message: 'the access token has expired' })
    if (known.locked && as.evenLocked !== true) throw userLocked()
    const { requester } = known
    if (requester.deviceId !== undefined) noteSeen(requester.userId, requester.deviceId, as.ip)
    return requester
  }

  async function ofToken(hash: string): Promise<Known> {
    const row = await home.database.selectOne(selectByAccessToken, hash)
    if (!row || row.deactivated) throw unknownToken()
    const expiresAt = row.expires_at ?? Number.POSITIVE_INFINITY
    const isNew = row.generation > row.confirmed && expiresAt > home.clock.now()
    if (isNew && !(await confirmGeneration(home, row.session_id, row.generation, row.user_id))) throw unknownToken()
    const { user_id: userId, session_id: session } = row
    return {
      expiresAt,
      locked: row.locked === 1,
      requester: {
        userId,
        deviceId: row.device_id ?? undefined,
        session,
        admin: row.admin === 1,
        suspended: row.suspended === 1,
        service: undefined,
      },
    }
  }

  /** https://spec.matrix.org/v1.19/application-service-api/#identity-assertion */
  async function asUser(service: AppService, as: As): Promise<Known> {
    const userId = as.userId ?? service.sender
    if (!isUserId(userId) || serverNameOf(userId) !== home.serverName || !services.isIn(service, userId)) {
      throw forbidden('Application service cannot masquerade as this user')
    }
    const account = await home.database.selectOne(selectAccount, userId)
    if (!account) throw forbidden(`Application service has not registered this user (${userId})`)
    if (account.deactivated) throw userDeactivated()
    if (account.locked) throw userLocked()
    if (as.deviceId?.includes('\0') || (as.deviceId !== undefined && !(await home.database.selectOne(selectDevice, userId, as.deviceId))))
      throw unknownDevice()
    const session = sessionOfService(service, userId, as.deviceId)
    const suspended = account.suspended === 1
    const requester: Requester = { userId, deviceId: as.deviceId, session, admin: false, suspended, service }
    return { expiresAt: Number.POSITIVE_INFINITY, locked: false, requester }
  }
  return { authenticate, forget: remembered.forget, onServiceSeen: (seen) => void servicesSeen.push(seen) }
}

/** The newest ones, by key; dropped by user. */
function createMemory() {
  const byKey = new Map<string, Known>()
  const keysOf = new Map<string, Set<string>>()
  let forgotten = 0

  function remember(key: string, known: Known): void {
    const oldest = byKey.size >= mostRemembered ? byKey.keys().next().value : undefined
    if (oldest !== undefined) drop(oldest)
    byKey.set(key, known)
    const keys = keysOf.get(known.requester.userId)
    if (keys) keys.add(key)
    else keysOf.set(known.requester.userId, new Set([key]))
  }
  function drop(key: string): void {
    const userId: UserId | undefined = byKey.get(key)?.requester.userId
    byKey.delete(key)
    const keys = userId === undefined ? undefined : keysOf.get(userId)
    if (keys?.delete(key) && keys.size === 0) keysOf.delete(userId!)
  }
  return {
    get: (key: string) => byKey.get(key),
    /** What was found is not remembered when something was forgotten meanwhile: it may be of before. */
    async learn(key: string, find: () => Promise<Known>): Promise<Known> {
      const before = forgotten
      const known = await find()
      if (forgotten === before && !byKey.has(key)) remember(key, known)
      return known
    },
    forget(userId: string): void {
      forgotten++
      for (const key of [...(keysOf.get(userId) ?? [])]) drop(key)
    },
  }
}
