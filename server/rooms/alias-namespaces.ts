import type { RoomAlias } from '../core/ids.ts'
import { exclusive } from '../core/matrix-error.ts'
import { namespaceOf } from '../core/namespaces.ts'
import type { AppService } from '../http/endpoint.ts'
import type { People } from '../people/people.ts'

/** 400 M_EXCLUSIVE for an alias in the exclusive namespace of an application service other than the asking one. */
export function checkAliasFree(people: Pick<People, 'services'>, alias: RoomAlias, asking: AppService | undefined): void {
  for (const service of people.services) {
    if (service.id !== asking?.id && namespaceOf(service.namespaces, alias) === 'exclusive')
      throw exclusive('this alias is kept for an application service')
  }
}
