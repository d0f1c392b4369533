import type { Section, Slice, Tools } from '../slice.ts'
import type { LeaseTiming } from '../storage/lease.ts'
import { appserviceReader } from './appservice.reader.ts'
import { pingEndpoint } from './appservice-ping.client.ts'

/**
 * Tells application services what concerns them. `sections` are asked when the server starts, then all slices are known.
 * https://spec.matrix.org/v1.19/application-service-api/
 */
export function appservice(tools: Tools, sections: () => readonly Section[], timing?: LeaseTiming): Slice {
  return { name: 'application services', endpoints: [pingEndpoint(tools)], readers: [appserviceReader(tools, sections, timing)] }
}
