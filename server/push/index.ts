import type { Slice, Tools } from '../slice.ts'
import { pushRuleEndpoints } from './pushrules.client.ts'

/** Push rules. https://spec.matrix.org/v1.19/client-server-api/#push-notifications */
export function push({ home }: Tools): Slice {
  return { name: 'push', endpoints: pushRuleEndpoints(home) }
}
