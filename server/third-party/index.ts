import type { Slice, Tools } from '../slice.ts'
import { thirdPartyLookup } from './third-party-lookup.client.ts'

/** The networks that application services bridge. https://spec.matrix.org/v1.19/client-server-api/#third-party-networks */
export function thirdParty(tools: Tools): Slice {
  return { name: 'third-party', endpoints: thirdPartyLookup(tools) }
}
