import { type RoomAlias, serverNameOf, type UserId } from '../core/ids.ts'
import { isInNamespace } from '../core/namespaces.ts'
import type { Home } from '../home.ts'
import type { AppService } from '../http/endpoint.ts'
import type { Egress } from '../remote/egress.ts'
import { askService, isTaken, isUnknownPath } from './ask-appservice.ts'
import type { People } from './people.ts'

const patience = 30_000

/**
 * Asks services for users and aliases of this server that it does not know: "the application service SHOULD create the queried entity if it
 * desires" before it answers. https://spec.matrix.org/v1.19/application-service-api/#querying
 */
export function createServiceQueries(
  { egress, serverName }: Pick<Home, 'egress' | 'serverName'>,
  services: readonly AppService[],
  account: People['account'],
): Pick<People, 'userExists' | 'queryAlias'> {
  async function anyHas(id: UserId | RoomAlias, path: string, asking: AppService | undefined): Promise<boolean> {
    if (serverNameOf(id) !== serverName) return false
    for (const service of services) {
      if (service.url === null || service.id === asking?.id || !isInNamespace(service.namespaces, id)) continue
      if (await has(egress, service, path)) return true
    }
    return false
  }
  return {
    userExists: async (userId, asking) => {
      const known = await account(userId)
      if (known !== undefined) return !known.deactivated
      return (await anyHas(userId, `/users/${encodeURIComponent(userId)}`, asking)) && (await account(userId)) !== undefined
    },
    queryAlias: (alias, asking) => anyHas(alias, `/rooms/${encodeURIComponent(alias)}`, asking),
  }
}

async function has(egress: Egress, service: AppService, path: string): Promise<boolean> {
  const answer = await askService(egress, service, `/_matrix/app/v1${path}`, { method: 'GET', timeoutMs: patience })
  if (!isUnknownPath(answer)) return isTaken(answer)
  return isTaken(await askService(egress, service, path, { method: 'GET', timeoutMs: patience }))
}
