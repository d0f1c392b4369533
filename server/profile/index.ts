import type { Slice, Tools } from '../slice.ts'
import { profileEndpoints } from './profile.client.ts'
import { createPropagation } from './propagation.ts'

/** What users say of themselves. */
export function profile(tools: Tools): Slice {
  return { name: 'profile', endpoints: profileEndpoints(tools, createPropagation(tools)) }
}
