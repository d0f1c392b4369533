import type { DeviceId, UserId } from '../core/ids.ts'
import { isInNamespace, namespaceOf } from '../core/namespaces.ts'
import type { AppService } from '../http/endpoint.ts'
import type { People } from './people.ts'
import { hashToken } from './tokens.ts'

export type Services = Pick<People, 'services' | 'servicesOf' | 'service' | 'exclusiveServiceOf'> & {
  /** The service of a token's hash. */
  readonly byToken: (hash: string) => AppService | undefined
  readonly isIn: (service: AppService, userId: UserId) => boolean
}

/** The name of one network of a service, the same wherever clients ask for it. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyprotocols */
export function instanceIdOf(service: Pick<AppService, 'id'>, networkId: string): string {
  return `${service.id}|${networkId}`
}

const mostRemembered = 50_000
const none: readonly AppService[] = []

/** Whose namespaces a user is in. Patterns are asked once for each user and remembered. */
export function createServices(services: readonly AppService[]): Services {
  const byToken = new Map(services.map((service) => [hashToken(service.asToken), service]))
  const byId = new Map(services.map((service) => [service.id, service]))
  const remembered = new Map<UserId, readonly AppService[]>()
  const isIn = (service: AppService, userId: UserId) => service.sender === userId || isInNamespace(service.namespaces, userId)
  function servicesOf(userId: UserId): readonly AppService[] {
    if (services.length === 0) return none
    let found = remembered.get(userId)
    if (found === undefined) {
      found = services.filter((service) => isIn(service, userId))
      if (remembered.size >= mostRemembered) remembered.clear()
      remembered.set(userId, found.length === 0 ? none : found)
    }
    return found
  }
  const isExclusive = (service: AppService, userId: UserId) =>
    service.sender === userId || namespaceOf(service.namespaces, userId) === 'exclusive'
  return {
    services,
    servicesOf,
    service: (id) => byId.get(id),
    exclusiveServiceOf: (userId, own) => services.find((service) => service !== own && isExclusive(service, userId)),
    byToken: (hash) => byToken.get(hash),
    isIn,
  }
}

/** The session of a service that acts as a user, on a device or not: the scope of its transaction ids. */
export function sessionOfService({ id }: Pick<AppService, 'id'>, userId: UserId, deviceId: DeviceId | undefined): string {
  return `${id} ${userId}${deviceId === undefined ? '' : ` ${deviceId}`}`
}

/** Whether a session is that of a service acting as this user. */
export function isSessionOfService(service: Pick<AppService, 'id'>, userId: UserId, session: string): boolean {
  const own = sessionOfService(service, userId, undefined)
  return session === own || session.startsWith(`${own} `)
}
