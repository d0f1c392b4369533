import type { RoomAlias, UserId } from '../core/ids.ts'
import { isInNamespace } from '../core/namespaces.ts'
import type { AppService } from '../http/endpoint.ts'
import type { People } from '../people/people.ts'
import type { Egress } from '../remote/egress.ts'
import { askService, isTaken, isUnknownPath } from './send.ts'

type Tools = { readonly home: { readonly egress: Egress }; readonly people: Pick<People, 'services'> }

const patience = 30_000

/**
 * Asks the services in whose namespace an unknown user is; true when one says it exists, having made it meanwhile.
 * https://spec.matrix.org/v1.19/application-service-api/#get_matrixappv1usersuserid
 */
export function queryUser(tools: Tools, userId: UserId): Promise<boolean> {
  return anyHas(tools, userId, `/users/${encodeURIComponent(userId)}`)
}

/**
 * Asks the services in whose namespace an unknown alias is; true when one says it exists, having made its room meanwhile.
 * https://spec.matrix.org/v1.19/application-service-api/#get_matrixappv1roomsroomalias
 */
export function queryAlias(tools: Tools, alias: RoomAlias): Promise<boolean> {
  return anyHas(tools, alias, `/rooms/${encodeURIComponent(alias)}`)
}

async function anyHas({ home, people }: Tools, id: UserId | RoomAlias, path: string): Promise<boolean> {
  for (const service of people.services) {
    if (service.url !== null && isInNamespace(service.namespaces, id) && (await has(home.egress, service, path))) return true
  }
  return false
}

async function has(egress: Egress, service: AppService, path: string): Promise<boolean> {
  const answer = await askService(egress, service, `/_matrix/app/v1${path}`, { method: 'GET', timeoutMs: patience })
  if (!isUnknownPath(answer)) return isTaken(answer)
  return isTaken(await askService(egress, service, path, { method: 'GET', timeoutMs: patience }))
}
