import type { Slice, Tools } from '../slice.ts'
import { capabilities } from './capabilities.client.ts'
import { keysQuery } from './keys-query.federation.ts'
import { keysServer } from './keys-server.federation.ts'
import { ownKeysReader } from './own-keys.reader.ts'
import { queryInfo } from './query.federation.ts'
import { roomPolicy } from './room-policy.federation.ts'
import { version } from './version.federation.ts'
import { versionsEndpoints } from './versions.client.ts'
import { wellKnown } from './wellknown.client.ts'

/** Where this server is, what it can do and under which key it signs. `paths` are all that are mounted. */
export function discovery(tools: Tools, paths: () => Iterable<string>): Slice {
  return {
    name: 'discovery',
    endpoints: [
      ...versionsEndpoints(paths),
      ...wellKnown(tools),
      ...capabilities(tools),
      ...version(),
      ...keysServer(tools),
      ...keysQuery(tools),
      ...queryInfo(),
      ...roomPolicy(),
    ],
    readers: [ownKeysReader(tools)],
  }
}
