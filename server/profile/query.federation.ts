import { userIdOf } from '../core/fields.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { readProfile } from './profile.ts'

/** What users of this server say of themselves, for other servers. https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile */
export function queryProfile(tools: Pick<Tools, 'home' | 'people'>): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/query/profile',
      operationId: 'queryProfile',
      auth: 'x-matrix',
      body: 'none',
      handle: async ({ query }) => {
        const profile = await readProfile(tools, userIdOf(query.get('user_id') ?? undefined))
        const field = query.get('field')
        if (field === null) return { body: profile }
        return { body: Object.hasOwn(profile, field) ? { [field]: profile[field] } : {} }
      },
    }),
  ]
}
