import type { Section, Slice, Tools } from '../slice.ts'
import { sync as syncEndpoints } from './sync.client.ts'

/** `/sync`: what there is between two positions for a device, waited for when there is nothing. */
export function sync(tools: Tools, sections: () => readonly Section[]): Slice {
  return { name: 'sync', endpoints: syncEndpoints(tools, sections) }
}
