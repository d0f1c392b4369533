import type { Slice, Tools } from '../slice.ts'
import { profileEndpoints } from './profile.client.ts'
import { createPropagation } from './propagation.ts'
import { queryProfile } from './query.federation.ts'

/** What users say of themselves. */
export function profile(tools: Tools): Slice {
  return { name: 'profile', endpoints: [...profileEndpoints(tools, createPropagation(tools)), ...queryProfile(tools)] }
}
