import type { Slice, Tools } from '../slice.ts'
import { relationsEndpoints } from './relations.client.ts'
import { threadsList } from './threads-list.client.ts'

/** Events that relate to others, and threads. https://spec.matrix.org/v1.19/client-server-api/#relationships-api */
export function relations(tools: Tools): Slice {
  return { name: 'relations', endpoints: [...relationsEndpoints(tools), ...threadsList(tools)] }
}
