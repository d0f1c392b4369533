import type { Slice, Tools } from '../slice.ts'
import { forgetDevice, forgetUser } from './forget-pushers.ts'
import { notificationsEndpoint } from './notifications.client.ts'
import { pushReader } from './push.reader.ts'
import { pusherEndpoints } from './pushers.client.ts'
import { pushRuleEndpoints } from './pushrules.client.ts'

/** Push rules, pushers and what notified somebody. https://spec.matrix.org/v1.19/client-server-api/#push-notifications */
export function push(tools: Tools): Slice {
  const { home } = tools
  return {
    name: 'push',
    endpoints: [...pushRuleEndpoints(home), ...pusherEndpoints(home), notificationsEndpoint(tools)],
    readers: [pushReader(tools)],
    forget: { device: forgetDevice(home), user: forgetUser(home) },
  }
}
